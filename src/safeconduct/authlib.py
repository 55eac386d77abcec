"""
Let a ``ResourceProtector`` of Authlib verify access tokens as the middleware does, in Flask and in Django.

A token that the middleware around the application has verified for the same request is taken over.
"""

from collections.abc import Collection
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import TokenValidator
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError

from safeconduct._core.wrapped_app import require_auth
from safeconduct._wiring.settings import realm_of
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError, InsufficientRights
from safeconduct.guard import PASSED
from safeconduct.principal import Principal

Headers = list[tuple[str, str]]


class Token(dict[str, Any]):
    """
    The claims of a verified token: what ``current_token`` is, and ``request.oauth_token`` in Django.

    Attributes:
        principal: Who is asking, as ``safeconduct.principal()`` returns it.
    """

    def __init__(self, principal: Principal) -> None:
        super().__init__(principal.claims)
        self.principal = principal

    def get_scope(self) -> str:
        """Return the scopes that count, as Authlib's token models do."""
        return " ".join(sorted(self.principal.scopes))


class BearerTokenValidator(TokenValidator):
    """
    Verify the bearer tokens of ``require_oauth`` with *auth*: signature, expiry, audience, and that it was not revoked.

    Register it with ``require_oauth.register_token_validator(BearerTokenValidator(auth))``.  Only the ``Authorization``
    header is read, so a cookie never authenticates there.

    Scopes are compared as Authlib compares them: one string of a list is enough, and all words of a string are needed,
    so ``["read", "admin"]`` means either and ``"read admin"`` both.  The argument ``roles`` means any of them; other
    arguments of ``require_oauth`` raise ``TypeError``, since nothing would check them.

    Raises:
        ConfigurationError: If *auth* is no ``Auth``, cannot serve WSGI, or takes no bearer tokens.
    """

    def __init__(self, auth: Auth) -> None:
        require_auth(auth, "wsgi")
        if "bearer" not in auth.config.sources:
            raise ConfigurationError(f'sources: got {list(auth.config.sources)}, wanted "bearer" among them')
        self._auth = auth
        self._gate = auth.wsgi_gate()
        super().__init__(realm=realm_of(auth.config))  # pyright: ignore[reportUnknownMemberType]  # Authlib has few annotations

    def authenticate_token(self, token_string: str) -> Token:
        """
        Return the claims of *token_string*.

        Raises:
            authlib.oauth2.OAuth2Error: 401 if it does not count, 503 if that cannot be found out now.
        """
        passed = self._gate.own_passed(PASSED.get())
        # The middleware may have let the request through by another credential, and asked nobody if a rule says so.
        if (
            passed is not None
            and passed.is_asked
            and isinstance(passed.identity, Principal)
            and passed.proof is not None
            and passed.proof.credential == b"Bearer " + token_string.encode()
        ):
            return Token(passed.identity)
        try:
            return Token(self._auth.verify(token_string))
        except AuthError as error:
            raise self._refusal(error) from None
        except Exception as fault:  # the last resort: a fault of ours is 503, never a pass
            raise self._refusal(self._gate.fault(fault).error) from fault

    def validate_token(
        self,
        token: Token,
        scopes: Collection[str] | None,
        request: object,  # noqa: ARG002 - the interface of Authlib
        *,
        roles: Collection[str] | None = None,
    ) -> None:
        """
        Check the scopes and roles of *token*.

        Raises:
            authlib.oauth2.rfc6750.InsufficientScopeError: If none of them is there.
        """
        if self.scope_insufficient(token.get_scope(), scopes):  # type: ignore[no-untyped-call]  # without annotations
            raise self._refusal(InsufficientRights(sorted({word for each in scopes or () for word in each.split()})))
        if roles and token.principal.roles.isdisjoint(roles):
            raise self._refusal(InsufficientRights())

    def _refusal(self, error: AuthError) -> OAuth2Error:
        kinds: dict[int, type[_Refusal]] = {403: _InsufficientScope, 503: _Unavailable}
        reply = self._gate.answer(error, None)
        fields = [(name.decode(), value.decode()) for name, value in reply.fields]
        return kinds.get(error.status, _InvalidToken)(error.detail, fields)


class _Refusal(OAuth2Error):
    """An error with the headers that the middleware would answer with."""

    def __init__(self, description: str, fields: Headers) -> None:
        super().__init__(description=description)  # pyright: ignore[reportUnknownMemberType]  # as above
        self._fields = fields

    def get_headers(self) -> Headers:
        """Return the headers, for a JSON body of Authlib's own."""
        kept = [field for field in self._fields if field[0] not in {"content-type", "content-length"}]
        return [("Content-Type", "application/json"), *kept]


class _InvalidToken(_Refusal, InvalidTokenError):
    """401."""


class _InsufficientScope(_Refusal, InsufficientScopeError):
    """403, with the challenge that Authlib leaves out."""


class _Unavailable(_Refusal):
    """503."""

    error = "temporarily_unavailable"
    status_code = 503
