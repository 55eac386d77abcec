"""
Issue the tokens that no sign-in makes, and say who acts in them for whom (RFC 8693 §4.1).

A token that is made from a credential never counts longer than it: the time of issue is taken first, and only then the
store is asked whether the credential was revoked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, cast

from safeconduct._core.account_checks import AccountChecks, goes_back_to
from safeconduct._core.decision import Clock
from safeconduct._core.directory import is_text
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import issue_time_query
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._tokens.issuer import ClaimsRefused, Grant, TokenIssuer
from safeconduct._tokens.reader import MAX_TOKEN_BYTES
from safeconduct.config.shown_values import shown
from safeconduct.errors import ConfigurationError, ExpiredToken, InsufficientRights, NotSupported

MOST_ACTORS: Final = 4
"""How many parties may act one for another; a longer chain is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingRules:
    """What the configuration says about tokens that no sign-in makes."""

    #: None if we issue nothing.
    issuer: str | None
    #: None if we issue nothing.
    own_audience: str | None
    #: The other servers that tokens may be issued for.
    audiences: frozenset[str]
    #: The client that our tokens name, which is the actor of what we issue for a user.
    client_id: str
    max_lifetime_seconds: int
    leeway_seconds: int
    shards: int
    #: Whether our own tokens count only while their session is in the store.
    needs_session: bool

    def check_audience(self, audience: str | None) -> None:
        """
        Return if tokens may be issued for *audience*; None is our own.

        Raises:
            NotSupported: If they may not.
        """
        if self.is_foreign(audience) and audience not in self.audiences:
            raise NotSupported("tokens are issued for our own audience and those of tokens.audiences only")

    def is_foreign(self, audience: str | None) -> bool:
        """Return whether *audience* is another server."""
        return audience is not None and audience != self.own_audience

    def check_lifetime(self, lifetime_seconds: int) -> None:
        """
        Return if a token may live so long.

        Raises:
            ConfigurationError: If it may not.
        """
        longest = self.max_lifetime_seconds
        if type(lifetime_seconds) is not int or not 1 <= lifetime_seconds <= longest:
            raise ConfigurationError(
                f"lifetime_seconds: got {shown(lifetime_seconds)}, wanted 1 to {longest} (tokens.max_lifetime_seconds)"
            )


class IssuedToken(NamedTuple):
    """A token, and for how long it is valid."""

    value: str
    lifetime_seconds: int


class SessionlessIssuer:
    """
    Issue tokens outside of a sign-in.

    Args:
        rules: What the configuration says.
        issuer: Returns what signs; raises ``ConfigurationError`` if nothing can.
        revocations: Asks the store; None where there is none.
        clock: The current time, in seconds since the epoch.
        accounts: Returns what checks accounts; None where they are not asked about at every request.
    """

    def __init__(
        self,
        rules: IssuingRules,
        issuer: Callable[[], TokenIssuer],
        revocations: Revocations | None,
        clock: Clock,
        accounts: Callable[[], AccountChecks | None] = lambda: None,
    ) -> None:
        self.rules = rules
        self.clock = clock
        self._issuer = issuer
        self._revocations = revocations
        self._accounts = accounts

    async def issue(
        self,
        grant: Grant,
        *,
        made_from: RevocationQuery | None = None,
        auth_time: int | None = None,
        latest: int | None = None,
    ) -> IssuedToken:
        """
        Issue a token for *grant*.

        Args:
            grant: What it says; its lifetime is the longest that it may have.
            made_from: The revocation query of the credential of a user that it is made from.
            auth_time: When that user signed in, as far as the credential says, in seconds since the epoch.
            latest: When that credential ends, in seconds since the epoch.

        Raises:
            RevokedToken: If the credential that it is made from was revoked, or its account was cut off.
            ExpiredToken: If that credential has less than a second left.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If there is no key to sign with, or no token can say that.
        """
        issuer, now_ms = self._issuer(), int(self.clock() * 1000)
        iat_ms = await self._issue_time(grant, now_ms)
        if self._revocations is not None and made_from is not None:
            # After the time was taken: a revocation in between would otherwise be older than the token, and end
            # neither of the two.
            await self._revocations.check(made_from, now_ms=now_ms)
        if made_from is not None:
            await self._check_account(grant.subject, goes_back_to(made_from.issued_ms, auth_time), now_ms)
        lifetime_seconds = grant.lifetime_seconds
        if latest is not None:
            lifetime_seconds = min(lifetime_seconds, latest - iat_ms // 1000)
            if lifetime_seconds <= 0:
                raise ExpiredToken(latest, "the credential that a token was to be made from ends now")
        shortened = replace(grant, lifetime_seconds=lifetime_seconds)
        value = issuer.issue(shortened, iat_ms=iat_ms)
        if len(value) > MAX_TOKEN_BYTES:
            raise ClaimsRefused(f"a token of {len(value)} bytes, wanted at most {MAX_TOKEN_BYTES}")
        return IssuedToken(value, lifetime_seconds)

    async def _check_account(self, subject: str, since_ms: int, now_ms: int) -> None:
        accounts = self._accounts()
        if accounts is not None:
            await accounts.check_anew(subject, since_ms=since_ms, now=now_ms / 1000)

    async def _issue_time(self, grant: Grant, now_ms: int) -> int:
        if self._revocations is None or self.rules.issuer is None:
            return now_ms
        query = issue_time_query(
            issuer=self.rules.issuer,
            subject=grant.subject,
            client_id=grant.client_id or self.rules.client_id,
            shards=self.rules.shards,
        )
        return await self._revocations.issue_time(query)


def carried(claims: Mapping[str, Any], *, is_foreign: bool) -> dict[str, Any]:
    """
    Return the claims that a token made from another one repeats.

    ``may_act`` says who may act with it (RFC 8693 §4.4).  ``name`` is for a token of our own, since only we show it.
    """
    names = ("may_act",) if is_foreign else ("may_act", "name")
    return {name: claims[name] for name in names if name in claims}


def acting(client_id: str, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Return the claim ``act`` where *client_id* acts, and *before* acted until now (RFC 8693 §4.1).

    Raises:
        InsufficientRights: If more than four would act one for another.
    """
    chain, current = [client_id], before
    while current is not None:
        name, inner = current.get("sub"), current.get("act")
        if not is_text(name) or not (inner is None or isinstance(inner, Mapping)):
            raise InsufficientRights(reason="act names no party")
        chain.append(name)
        current = cast("Mapping[str, Any] | None", inner)
        if len(chain) > MOST_ACTORS:
            raise InsufficientRights(reason="too many parties would act one for another")
    actor: dict[str, Any] = {}
    for name in reversed(chain):
        actor = {"sub": name, **({"act": actor} if actor else {})}
    return actor
