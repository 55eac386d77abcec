"""
Issue access tokens in code: for a user's next step on another server, and for tests, jobs and migrations.

A token for a user's next step never allows more than the credential that it is made from, and never lives longer: it
names the same session, has the level ``remembered`` and no ``rn``, and says in ``act`` who acts (RFC 8693 §4.1).
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from safeconduct._core.account_checks import AccountChecks
from safeconduct._core.budget import within_one_budget
from safeconduct._core.decision import Clock
from safeconduct._core.directory import Account, are_texts
from safeconduct._core.hand_over.sending import HandOver, HandOverMaker
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_query
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.sessionless_tokens import IssuingRules, SessionlessIssuer, acting, carried
from safeconduct._core.sessions.session_keys import TOKEN_SCHEMES
from safeconduct._tokens.claims import actor_names
from safeconduct._tokens.issuer import Grant, TokenIssuer
from safeconduct.config.shown_values import shown
from safeconduct.errors import ConfigurationError, InsufficientRights
from safeconduct.principal import CLIENT_SUBJECT, Identity, Principal


class AsyncTokenFactory:
    """
    Issue access tokens in code; ``Auth.tokens`` has the same verbs, blocking.

    Args:
        rules: What the configuration says.
        issuer: Returns what signs; raises ``ConfigurationError`` if nothing can.
        revocations: Asks the store; None where there is none.
        clock: The current time, in seconds since the epoch.
        hand_overs: Makes hand-overs of browsers.
        accounts: Returns what checks accounts; None where they are not asked about at every request.
    """

    def __init__(
        self,
        rules: IssuingRules,
        issuer: Callable[[], TokenIssuer],
        revocations: Revocations | None,
        clock: Clock,
        hand_overs: HandOverMaker,
        accounts: Callable[[], AccountChecks | None] = lambda: None,
    ) -> None:
        self._rules = rules
        #: Issues tokens outside of a sign-in.
        self.issuer = SessionlessIssuer(rules, issuer, revocations, clock, accounts)
        self._hand_overs = hand_overs

    @within_one_budget
    async def issue(
        self,
        principal: Identity | None = None,
        *,
        subject: str | None = None,
        audience: str | None = None,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        lifetime_seconds: int = 60,
    ) -> str:
        """
        Issue an access token, for a user's next step on another server or for *subject*.

        With *principal*, this server acts for a user: the token has their subject and session, the level
        ``remembered``, at most their scopes and roles, and ends no later than theirs.  With *subject*, it is a token
        for tests, jobs and migrations, without a session: only its form is checked.

        Args:
            principal: The user, as an access token of ours has proven them.
            subject: The subject, where there is no *principal*.
            audience: Whom the token is for: one of ``tokens.audiences``. Default: our own audience.
            scopes: Its scopes.
            roles: Its roles.
            lifetime_seconds: How long it lives at most.

        Raises:
            InsufficientRights: If the principal lacks a scope or a role, is no person with an access token of ours, or
                more than four parties would act one for another.
            NotSupported: If tokens are not issued for *audience*.
            InvalidToken: If the principal's token was revoked meanwhile, or ends now.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If an argument is wrong, or there is no key to sign with.
        """
        self._rules.check_audience(audience)
        self._rules.check_lifetime(lifetime_seconds)
        rights = _Rights.of(scopes, roles)
        if principal is None:
            if subject is None:
                raise ConfigurationError("principal: got nothing, wanted a Principal, or subject=… without one")
            return (await self.issuer.issue(self._for_subject(subject, rights, audience, lifetime_seconds))).value
        if subject is not None:
            raise ConfigurationError("subject: got one beside a principal, wanted one of the two")
        user = self.delegable(principal)
        return await self._issue_for(user, self._for_user(user, rights, audience, lifetime_seconds))

    @within_one_budget
    async def hand_over(
        self,
        principal: Identity,
        *,
        audience: str,
        next: str = "/",  # noqa: A002 - the name of the parameter everywhere else
        scopes: Collection[str] = (),
    ) -> HandOver:
        """
        Hand a user's browser over to another server, where they are signed in without a password.

        Send the form of the result (``HandOver.form``) in the body of a page that is not cached.  The token counts once
        and for a minute at most, and is no credential anywhere else.

        Args:
            principal: The user, by a token of their own session.
            audience: The other server: one of ``tokens.audiences``.
            next: The path there that the user goes on to; anything that is no path on that site counts as ``/``.
            scopes: The scopes that they take along, at most their own; the roles come along, and the other server's
                trust decides which of both count.

        Raises:
            InsufficientRights: If the principal lacks a scope, or is no person with a session of our own.
            NotSupported: If people are not handed over to *audience*.
            InvalidToken: If the principal's token was revoked meanwhile, or ends now.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If an argument is wrong, or there is no key to sign with.
        """
        user = self.delegable(principal)
        return await self._hand_overs.make(
            user, made_from=self.question(user), audience=audience, path=next, scopes=scopes
        )

    async def _issue_for(self, user: Principal, grant: Grant) -> str:
        question, latest = self.question(user), user.expires_at
        issued = await self.issuer.issue(grant, made_from=question, auth_time=user.auth_time, latest=latest)
        return issued.value

    def delegable(self, identity: Identity) -> Principal:
        """
        Return *identity* if it is a person whose token of ours can be passed on.

        Raises:
            InsufficientRights: If it is not.
        """
        if not isinstance(identity, Principal):
            raise InsufficientRights(reason="only a Principal has rights to pass on")
        if identity.issuer != self._rules.issuer:
            # Its subject is unique within its own issuer only: under our name it would be one of our users.
            raise InsufficientRights(reason="only a user of our own issuer is named in a token of ours")
        if identity.subject.startswith(CLIENT_SUBJECT):
            raise InsufficientRights(reason="a client asks for a token of its own")
        if identity.scheme not in TOKEN_SCHEMES or type(identity.claims.get("iat_ms")) is not int:
            raise InsufficientRights(reason="only the rights of an access token are passed on")
        return identity

    def question(self, user: Principal) -> RevocationQuery:
        """Return the revocation query of a *user*, whom ``delegable`` returned."""
        return revocation_query(
            issuer=user.issuer,
            subject=user.subject,
            token_id=user.token_id,
            client_id=user.client_id,
            kid=user.key_id,
            session_id=user.session_id,
            issued_ms=user.claims["iat_ms"],
            ends_ms=(user.expires_at + self._rules.leeway_seconds) * 1000,
            is_own=True,
            shards=self._rules.shards,
            needs_session=self._rules.needs_session,
            actors=actor_names(user.actor),
        )

    def _for_user(self, user: Principal, rights: "_Rights", audience: str | None, lifetime_seconds: int) -> Grant:
        rights.require_of(user)
        return Grant(
            subject=user.subject,
            scopes=rights.scopes,
            roles=rights.roles,
            lifetime_seconds=lifetime_seconds,
            session_id=user.session_id,
            actor=acting(self._rules.client_id, user.actor),
            audience=audience,
            extra=carried(user.claims, is_foreign=self._rules.is_foreign(audience)),
        )

    def _for_subject(self, subject: str, rights: "_Rights", audience: str | None, lifetime_seconds: int) -> Grant:
        # An account's fields are checked as the directory's are.
        account = Account(subject, roles=rights.roles, scopes=rights.scopes)
        return Grant(
            subject=account.subject,
            scopes=rights.scopes,
            roles=rights.roles,
            lifetime_seconds=lifetime_seconds,
            actor=acting(self._rules.client_id, None) if self._rules.is_foreign(audience) else None,
            audience=audience,
        )


class _Rights(NamedTuple):
    """The scopes and roles that were asked for."""

    scopes: tuple[str, ...]
    roles: tuple[str, ...]

    @classmethod
    def of(cls, scopes: Collection[str], roles: Collection[str]) -> "_Rights":
        for name, words in (("scopes", scopes), ("roles", roles)):
            if not are_texts(words):
                raise ConfigurationError(f"{name}: got {shown(words)}, wanted a list of texts")
        if any(" " in scope for scope in scopes):
            # In a token, a space separates two of them.
            raise ConfigurationError(f"scopes: got {shown(list(scopes))}, wanted scopes without spaces")
        return cls(tuple(scopes), tuple(roles))

    def require_of(self, user: Principal) -> None:
        if not user.scopes.issuperset(self.scopes):
            raise InsufficientRights(sorted(set(self.scopes) - user.scopes), reason="scope")
        if not user.roles.issuperset(self.roles):
            raise InsufficientRights(reason="role")
