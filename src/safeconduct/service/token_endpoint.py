"""
Ask a token endpoint, with httpx2, for blocking and for awaiting callers alike.

A generator that does no I/O yields the requests, is sent the responses, and returns the token.
"""

import asyncio
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx2

from safeconduct.errors import ConfigurationError
from safeconduct.service.client_authentication import ClientAuthentication
from safeconduct.service.errors import InvalidTokenResponse, TokenEndpointUnavailable
from safeconduct.service.options import Options
from safeconduct.service.token_cache import AccessToken
from safeconduct.service.token_response import EndpointResponse, read_endpoint, read_token

_MAX_BYTES: Final = 65536
_OPENID: Final = "/.well-known/openid-configuration"
_OAUTH: Final = "/.well-known/oauth-authorization-server"
# A compressed response could be far larger than what is read of it.
_FIELDS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class _EndpointRequest:
    """A request to an authorization server: a form to be posted, or without one a document to be fetched."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


_Asking = Generator[_EndpointRequest, EndpointResponse, AccessToken]


class TokenEndpoint:
    """
    Ask one authorization server for the tokens of one client.

    Args:
        client: Proves the client.
        token_url: The endpoint; None to find it in the metadata of the issuer.
        issuer: The issuer, whom assertions name; None to name the endpoint.
        options: How to ask.

    Raises:
        ConfigurationError: If neither of the two was given, or secrets must not be sent there.
    """

    def __init__(
        self, client: ClientAuthentication, *, token_url: str | None, issuer: str | None, options: Options
    ) -> None:
        if token_url is None and issuer is None:
            raise ConfigurationError("got neither token_url nor issuer, wanted one of them")
        self._client = client
        self._url = None if token_url is None else options.require_endpoint("token_url", token_url)
        # Beside the endpoint it is only a name.
        self._issuer = options.require_endpoint("issuer", issuer) if issuer and token_url is None else issuer
        self._options = options
        #: How the endpoint is named where the client is shown.
        self.shown = token_url or issuer

    def ask(self, form: Mapping[str, str]) -> AccessToken:
        """
        Ask for a token; blocking.

        Raises:
            TokenRequestFailed: If there is no response or no token in it.
        """
        asking = self._asking(form)
        with self._options.new_client() as client:
            request = next(asking)
            while True:
                response = self._sent(client, request)
                try:
                    request = asking.send(response)
                except StopIteration as done:
                    token: AccessToken = done.value
                    return token

    async def aask(self, form: Mapping[str, str]) -> AccessToken:
        """
        Ask for a token; awaitable.

        Raises:
            TokenRequestFailed: If there is no response or no token in it.
        """
        asking = self._asking(form)
        async with self._options.new_async_client() as client:
            request = next(asking)
            while True:
                response = await self._async_sent(client, request)
                try:
                    request = asking.send(response)
                except StopIteration as done:
                    token: AccessToken = done.value
                    return token

    def _asking(self, form: Mapping[str, str]) -> _Asking:
        url = self._url
        if url is None:
            url = yield from self._discovered(self._issuer or "")
        asked_at = self._options.clock()
        # "…the issuer identifier of the authorization server as the sole value" — draft-ietf-oauth-rfc7523bis §4
        proof = self._client.proof(self._issuer or url)
        response = yield _EndpointRequest(url, proof.fields, {**form, **self._options.parameters, **proof.form})
        # A server may repeat in its error what it was sent.
        secrets = (*proof.secrets, *(text for name, text in form.items() if name == "subject_token"))
        return read_token(response, asked_at=asked_at, secrets=secrets)

    def _discovered(self, issuer: str) -> Generator[_EndpointRequest, EndpointResponse, str]:
        """Find the endpoint in the metadata (RFC 8414 §3.1, OpenID Connect Discovery §4), and remember it."""
        parts = urlsplit(issuer)
        places = (
            f"{parts.scheme}://{parts.netloc}{_OAUTH}{parts.path.rstrip('/')}",
            f"{issuer.rstrip('/')}{_OPENID}",
        )
        for place in places:
            response = yield _EndpointRequest(place)
            endpoint = read_endpoint(response, issuer)
            if endpoint is not None:
                break
        else:
            raise InvalidTokenResponse("the issuer has no metadata")
        try:
            self._url = self._options.require_endpoint("token_endpoint", endpoint)
        except ConfigurationError:
            raise InvalidTokenResponse("the metadata names a token_endpoint that is not https") from None
        return self._url

    def _sent(self, client: httpx2.Client, request: _EndpointRequest) -> EndpointResponse:
        end = time.monotonic() + self._options.timeout_seconds
        with _translated():
            response = client.send(self._request(client, request), stream=True, auth=None, follow_redirects=False)
            try:
                body = bytearray()
                for chunk in response.iter_raw():
                    _extend(body, chunk)
                    if time.monotonic() > end:
                        raise TokenEndpointUnavailable("timeout")
            finally:
                response.close()
        return _read(response, body)

    async def _async_sent(self, client: httpx2.AsyncClient, request: _EndpointRequest) -> EndpointResponse:
        with _translated():
            async with asyncio.timeout(self._options.timeout_seconds):
                made = self._request(client, request)
                response = await client.send(made, stream=True, auth=None, follow_redirects=False)
                try:
                    body = bytearray()
                    async for chunk in response.aiter_raw():
                        _extend(body, chunk)
                finally:
                    await response.aclose()
        return _read(response, body)

    def _request(self, client: httpx2.Client | httpx2.AsyncClient, request: _EndpointRequest) -> httpx2.Request:
        method = "GET" if request.form is None else "POST"
        return client.build_request(
            method,
            request.url,
            data=request.form,
            headers={**_FIELDS, **request.fields},
            timeout=self._options.timeout_seconds,
        )


def _extend(body: bytearray, chunk: bytes) -> None:
    body += chunk
    if len(body) > _MAX_BYTES:
        raise InvalidTokenResponse("the response is too long")


def _read(response: httpx2.Response, body: bytearray) -> EndpointResponse:
    return EndpointResponse(response.status_code, bytes(body), response.headers.get("Retry-After"))


@contextmanager
def _translated() -> Generator[None]:
    # The client's errors hold the request, and with it the secret.
    try:
        yield
    except (httpx2.TimeoutException, TimeoutError):
        raise TokenEndpointUnavailable("timeout") from None
    except httpx2.HTTPError as error:
        raise TokenEndpointUnavailable(f"no response: {type(error).__name__}") from None
