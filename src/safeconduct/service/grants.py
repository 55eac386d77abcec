"""Ask for access tokens: ``ClientCredentials`` (RFC 6749 §4.4) and ``TokenExchange`` (RFC 8693)."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Final

from safeconduct.directories.locks import renew_in_children
from safeconduct.errors import ConfigurationError
from safeconduct.service.client_authentication import Authentication, ClientAuthentication
from safeconduct.service.http_auth import TokenAuth
from safeconduct.service.options import Options
from safeconduct.service.self_signed import SecretOrKey, scope_text
from safeconduct.service.token_cache import AccessToken, TokenCache
from safeconduct.service.token_endpoint import TokenEndpoint

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
_MOST_SUBJECTS: Final = 1024


class ClientCredentials(TokenAuth):
    """
    Send tokens that an authorization server gives to the service itself.

    Args:
        client_id: The service's name there.
        secret_or_key: Its secret, or its private key: PEM or a JWK.
        token_url: The token endpoint. Default: the one that the metadata of *issuer* name.
        issuer: The authorization server, which an assertion names. Default: an assertion names the token endpoint.
        scopes: What is asked for. Default: what the server gives without being asked.
        audience: Whom the token is for, sent as ``resource`` (RFC 8707) if it is a URI, else as ``audience``.
            Default: what the server takes.
        authentication: How the service proves who it is. Default: ``client_secret_basic`` with a secret,
            ``private_key_jwt`` with a key.
        algorithm: What an assertion is signed with. Default: HS256 with a secret, the one that fits with a key.
        options: How tokens are asked for, and where they may be sent.

    Raises:
        ConfigurationError: If an argument is wrong or the key cannot be used.
    """

    def __init__(  # noqa: PLR0913 - each is a field of the registration or of the request
        self,
        client_id: str,
        secret_or_key: SecretOrKey,
        *,
        token_url: str | None = None,
        issuer: str | None = None,
        scopes: Collection[str] = (),
        audience: str | None = None,
        authentication: Authentication | None = None,
        algorithm: str | None = None,
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        client = ClientAuthentication(client_id, secret_or_key, authentication, algorithm, options.clock)
        endpoint = TokenEndpoint(client, token_url=token_url, issuer=issuer, options=options)
        source = _Asked(endpoint, {"grant_type": "client_credentials", **_asked_for(scopes, audience)})
        tokens = TokenCache(source, options.clock, options.timeout_seconds)
        super().__init__(lambda: tokens, options)
        self._text = f"ClientCredentials({client_id!r}, {endpoint.shown!r})"

    def __repr__(self) -> str:
        """Return the names, and nothing secret."""
        return self._text


class TokenExchange(TokenAuth):
    """
    Send tokens with which the service acts for a user, got in exchange for the user's own access token.

    Whose token is exchanged is found out at every request: by *subject_token*, or by ``on_behalf_of``.  The tokens of
    the last 1024 users are cached, by the SHA-256 of what they were exchanged for.

    Args:
        client_id: The service's name at the authorization server.
        secret_or_key: Its secret, or its private key: PEM or a JWK.
        subject_token: Returns the user's access token, called in the context of the request; must not block.
        token_url: The token endpoint. Default: the one that the metadata of *issuer* name.
        issuer: The authorization server, which an assertion names. Default: an assertion names the token endpoint.
        scopes: What is asked for. Default: what the server gives without being asked.
        audience: Whom the token is for, sent as ``resource`` (RFC 8707) if it is a URI, else as ``audience``.
        authentication: As for ``ClientCredentials``.
        algorithm: As for ``ClientCredentials``.
        options: How tokens are asked for, and where they may be sent.

    Raises:
        ConfigurationError: If an argument is wrong or the key cannot be used.
    """

    def __init__(  # noqa: PLR0913 - each is a field of the registration or of the request
        self,
        client_id: str,
        secret_or_key: SecretOrKey,
        *,
        subject_token: Callable[[], str] | None = None,
        token_url: str | None = None,
        issuer: str | None = None,
        scopes: Collection[str] = (),
        audience: str | None = None,
        authentication: Authentication | None = None,
        algorithm: str | None = None,
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        client = ClientAuthentication(client_id, secret_or_key, authentication, algorithm, options.clock)
        endpoint = TokenEndpoint(client, token_url=token_url, issuer=issuer, options=options)
        self._exchanged = _Exchanged(endpoint, _asked_for(scopes, audience), options)
        super().__init__(lambda: self._exchanged.tokens_of(self._subject_token(subject_token)), options)
        self._text = f"TokenExchange({client_id!r}, {endpoint.shown!r})"

    def __repr__(self) -> str:
        """Return the names, and nothing secret."""
        return self._text

    def on_behalf_of(self, subject_token: str) -> TokenAuth:
        """Return an ``auth`` that acts for the user whose access token *subject_token* is."""
        return TokenAuth(lambda: self._exchanged.tokens_of(subject_token), self._options)

    @staticmethod
    def _subject_token(subject_token: Callable[[], str] | None) -> str:
        if subject_token is None:
            raise ConfigurationError("subject_token: got none, wanted a function, or auth=exchange.on_behalf_of(token)")
        return subject_token()


class _Asked:
    """Ask for a token by one form."""

    def __init__(self, endpoint: TokenEndpoint, form: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._form = form

    def fetch(self) -> AccessToken:
        """Return a new token."""
        return self._endpoint.ask(self._form)

    async def afetch(self) -> AccessToken:
        """Return a new token."""
        return await self._endpoint.aask(self._form)


class _Exchanged:
    """Keep the exchanged tokens of the last users."""

    def __init__(self, endpoint: TokenEndpoint, asked_for: Mapping[str, str], options: Options) -> None:
        self._endpoint = endpoint
        self._asked_for = asked_for
        self._options = options
        self._caches: OrderedDict[bytes, TokenCache] = OrderedDict()
        self.drop_inherited()
        renew_in_children(self)

    def drop_inherited(self) -> None:
        """Forget the lock of the parent process."""
        self._lock = threading.Lock()

    def tokens_of(self, subject_token: str) -> TokenCache:
        """Return the tokens for one user's token."""
        name = sha256(subject_token.encode()).digest()
        with self._lock:
            tokens = self._caches.get(name)
            if tokens is None:
                form = {"grant_type": _EXCHANGE, "subject_token": subject_token, "subject_token_type": _ACCESS_TOKEN}
                source = _Asked(self._endpoint, {**form, **self._asked_for})
                tokens = self._caches[name] = TokenCache(source, self._options.clock, self._options.timeout_seconds)
                if len(self._caches) > _MOST_SUBJECTS:
                    self._caches.popitem(last=False)
            self._caches.move_to_end(name)
        return tokens


def _asked_for(scopes: Collection[str], audience: str | None) -> dict[str, str]:
    scope = scope_text(scopes)
    # "Its value MUST be an absolute URI" — RFC 8707 §2; a plain name is an ``audience`` (RFC 8693 §2.1).
    name = "resource" if audience is not None and ":" in audience else "audience"
    return {**({"scope": scope} if scope else {}), **({} if audience is None else {name: audience})}
