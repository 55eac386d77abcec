"""What each world of an ``Auth`` has of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.revocation import Revocations
from safeconduct._core.store import Store
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._wiring.passwords import PasswordFactory, World
from safeconduct.errors import Unavailable


def present(keys: Callable[[], DerivedKeys | None]) -> Callable[[], DerivedKeys]:
    """Return what gives the derived keys as they are now, and raises ``Unavailable`` where they are gone."""

    def required() -> DerivedKeys:
        found = keys()
        if found is None:
            raise Unavailable("the safeconduct-secrets key was there when this began, and is gone")
        return found

    return required


@dataclass(frozen=True, slots=True)
class WorldParts:
    """What is made for one world at a time, and for each of its own."""

    store: Callable[[World], Store]
    revocations: Callable[[World], Revocations | None]
    proving: PasswordFactory
