"""Where a refresh token may come from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from safeconduct._core.session.record import Session, Transport
from safeconduct.errors import BindingMismatch
from safeconduct.events import BindingChanged, Event

_LONGEST_DEVICE: Final = 200

Bind = Literal["off", "event", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where a request comes from, as far as a session minds."""

    transport: Transport = "header"
    #: A name for the device, for the list of sessions and for ``sessions.bind``.
    device: str = ""
    #: From ``network_of``.
    network: str = ""

    @property
    def label(self) -> str:
        """The device as a store keeps it: bounded, and text whatever a header held."""
        return self.device[:_LONGEST_DEVICE].encode("utf-8", "replace").decode()


def check_binding(
    session: Session, session_id: str, caller: Caller, *, bind: Bind, announce: Callable[[Event], None]
) -> None:
    """
    Return if a refresh token of *session* may come from *caller*.

    Raises:
        BindingMismatch: If it came by another transport, or from another place and *bind* is ``refuse``.
    """
    if caller.transport != session.transport:
        raise BindingMismatch("the refresh token came by another transport than at sign-in")
    if bind == "off" or (caller.label, caller.network) == (session.device, session.network):
        return
    is_refused = bind == "refuse"
    announce(BindingChanged(subject=session.subject, session_id=session_id, is_refused=is_refused))
    if is_refused:
        raise BindingMismatch("the refresh token came from another network or device than at sign-in")
