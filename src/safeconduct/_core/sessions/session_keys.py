"""Name the sessions of this issuer, and the revocations that end them."""

from typing import Final

from safeconduct._core.requirement import is_issued_by
from safeconduct._core.revocation_keys import parse_session_id, revocation_key, shard_of
from safeconduct._core.session_store import Presented, SessionRef
from safeconduct.errors import NotFound, NotRenewable
from safeconduct.principal import Principal

TOKEN_SCHEMES: Final = frozenset({"bearer", "cookie", "subprotocol"})
"""How an access token of ours may travel."""

_UNKNOWN_OWNER: Final = b""


class SessionKeys:
    """
    Name sessions as a store knows them.

    Args:
        issuer: This issuer's name.
        client_id: The client that its tokens name.
        shards: How many shards the store has.
    """

    def __init__(self, issuer: str, *, client_id: str, shards: int) -> None:
        self.issuer = issuer
        self._others = (revocation_key("client", issuer, client_id), revocation_key("everything", issuer))
        self._shards = shards

    def shard_of(self, subject: str, issuer: str | None = None) -> int:
        """Return the shard of everything that belongs to *subject*, a person of *issuer* or of our own."""
        return shard_of(issuer or self.issuer, subject, self._shards)

    def of_session(self, session_id: str) -> bytes:
        """Return the revocation key of one session."""
        return revocation_key("session", self.issuer, session_id)

    def of_subject(self, subject: str, session_id: str = "", *, issuer: str | None = None) -> SessionRef:
        """
        Name a session of *subject*; without *session_id*, all of them.

        *issuer* is that of a person who was handed over; the sessions of two issuers' *subject* are never one person's.
        """
        owned_by = issuer or self.issuer
        others: tuple[bytes, ...] = self._others
        if owned_by != self.issuer:
            others += (revocation_key("everything", owned_by),)
        owner = revocation_key("subject", owned_by, subject)
        session = revocation_key("session", self.issuer, session_id)
        return SessionRef(shard_of(owned_by, subject, self._shards), session_id, session, owner, others)

    def of_unknown(self, session_id: str) -> SessionRef:
        """
        Name a session whose subject is not known before its record is read.

        Raises:
            NotFound: If *session_id* is not the id of a session.
        """
        parsed = parse_session_id(session_id)
        if parsed is None or parsed[0] >= self._shards:
            raise NotFound("no session's id")
        session = revocation_key("session", self.issuer, session_id)
        return SessionRef(parsed[0], session_id, session, _UNKNOWN_OWNER, self._others)

    def of_principal(self, principal: Principal) -> SessionRef:
        """
        Name the session of an access token.

        Raises:
            NotRenewable: If the token is not the person's own, see ``own_session_id``.
        """
        return self.of_subject(
            principal.subject, own_session_id(principal, self.issuer), issuer=principal.issuer
        )  # fmt: skip


def own_session_id(principal: Principal, issuer: str | None) -> str:
    """
    Return the id of the session of a person's own access token, which a sign-in, renewal, refresh or step-up made.

    Any other credential may say for whom it acts, and even name their session, but does nothing with that session: it
    would get all of their rights.

    Raises:
        NotRenewable: If it is another: a client's or another issuer's, an API key, a password, a token that someone
            acts with for a person, or one that no sign-in made.
    """
    session_id, says = principal.session_id, principal.claims
    if not is_issued_by(issuer, principal) or session_id is None or parse_session_id(session_id) is None:
        raise NotRenewable("no session stands behind the credential")
    # Only what a sign-in makes has ``rn``.
    if principal.actor is not None or type(says.get("rn")) is not int:
        raise NotRenewable("the credential is not the person's own access token")
    return session_id


def presented_by(principal: Principal) -> Presented:
    """
    Return what the store has to know of the access token of *principal*.

    Raises:
        NotRenewable: If the token does not say how often it was renewed.
    """
    issued_ms, renewals = principal.claims.get("iat_ms"), principal.claims.get("rn")
    if type(issued_ms) is not int or type(renewals) is not int:
        raise NotRenewable("the token says nothing of renewals")
    return Presented(issued_ms=issued_ms, expires_at=principal.expires_at, renewals=renewals)
