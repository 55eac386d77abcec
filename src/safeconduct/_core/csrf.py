"""The second step against forgery: a token that only a page of ours can read, for cookies with a session."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from safeconduct._http.csrf_token import MAX_GENERATION, csrf_token, is_csrf_token
from safeconduct._http.request import Request
from safeconduct.errors import CrossSiteRequest
from safeconduct.principal import Identity, Principal

LABEL = "csrf"
"""What the key of these tokens is derived for."""


class VersionedKeys(Protocol):
    """The versions of the key that others are derived from."""

    @property
    def current(self) -> int:
        """The version that makes new things."""
        ...

    @property
    def every(self) -> tuple[int, ...]:
        """The versions that still count, the current one first."""
        ...

    def derive(self, label: str, *, version: int | None = None) -> bytes:
        """Return the key for *label*; raises ``KeyError`` if there is no such version."""
        ...


@dataclass(frozen=True, slots=True)
class ProtectedSession:
    """What a CSRF token is bound to, as the access token's own claims have it (``sid``, ``cg``)."""

    session_id: str
    generation: int


class CsrfTokens:
    """
    Make and check CSRF tokens; nothing of them is stored.

    Args:
        issuer: Whose tokens have sessions of ours.
        keys: Returns the derived keys as they are now; None where there are none.
        asks_always: Whether a token is asked for also where the browser told of an own page.
    """

    def __init__(self, issuer: str | None, keys: Callable[[], VersionedKeys | None], *, asks_always: bool) -> None:
        self._issuer = issuer
        self._keys = keys
        self._asks_always = asks_always

    def session_of(self, identity: Identity) -> ProtectedSession | None:
        """Return what a token of *identity* is bound to, None where no session of ours stands behind it."""
        if not isinstance(identity, Principal) or identity.issuer != self._issuer or identity.session_id is None:
            return None
        generation = identity.claims.get("cg")
        if type(generation) is not int or not 0 <= generation <= MAX_GENERATION:
            return None
        return ProtectedSession(identity.session_id, generation)

    def token(self, session_id: str, generation: int) -> str | None:
        """Make the token of a session, None where there is no key to make one with."""
        keys = self._keys()
        return None if keys is None else csrf_token(keys.derive(LABEL), session_id, generation)

    def check(self, request: Request, session: ProtectedSession, *, is_own_page: bool) -> None:
        """
        Return if *request* came from a page that can read the token.

        Args:
            request: What came, with the token in ``X-CSRF-Token``.
            session: What the token must be bound to.
            is_own_page: Whether the browser told that a page of ours sent it.

        Raises:
            CrossSiteRequest: If the token is not there, twice there, or another session's or sign-in's.
        """
        if is_own_page and not self._asks_always:
            return
        values, keys = request.values(b"x-csrf-token"), self._keys()
        if len(values) != 1 or keys is None:
            raise CrossSiteRequest("no CSRF token came")
        if not any(
            is_csrf_token(
                values[0],
                key=keys.derive(LABEL, version=version),
                session_id=session.session_id,
                generation=session.generation,
            )
            for version in keys.every
        ):
            raise CrossSiteRequest("the CSRF token is not the session's")
