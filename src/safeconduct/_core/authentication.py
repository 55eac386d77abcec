"""
Find out who sent a request: read its credential, prove or recall it, and check that it still counts.

A header beats a cookie and never falls through to it.  What an outer middleware of the same ``Auth`` proved is taken
over only if the very same bytes are read here.
"""

from dataclasses import replace

from safeconduct._core.api_keys.authenticator import ApiKeyAuthenticator
from safeconduct._core.api_keys.wire_form import is_api_key
from safeconduct._core.basic import BasicAuthenticator
from safeconduct._core.bearer import AccessTokenResolver, BearerAuthenticator, principal_of
from safeconduct._core.credential_sources import SUBPROTOCOL_KEY, CredentialSource, Sources, why_unsupported
from safeconduct._core.decision import AnonymousResults, CachedResult, Key, Passed, Proof
from safeconduct._core.requirement import Requirement
from safeconduct._core.validity import ValidityCheck
from safeconduct._http.authorization import Basic, Bearer, read_authorization
from safeconduct._http.request import Request
from safeconduct.errors import AuthError, MissingCredential, RevokedToken, Unavailable
from safeconduct.principal import Principal

_BEARER_BYTES = len("Bearer ")


class Authenticator:
    """
    Find out who sent a request.

    Args:
        sources: Where credentials may come from.
        bearer: Proves signed tokens, and remembers what was proven.
        resolver: Asks the store what opaque tokens say.
        api_keys: Proves API keys; None where they are not among the sources.
        basic: Proves user names and passwords; None where Basic is not among the sources.
        validity: Checks that what was proven still counts.
        rejects_invalid: Whether a bad credential in a header is refused on an open route too.
    """

    def __init__(
        self,
        *,
        sources: Sources,
        bearer: BearerAuthenticator,
        resolver: AccessTokenResolver,
        api_keys: ApiKeyAuthenticator | None,
        basic: BasicAuthenticator | None,
        validity: ValidityCheck,
        rejects_invalid: bool,
    ) -> None:
        self.sources = sources
        self.bearer = bearer
        self.resolver = resolver
        self.validity = validity
        self.anonymous_results = AnonymousResults(bearer.clock, bearer.owner)
        self.api_keys = api_keys
        self.basic = basic
        self._rejects_invalid = rejects_invalid

    async def verify(self, token: str, *, now: float) -> Principal:
        """
        Check a token that did not come with a request, and return its principal.

        Raises:
            InvalidToken: If anything about it is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        if self.api_keys is not None and is_api_key(token):
            return await self.api_keys.resolve(token, now=now)
        resolved = await self.resolver.resolve_any(token, now=now)
        question, principal = resolved.question, principal_of(resolved.claims, "bearer")
        await self.validity.check_account(principal, Proof(b"", question.ends_ms, question), now=now)
        if not resolved.is_asked:
            await self.validity.ask(question, None, now_ms=int(now * 1000))
        return principal

    async def identify(self, request: Request, requirement: Requirement, outer: Passed | None, now: float) -> Passed:
        """
        Return who sent *request*; on an open route that may be an ``Anonymous``.

        Args:
            request: The request as it came.
            requirement: What the route asks for.
            outer: What an outer middleware of the same ``Auth`` left in the request.
            now: The current time, in seconds since the epoch.

        Raises:
            AuthError: If the credential does not count, or the route is closed and the request has none.
        """
        fields = request.values(b"authorization")
        try:
            self.bearer.notice_keys(now)
            if fields:
                passed, is_asked = await self._from_header(fields, request, requirement, outer, now)
            else:
                passed, is_asked = await self._from_elsewhere(request, outer, now)
            if outer is None or passed is not outer:
                return await self._validated(passed, request, requirement, now, is_asked=is_asked)
            # The page and the rights are checked again, because other rules apply here.  The store is asked again if a
            # rule here is strict, or if it was not asked for the outer middleware.
            is_asked = outer.is_asked and not self.validity.asks_again(requirement.consistency)
            await self.validity.check_validity(passed, request, requirement, now, is_asked=is_asked)
        except AuthError as error:
            is_refused = fields and self._rejects_invalid and not isinstance(error, Unavailable)
            if is_refused or not requirement.is_open:
                raise
            return self.anonymous_results.because_of(error)
        return passed

    async def _validated(
        self, passed: Passed, request: Request, requirement: Requirement, now: float, *, is_asked: bool
    ) -> Passed:
        try:
            await self.validity.check_validity(passed, request, requirement, now, is_asked=is_asked)
        except RevokedToken:
            credential = read_authorization(request.values(b"authorization"))
            if self.basic is None or not isinstance(credential, Basic):
                raise
            # Only the remembered proof of the password was revoked.  The password itself is here, to be proven again.
            self.basic.forget(credential)
            cut_off = None if passed.proof is None else passed.proof.question
            passed = await self.basic.prove(credential, request, now=now, cut_off=cut_off)
            await self.validity.check_validity(passed, request, requirement, now)
        if requirement.consistency == "none" and self.validity.omits_question(passed):
            return replace(passed, is_asked=False)
        return passed

    # Both also return whether the store was asked already.
    async def _from_header(
        self, fields: list[bytes], request: Request, requirement: Requirement, outer: Passed | None, now: float
    ) -> tuple[Passed, bool]:
        field = fields[0]
        if len(fields) == 1:
            if outer is not None and _is_same(outer, field):
                return outer, False
            cached = self.bearer.cache.get(field)
            recalled = None if cached is None else await self._recalled(cached, now)
            if recalled is not None:
                return recalled, False
        credential = read_authorization(fields)
        if isinstance(credential, Bearer):
            # One token can be written with any number of spaces before it: only one spelling is worth remembering.
            is_kept = len(field) == _BEARER_BYTES + len(credential.token)
            source = CredentialSource("bearer", field, is_kept=is_kept)
            if is_api_key(credential.token):
                if self.api_keys is not None:
                    return await self.api_keys.prove(credential.token, source, now=now), True
            elif self.sources.takes_bearer:
                return await self.resolver.prove(credential.token, source, now=now)
        if isinstance(credential, Basic) and self.basic is not None:
            self.validity.check_page_of_basic(request, requirement)
            return await self.basic.prove(credential, request, now=now), False
        raise MissingCredential(why_unsupported(credential))

    async def _from_elsewhere(self, request: Request, outer: Passed | None, now: float) -> tuple[Passed, bool]:
        found = self.sources.carried(request)
        if outer is not None and (found is None or found.source.scheme == "cookie") and _hid_token(outer, request):
            # The cookie is not the credential of this handshake: the outer one found a token, which counts first.
            return outer, False
        if found is None:
            return self.anonymous_results.no_credential, False
        if outer is not None and _is_same(outer, found.source.key):
            return outer, False
        cached = self.bearer.cache.get(found.source.key)
        recalled = None if cached is None else await self._recalled(cached, now)
        if recalled is not None:
            return recalled, False
        return await self.resolver.prove(found.token, found.source, now=now)

    async def _recalled(self, cached: CachedResult, now: float) -> Passed | None:
        if self.api_keys is not None:
            await self.api_keys.renew_cached(cached, now=now)
        return await self.resolver.recall(cached, now=now)


def _hid_token(outer: Passed, request: Request) -> bool:
    # A token among the subprotocols is removed from the scope once it is proven.  All that can be seen here is that the
    # same ``Auth`` proved one for this very handshake.
    proof = outer.proof
    return (
        request.is_websocket
        and proof is not None
        and isinstance(proof.credential, str)
        and proof.credential.startswith(SUBPROTOCOL_KEY)
    )


def _is_same(outer: Passed, key: Key) -> bool:
    # The key of a user name and a password is empty, and so is a field that was emptied on the way.
    return bool(key) and outer.proof is not None and outer.proof.credential == key
