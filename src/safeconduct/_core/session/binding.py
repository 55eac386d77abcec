"""Where a refresh token may come from."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

from safeconduct._core.session.record import Session, Transport
from safeconduct.config import SessionConfig
from safeconduct.errors import BindingMismatch
from safeconduct.events import BindingChanged, Event

_LONGEST_DEVICE: Final = 200
_COMMENT: Final = re.compile(r"\([^()]*(?:\([^()]*\)?[^()]*)*\)?")

Bind = Literal["off", "event", "refuse"]
Place = Literal["network", "device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where a request comes from, as far as a session minds."""

    transport: Transport = "header"
    #: A name for the device, for the list of sessions and for ``sessions.bind_device``.
    device: str = ""
    #: From ``network_of``.
    network: str = ""

    @property
    def label(self) -> str:
        """The device as a store keeps it: bounded, and text whatever a header held."""
        return self.device[:_LONGEST_DEVICE].encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What happens when a long-term credential comes from another place than at sign-in."""

    network: Bind = "off"
    device: Bind = "off"

    @classmethod
    def of(cls, sessions: SessionConfig) -> Self:
        """Read it out of the configuration."""
        return cls(network=sessions.bind_network, device=sessions.bind_device)

    def check(self, session: Session, session_id: str, caller: Caller, *, announce: Callable[[Event], None]) -> None:
        """
        Return if a refresh token of *session* may come from *caller*.

        Raises:
            BindingMismatch: If it came by another transport, or from another place and that is to be refused.
        """
        if caller.transport != session.transport:
            raise BindingMismatch("the refresh token came by another transport than at sign-in")
        changed: dict[Place, Bind] = {name: bind for name, bind in self._changed(session, caller) if bind != "off"}
        if not changed:
            return
        names: tuple[Place, ...] = tuple(changed)
        is_refused = "refuse" in changed.values()
        announce(
            BindingChanged(subject=session.subject, session_id=session_id, changed=names, is_refused=is_refused)
        )  # fmt: skip
        if is_refused:
            raise BindingMismatch(f"the refresh token came from another {' and '.join(names)} than at sign-in")

    def _changed(self, session: Session, caller: Caller) -> Iterator[tuple[Place, Bind]]:
        if caller.network != session.network:
            yield "network", self.network
        if not is_same_device(session.device, caller.label):
            yield "device", self.device


def is_same_device(one: str, other: str) -> bool:
    """
    Say whether two labels are of one family of browsers, whatever their versions.

    "User-Agent = product *( RWS ( product / comment ) )", "product = token ["/" product-version]" — RFC 9110 §10.1.5.
    What counts are the names of the products and their order: versions rise, and comments tell of builds and of systems
    that are updated too.
    """
    first, second = _family(one), _family(other)
    if _LONGEST_DEVICE in (len(one), len(other)):
        # One of them was cut where it was kept: the product there may be cut too.
        shared = min(len(first), len(second)) - 1
        return shared >= 0 and first[:shared] == second[:shared]
    return first == second


def _family(label: str) -> list[str]:
    # A comment that is cut has no end.
    text = _COMMENT.sub(" ", label)
    return [product.partition("/")[0] for product in text.split()]
