"""Issue access tokens, in code without an event loop."""

from collections.abc import Collection

from safeconduct._core.hand_over.sending import HandOver
from safeconduct._core.token_factory import AsyncTokenFactory
from safeconduct.principal import Identity
from safeconduct.sessions import run

__all__ = ["AsyncTokenFactory", "TokenFactory"]


class TokenFactory:
    """
    The same verbs as ``AsyncTokenFactory``, blocking.

    Every verb raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread, since it
    would block that loop.
    """

    def __init__(self, tokens: AsyncTokenFactory) -> None:
        self._tokens = tokens

    def issue(
        self,
        principal: Identity | None = None,
        *,
        subject: str | None = None,
        audience: str | None = None,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        lifetime_seconds: int = 60,
    ) -> str:
        """Issue an access token; see ``AsyncTokenFactory.issue``."""
        verb = self._tokens.issue
        return run(
            "tokens.issue",
            verb(
                principal,
                subject=subject,
                audience=audience,
                scopes=scopes,
                roles=roles,
                lifetime_seconds=lifetime_seconds,
            ),
        )

    def hand_over(
        self,
        principal: Identity,
        *,
        audience: str,
        next: str = "/",  # noqa: A002 - the name of the parameter everywhere else
        scopes: Collection[str] = (),
    ) -> HandOver:
        """Hand a user's browser over to another server; see ``AsyncTokenFactory.hand_over``."""
        verb = self._tokens.hand_over
        return run("tokens.hand_over", verb(principal, audience=audience, next=next, scopes=scopes))
