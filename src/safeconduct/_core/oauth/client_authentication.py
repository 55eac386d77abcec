"""
Find out which client sent a request, by the one way in which it authenticates.

===========================================  ==================================================================
the request has                              and is authenticated by
===========================================  ==================================================================
``Authorization: Basic``                     ``client_secret_basic`` (RFC 6749 §2.3.1)
``client_secret`` in the body                ``client_secret_post`` (RFC 6749 §2.3.1)
``client_assertion`` in the body             ``private_key_jwt`` or ``client_secret_jwt`` (RFC 7523 §2.2)
two of these                                 nothing: ``invalid_request`` (RFC 6749 §2.3)
another scheme in ``Authorization``, a       nothing: ``invalid_client``
cookie, or none of these
===========================================  ==================================================================

Every attempt is counted before anything is compared, and an unknown client costs as much as a wrong secret.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from authlib.oauth2.rfc7523 import JWTBearerClientAssertion

from safeconduct._core.client_tokens import ClientRevocations
from safeconduct._core.clients import ClientPort, RegisteredClient
from safeconduct._core.oauth.parameters import OAuthParameters
from safeconduct._core.oauth.replies import ClientRefusal
from safeconduct._core.throttle import Throttle
from safeconduct._http.authorization import Basic, read_authorization
from safeconduct._http.forwarded import Proxies, client_of, network_of
from safeconduct._http.request import Request
from safeconduct._http.request_body import form_decoded
from safeconduct._tokens.client_tokens import SignedToken, read_signed, verify_assertion
from safeconduct.errors import InvalidRequest, InvalidToken, MalformedToken, Unavailable

#: No secret has this digest.
_NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """The name of a client and its secret, as they were sent."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A JWT by which a client proves who it is; nothing of it was checked."""

    client_id: str
    token: SignedToken = field(repr=False)


ClientCredential = SharedSecret | Assertion


def read_credential(request: Request, parameters: OAuthParameters) -> ClientCredential | None:
    """
    Return by what a client authenticates, or None if by nothing.

    Raises:
        InvalidRequest: If it does so in more than one way.
        ClientRefusal: If the credential is malformed, or of another client than the body names.
    """
    fields, named = request.values(b"authorization"), parameters.get("client_id")
    secret, assertion = parameters.get("client_secret"), parameters.get("client_assertion")
    if len([given for given in (bool(fields), secret, assertion) if given]) > 1:
        # "The client MUST NOT use more than one authentication method in each request." — RFC 6749 §2.3
        raise InvalidRequest("the client authenticates in more than one way")
    try:
        if fields:
            credential: ClientCredential | None = _read_basic(request)
        elif assertion is not None:
            credential = _read_assertion(assertion, parameters)
        else:
            credential = None if secret is None or named is None else SharedSecret(named, secret)
    except (MalformedToken, ValueError):
        raise ClientRefusal("the credential of the client is malformed") from None
    if credential is None and secret is not None:
        raise ClientRefusal("client_secret without client_id")
    if credential is not None and named not in {None, credential.client_id}:
        raise ClientRefusal("client_id names another client")
    return credential


def _read_basic(request: Request) -> SharedSecret:
    credential = read_authorization(request.values(b"authorization"))
    if not isinstance(credential, Basic):
        raise ClientRefusal("another scheme than Basic")
    try:
        # "The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm …"
        return SharedSecret(form_decoded(credential.username), form_decoded(credential.password))
    except InvalidRequest:
        raise ClientRefusal("the Basic credential has a malformed escape") from None


def _read_assertion(text: str, parameters: OAuthParameters) -> Assertion:
    if parameters.get("client_assertion_type") != JWTBearerClientAssertion.CLIENT_ASSERTION_TYPE:
        raise ClientRefusal("an unknown client_assertion_type")
    token = read_signed(text)
    return Assertion(token.client_id, token)


class ClientAuthenticator:
    """
    Authenticate clients.

    Args:
        clients: Who they are.
        throttle: Limits the attempts, by network, and by client and network.
        proxies: The trusted proxies.
        revocations: Asks the store about the clients.
    """

    def __init__(
        self, clients: ClientPort, throttle: Throttle, proxies: Proxies, *, revocations: ClientRevocations
    ) -> None:
        self._clients = clients
        self._throttle = throttle
        self._proxies = proxies
        self._revocations = revocations

    async def authenticate(self, request: Request, parameters: OAuthParameters, *, now: float) -> RegisteredClient:
        """
        Return the client that sent *request*.

        Raises:
            ClientRefusal: If it is not proven which one did.
            InvalidRequest: If it authenticates in more than one way.
            TooManyAttempts: If a limit of the throttle is reached.
            Unavailable: If the store or the application's clients cannot be asked.
        """
        client = await self.authenticate_if_any(request, parameters, now=now)
        if client is None:
            raise ClientRefusal("no client authentication")
        return client

    async def authenticate_if_any(
        self, request: Request, parameters: OAuthParameters, *, now: float
    ) -> RegisteredClient | None:
        """
        Return the client that sent *request*, or None if it does not authenticate at all.

        Raises:
            AuthError: As ``authenticate``.
        """
        credential = read_credential(request, parameters)
        if credential is None:
            return None
        network = network_of(client_of(request, self._proxies).address)
        attempt = await self._throttle.begin_client(credential.client_id, network=network)
        try:
            client = await self._prove(credential, now)
        except ClientRefusal:
            await self._throttle.fail(attempt)
            raise
        except Unavailable:
            await self._throttle.withdraw(attempt)
            raise
        await self._throttle.succeed(attempt)
        return client

    async def _prove(self, credential: ClientCredential, now: float) -> RegisteredClient:
        client = await self._clients.find(credential.client_id)
        try:
            if isinstance(credential, SharedSecret):
                reason = await self._fault_of_secret(client, credential, now)
            else:
                reason = await self._fault_of_assertion(client, credential, now)
        except InvalidToken as error:
            reason = error.reason or type(error).__name__
        if client is None:
            raise ClientRefusal("an unknown client")
        if reason is not None:
            raise ClientRefusal(reason, client.entry.client_id)
        return client

    async def _fault_of_secret(
        self, client: RegisteredClient | None, credential: SharedSecret, now: float
    ) -> str | None:
        """Return the fault of a secret, or None if it is the client's; an unknown client is equal work."""
        known = None if client is None else client.secret_digest
        digest = sha256(credential.secret.encode()).digest()
        is_right = hmac.compare_digest(known or _NO_DIGEST, digest)
        if client is None or not is_right:
            return "a wrong secret"
        await self._revocations.check(client, now=now)
        return None

    async def _fault_of_assertion(
        self, client: RegisteredClient | None, assertion: Assertion, now: float
    ) -> str | None:
        """Return the fault of an assertion, or None if it proves the client, and mark it as used."""
        signer = None if client is None else client.signer
        if signer is None:
            return "a client that signs nothing"
        revocations = self._revocations
        if not revocations.has_store:
            return "assertions need a store"
        claims = verify_assertion(assertion.token, signer, revocations.names, now=now)
        return None if await revocations.use(claims, now=now) else "an assertion that was used before"
