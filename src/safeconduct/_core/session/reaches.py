"""From what a caller presents to the session that it is about."""

from typing import Self

from safeconduct._core.members import member, session_place, shard_of
from safeconduct._core.session_ports import Presented, Reach
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError, NotFound, NotRenewable
from safeconduct.principal import Principal

_NOBODY = b""


class Reaches:
    """
    Name the sessions of the own issuer, and what may have ended them.

    Args:
        issuer: The own one.
        client_id: What its tokens name as their client.
        shards: How many shards the store has.
    """

    def __init__(self, issuer: str, *, client_id: str, shards: int) -> None:
        self.issuer = issuer
        self._others = (member("client", issuer, client_id), member("everything", issuer))
        self._shards = shards

    @classmethod
    def of(cls, config: Config) -> Self:
        """
        Take what *config* names.

        Raises:
            ConfigurationError: If it names no issuer.
        """
        if config.issuer is None:
            raise ConfigurationError("issuer: got nothing, wanted a name for sessions to be issued under")
        client_id = config.tokens.client_id or config.issuer
        return cls(config.issuer, client_id=client_id, shards=config.store.shards)

    def shard_of(self, subject: str) -> int:
        """Say where everything of *subject* lies."""
        return shard_of(self.issuer, subject, self._shards)

    def member(self, session_id: str) -> bytes:
        """Name what a session's cut-off is kept under."""
        return member("session", self.issuer, session_id)

    def of_subject(self, subject: str, session_id: str = "") -> Reach:
        """Reach a session of *subject*, or all of them."""
        owner = member("subject", self.issuer, subject)
        return Reach(self.shard_of(subject), session_id, self.member(session_id), owner, self._others)

    def of_unknown(self, session_id: str) -> Reach:
        """
        Reach a session whose owner its record will tell.

        Raises:
            NotFound: If *session_id* is none.
        """
        place = session_place(session_id)
        if place is None or place[0] >= self._shards:
            raise NotFound("no session's id")
        return Reach(place[0], session_id, self.member(session_id), _NOBODY, self._others)

    def of_principal(self, principal: Principal) -> Reach:
        """
        Reach the session behind an access token.

        Raises:
            NotRenewable: If there is none: another issuer's, a client's, a user name and password.
        """
        session_id = principal.session_id
        if principal.issuer != self.issuer or session_id is None or session_place(session_id) is None:
            raise NotRenewable("no session stands behind the credential")
        return self.of_subject(principal.subject, session_id)

    def presented(self, principal: Principal) -> Presented:
        """
        Read what the store is told of the access token behind *principal*.

        Raises:
            NotRenewable: If it does not say how often it was renewed.
        """
        issued_ms, renewals = principal.claims.get("iat_ms"), principal.claims.get("rn")
        if type(issued_ms) is not int or type(renewals) is not int:
            raise NotRenewable("the token says nothing of renewals")
        return Presented(issued_ms=issued_ms, expires_at=principal.expires_at, renewals=renewals)
