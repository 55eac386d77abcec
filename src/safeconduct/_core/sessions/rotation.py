"""What the verbs that give tokens have in common: the rotation of a refresh token and what comes of a reply."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

from safeconduct._core.decision import Clock
from safeconduct._core.session_store import Rotation, SessionRef, SessionReply
from safeconduct._core.sessions.issuing import OpaqueTokenWriter, TokenMaker
from safeconduct._core.sessions.lookup import SessionLookup, session_ended
from safeconduct._core.sessions.model import Rights, Session, Transport, level_at
from safeconduct._core.sessions.refresh_token import SALT_BYTES, ParsedRefreshToken, RefreshTokens
from safeconduct._core.sessions.tokens import Tokens
from safeconduct._tokens.issuer import Checked
from safeconduct.config import SessionConfig
from safeconduct.errors import BindingMismatch, ReusedRefreshToken, TooEarly
from safeconduct.events import BindingChanged, Event, RefreshReused, SessionEnded
from safeconduct.principal import Level

_LONGEST_DEVICE: Final = 200
_COMMENT: Final = re.compile(r"\([^()]*(?:\([^()]*\)?[^()]*)*\)?")

Bind = Literal["off", "event", "refuse"]
Place = Literal["network", "device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
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

    def check(
        self, session: Session, session_id: str, origin: RequestOrigin, *, announce: Callable[[Event], None]
    ) -> None:
        """
        Return if a refresh token of *session* may come from *caller*.

        Raises:
            BindingMismatch: If it came by another transport, or from another place and that is to be refused.
        """
        if origin.transport != session.transport:
            raise BindingMismatch("the refresh token came by another transport than at sign-in")
        changed: dict[Place, Bind] = {name: bind for name, bind in self._changed(session, origin) if bind != "off"}
        if not changed:
            return
        names: tuple[Place, ...] = tuple(changed)
        is_refused = "refuse" in changed.values()
        announce(
            BindingChanged(subject=session.subject, session_id=session_id, changed=names, is_refused=is_refused)
        )  # fmt: skip
        if is_refused:
            raise BindingMismatch(f"the refresh token came from another {' and '.join(names)} than at sign-in")

    def _changed(self, session: Session, origin: RequestOrigin) -> Iterator[tuple[Place, Bind]]:
        if origin.network != session.network:
            yield "network", self.network
        if not is_same_device(session.device, origin.label):
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


_ID_BYTES: Final = 16


class TokenRotation:
    """
    Turn what is presented into tokens.

    Args:
        session_lookup: Asks for sessions and ends them.
        minting: Makes tokens.
        keeping: Keeps what opaque ones say; None where there are none.
        refresh_tokens: Reads and derives refresh tokens.
        binding: What happens when a long-term credential comes from another place.
        clock: The time in seconds since the epoch.
        draw: Draws random bytes.
    """

    def __init__(
        self,
        session_lookup: SessionLookup,
        minting: TokenMaker,
        keeping: OpaqueTokenWriter | None,
        refresh_tokens: RefreshTokens,
        *,
        binding: Binding,
        clock: Clock,
        draw: Callable[[int], bytes],
    ) -> None:
        self.session_lookup = session_lookup
        self._minting = minting
        self._keeping = keeping
        self.refresh_tokens = refresh_tokens
        self.clock = clock
        self.draw = draw
        self._binding = binding

    def check_origin(self, session: Session, ref: SessionRef, origin: RequestOrigin) -> None:
        """
        Return if a refresh token may come from *caller*.

        Raises:
            BindingMismatch: If it came by another transport, or from another place and that is refused.
        """
        self._binding.check(session, ref.session_id, origin, announce=self.session_lookup.announce)

    def rotation(self, token: ParsedRefreshToken, rights: Rights | None, *, extends_ms: int | None = None) -> Rotation:
        """Say what the store is told of a refresh token, with a salt that is drawn for this attempt."""
        salt = self.draw(SALT_BYTES)
        return Rotation(
            position=token.position,
            digest=token.digest,
            next_digest=self.refresh_tokens.successor(token, salt).digest,
            salt=salt,
            grace_ms=self.session_lookup.lives.grace_ms,
            access_ms=self.session_lookup.lives.access_ms,
            rights=None if rights is None else rights.to_text(),
            extends_ms=extends_ms,
        )

    def refuse_unturned(self, ref: SessionRef, session: Session, reply: SessionReply) -> None:
        """
        Return if the refresh token was turned.

        Raises:
            TooEarly: If it was to be extended before half of its life.
            ReusedRefreshToken: If it was rotated away; with a session id if that ended the session.
        """
        match reply.outcome:
            case "early":
                raise TooEarly("half of the refresh token's life is not over")
            case "stale":
                raise ReusedRefreshToken(reason="another request rotated the refresh token just now")
            case "reuse":
                subject, session_id = session.subject, ref.session_id
                self.session_lookup.announce(RefreshReused(subject=subject, session_id=session_id))
                self.session_lookup.announce(SessionEnded(subject=subject, session_id=session_id, reason="reused"))
                raise ReusedRefreshToken(session_id, "a refresh token that was rotated away")
            case _:
                return

    def prepared_now(self, ref: SessionRef, session: Session, rights: Rights | None) -> Checked:
        """Prepare a token of the session's present level."""
        level = level_at(session, int(self.clock() * 1000), self.session_lookup.lives)
        return self.prepared(ref, session, rights, level)

    def prepared(self, ref: SessionRef, session: Session, rights: Rights | None, level: Level) -> Checked:
        """Prepare a token of a session; *rights* where they were looked up."""
        return self.prepared_for(
            ref, session.subject, rights or Rights.from_text(session.rights), level, session.transport
        )

    def prepared_for(
        self, ref: SessionRef, subject: str, rights: Rights, level: Level, transport: Transport
    ) -> Checked:
        """
        Ask the author's hook what a token shall say besides, and make sure that such a token can be made.

        Raises:
            Unavailable: If it can't.
        """
        return self._minting.prepared(
            subject, ref.session_id, rights, level=level, transport=transport, now_ms=int(self.clock() * 1000)
        )

    async def made(
        self,
        ref: SessionRef,
        reply: SessionReply,
        prepared: Checked,
        token: ParsedRefreshToken | None,
        *,
        is_rotated: bool = False,
    ) -> Tokens:
        """Make the tokens that a reply of the store allows; *token* is the refresh token, or the one before it."""
        session = known(reply)
        salt = b"" if session.chain is None else session.chain.salt
        if token is not None and is_rotated:
            token = self.refresh_tokens.successor(token, salt)
        tokens = self._minting.tokens(session, ref.session_id, prepared, iat_ms=reply.iat_ms, refresh_token=token)
        return await self._kept(tokens, reply)

    async def renewed(self, ref: SessionRef, reply: SessionReply, prepared: Checked) -> Tokens:
        """Make the access token of the last renewal."""
        return await self._kept(self._minting.renewed(known(reply), ref.session_id, prepared), reply)

    async def _kept(self, tokens: Tokens, reply: SessionReply) -> Tokens:
        return tokens if self._keeping is None else await self._keeping.exchanged(tokens, iat_ms=reply.iat_ms)

    def drawn_id(self) -> str:
        """Draw a name that nobody else draws."""
        return urlsafe_b64encode(self.draw(_ID_BYTES)).rstrip(b"=").decode()


def known(reply: SessionReply) -> Session:
    """
    Return the session of a reply.

    Raises:
        RevokedToken: If it has none.
    """
    if reply.session is None:
        raise session_ended()
    return reply.session
