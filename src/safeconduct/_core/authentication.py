"""
Who is asking: the credential of a request, proven or recalled, and vouched for.

A header beats a cookie and never falls through to it.  What another middleware of the same ``Auth`` proved is taken
over only if the very same bytes are read here.
"""

from dataclasses import replace

from safeconduct._core.basic import BasicAuthenticator
from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.credential_sources import SUBPROTOCOL_KEY, CredentialSource, Sources, why_unsupported
from safeconduct._core.decision import AnonymousResults, Key, Passed
from safeconduct._core.opaque import OpaqueTokenResolver
from safeconduct._core.requirement import Requirement
from safeconduct._core.validity import ValidityCheck
from safeconduct._http.authorization import Basic, Bearer, read_authorization
from safeconduct._http.request import Request
from safeconduct.errors import AuthError, MissingCredential, RevokedToken, Unavailable

_BEARER_BYTES = len("Bearer ")


class Authenticator:
    """
    Find out who sent a request.

    Args:
        sources: Where credentials may come from.
        recognition: Proves tokens.
        resolution: Asks the store what opaque ones say.
        basic: Proves user names and passwords; None where that is no source.
        validity: Asks what may have changed since.
        anonymous_results: Those who are nobody.
        rejects_invalid: Whether a bad credential in a header is refused on an open route too.
    """

    def __init__(
        self,
        *,
        sources: Sources,
        recognition: BearerAuthenticator,
        resolution: OpaqueTokenResolver,
        basic: BasicAuthenticator | None,
        validity: ValidityCheck,
        anonymous_results: AnonymousResults,
        rejects_invalid: bool,
    ) -> None:
        self._sources = sources
        self._recognition = recognition
        self._resolution = resolution
        self._basic = basic
        self._validity = validity
        self._anonymous_results = anonymous_results
        self._owner = recognition.owner
        self._rejects_invalid = rejects_invalid

    async def identify(self, request: Request, requirement: Requirement, outer: Passed | None, now: float) -> Passed:
        """
        Return who sent *request*; on an open route nobody is somebody too.

        Args:
            request: What came.
            requirement: What the route asks for.
            outer: What another middleware left in the request.
            now: The current time, in seconds since the epoch.

        Raises:
            AuthError: If the credential does not count, or the route is closed and nothing can be found out.
        """
        fields = request.values(b"authorization")
        try:
            self._recognition.notice_keys(now)
            if fields:
                passed, is_asked = await self._from_header(fields, request, requirement, outer, now)
            else:
                passed, is_asked = await self._from_elsewhere(request, outer, now)
            if outer is not None and passed is outer:
                # Its page and its rights are looked at again, since the rules here are others; the store is asked again
                # where a rule here is strict, or nobody was asked for the outer one.
                is_asked = outer.is_asked and requirement.consistency != "strict"
                await self._validity.check_validity(passed, request, requirement, now, is_asked=is_asked)
            else:
                passed = await self._validated(passed, request, requirement, now, is_asked=is_asked)
                if self._validity.leaves_out(passed, requirement):
                    passed = replace(passed, is_asked=False)
        except AuthError as error:
            is_refused = fields and self._rejects_invalid and not isinstance(error, Unavailable)
            if is_refused or not requirement.is_open:
                raise
            return self._anonymous_results.because_of(error)
        return passed

    async def _validated(
        self, passed: Passed, request: Request, requirement: Requirement, now: float, *, is_asked: bool
    ) -> Passed:
        try:
            await self._validity.check_validity(passed, request, requirement, now, is_asked=is_asked)
        except RevokedToken:
            credential = read_authorization(request.values(b"authorization"))
            if self._basic is None or not isinstance(credential, Basic):
                raise
            # What was cut off is what was remembered of a pair.  Its user proves it again by sending it.
            cut_off = None if passed.proof is None else passed.proof.question
            passed = await self._basic.prove(credential, request, now=now, cut_off=cut_off)
            await self._validity.check_validity(passed, request, requirement, now)
        return passed

    # Both return whether the store was asked already.
    async def _from_header(
        self, fields: list[bytes], request: Request, requirement: Requirement, outer: Passed | None, now: float
    ) -> tuple[Passed, bool]:
        field = fields[0]
        if len(fields) == 1:
            if outer is not None and self._is_same(outer, field):
                return outer, False
            known = self._recognition.recall(field)
            if known is not None:
                return known, False
        credential = read_authorization(fields)
        if isinstance(credential, Bearer) and self._sources.takes_bearer:
            # One token can be written with any number of spaces before it: only one way is worth remembering.
            is_kept = len(field) == _BEARER_BYTES + len(credential.token)
            return await self._prove(credential.token, CredentialSource("bearer", field, is_kept=is_kept), now)
        if isinstance(credential, Basic) and self._basic is not None:
            self._validity.check_page_of_basic(request, requirement)
            return await self._basic.prove(credential, request, now=now), False
        raise MissingCredential(why_unsupported(credential))

    async def _from_elsewhere(self, request: Request, outer: Passed | None, now: float) -> tuple[Passed, bool]:
        found = self._sources.carried(request)
        if outer is not None and (found is None or found.place.scheme == "cookie") and self._hid_token(outer, request):
            # The cookie is not the credential of this handshake: the outer one found a token that goes before it.
            return outer, False
        if found is None:
            return self._anonymous_results.nobody, False
        if outer is not None and self._is_same(outer, found.place.key):
            return outer, False
        known = self._recognition.recall(found.place.key)
        return (known, False) if known is not None else await self._prove(found.token, found.place, now)

    async def _prove(self, token: str, place: CredentialSource, now: float) -> tuple[Passed, bool]:
        passed = await self._resolution.prove(token, place, now=now)
        if passed is not None:
            return passed, True
        return self._recognition.prove(token, place, now=now), False

    def _hid_token(self, outer: Passed, request: Request) -> bool:
        # A token among the subprotocols is taken out of the scope once it is proven (http.md), so what is left to read
        # here is that the same Auth proved one for this very handshake.
        proof = outer.proof
        return (
            request.is_websocket
            and outer.owner is self._owner
            and proof is not None
            and isinstance(proof.credential, str)
            and proof.credential.startswith(SUBPROTOCOL_KEY)
        )

    def _is_same(self, outer: Passed, key: Key) -> bool:
        # The key of a user name and a password is empty, and so is a field that somebody emptied on the way.
        return bool(key) and outer.owner is self._owner and outer.proof is not None and outer.proof.credential == key
