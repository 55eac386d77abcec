"""What each world of an ``Auth`` has of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.ports import Store
from safeconduct._core.revocation import Revocations
from safeconduct._workshop.proving import ProvingWing, World


@dataclass(frozen=True, slots=True)
class WorldParts:
    """What is made for one world at a time, and for each of its own."""

    store: Callable[[World], Store]
    revocations: Callable[[World], Revocations | None]
    proving: ProvingWing
