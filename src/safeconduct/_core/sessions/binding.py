"""
Compare where a refresh token comes from with where its session began.

A refresh token that came by cookie at sign-in never counts in a header or a body, nor the other way round.  Network and
device are compared only if ``sessions.bind_network`` and ``sessions.bind_device`` ask for it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from safeconduct._core.sessions.model import Session, Transport
from safeconduct.errors import BindingMismatch
from safeconduct.events import BindingChanged, Event

_LONGEST_DEVICE: Final = 200
_COMMENT: Final = re.compile(r"\([^()]*(?:\([^()]*\)?[^()]*)*\)?")

Bind = Literal["off", "event", "refuse"]
Changed = Literal["network", "device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
    """Where a request comes from, as far as a session depends on it."""

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
    """What happens if a refresh token comes from another network or device than at sign-in."""

    network: Bind = "off"
    device: Bind = "off"

    def check(
        self, session: Session, session_id: str, origin: RequestOrigin, *, announce: Callable[[Event], None]
    ) -> None:
        """
        Return if a refresh token of *session* may come from *origin*.

        Raises:
            BindingMismatch: If the transport differs, or the network or the device does and that is refused.
        """
        if origin.transport != session.transport:
            raise BindingMismatch("the refresh token came by another transport than at sign-in")
        changed = dict(self._changes(session, origin))
        if not changed:
            return
        names = tuple(changed)
        is_refused = "refuse" in changed.values()
        announce(
            BindingChanged(subject=session.subject, session_id=session_id, changed=names, is_refused=is_refused)
        )  # fmt: skip
        if is_refused:
            raise BindingMismatch(f"the refresh token came from another {' and '.join(names)} than at sign-in")

    def _changes(self, session: Session, origin: RequestOrigin) -> Iterator[tuple[Changed, Bind]]:
        if self.network != "off" and origin.network != session.network:
            yield "network", self.network
        if self.device != "off" and not is_same_device(session.device, origin.label):
            yield "device", self.device


def is_same_device(one: str, other: str) -> bool:
    """
    Say whether two labels are of one family of browsers, whatever their versions.

    "User-Agent = product *( RWS ( product / comment ) )", "product = token ["/" product-version]" — RFC 9110 §10.1.5.
    The names of the products and their order are compared: versions rise, and comments name builds and systems, which
    are updated too.
    """
    first, second = _product_names(one), _product_names(other)
    if _LONGEST_DEVICE in (len(one), len(other)):
        # One label was cut to the longest that is kept, so its last product may be cut too.
        shared = min(len(first), len(second)) - 1
        return shared >= 0 and first[:shared] == second[:shared]
    return first == second


def _product_names(label: str) -> list[str]:
    # The pattern also matches a comment whose end was cut off.
    text = _COMMENT.sub(" ", label)
    return [product.partition("/")[0] for product in text.split()]
