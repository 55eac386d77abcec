"""Check that a proof still counts for this request: expiry, origin and CSRF, revocation."""

from collections.abc import Mapping, Sequence
from typing import Final

from safeconduct._core.account_checks import AccountChecks
from safeconduct._core.credential_sources import Sources
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Ambient, CachedResult, Passed, Proof, still_holds
from safeconduct._core.requirement import Requirement
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus, View
from safeconduct._http.origin import NO_ORIGIN, OriginVerdict, check_origin
from safeconduct._http.request import PageFields, Request
from safeconduct.config.fields import Consistency, Outage
from safeconduct.errors import ExpiredToken
from safeconduct.principal import Identity

_EVERY_CONSISTENCY: Final[frozenset[Consistency | None]] = frozenset({None, "strict", "bounded", "none"})


class ValidityCheck:
    """
    Check everything that may change between two requests with the same credential.

    Args:
        revocations: Asks the store; None where there is none.
        sources: Says which origins are ours.
        consistency: How revocations are checked if no rule says otherwise.
        on_outage: What happens while they cannot be, if no rule says otherwise.
        csrf: Checks CSRF tokens.
        accounts: Checks that accounts were not cut off; None where that is not asked at every request.
    """

    def __init__(
        self,
        revocations: Revocations | None,
        sources: Sources,
        *,
        consistency: Consistency,
        on_outage: Outage,
        csrf: CsrfTokens,
        accounts: AccountChecks | None = None,
    ) -> None:
        self._revocations = revocations
        self._sources = sources
        self._consistency: Consistency = consistency
        self._on_outage: Outage = on_outage
        self._csrf = csrf
        self.accounts = accounts
        #: The ``Origin`` fields of pages that are ours, as browsers write them; other spellings take the slow path.
        self._own_fields = frozenset(
            origin.to_header() for origin in (sources.own_origin, *sources.trusted_origins) if origin is not None
        )
        #: What a rule may say of consistency where what is known without asking the store decides.
        self.unasked: frozenset[Consistency | None] = self._find_unasked()

    async def check_validity(
        self, passed: Passed, request: Request, requirement: Requirement, now: float, *, is_asked: bool = False
    ) -> None:
        """
        Raise if the proof of *passed* does not count for *request*; an ``Anonymous`` has none.

        *is_asked* says that the store has just confirmed it.

        Raises:
            ExpiredToken: If it has expired.
            CrossSiteRequest: If a browser sent it from a page that is not ours, or without the session's CSRF token.
            RevokedToken: If it was revoked, or its account was cut off.
            Unavailable: If the store or the directory cannot be asked.
        """
        proof, now_ms = passed.proof, int(now * 1000)
        if proof is None:
            return
        if now_ms >= proof.expires_ms:
            raise ExpiredToken(proof.expires_ms // 1000)
        if proof.ambient is not None:
            self._check_page(proof.ambient, passed, request, requirement)
        await self.check_account(passed.identity, proof, now=now)
        if is_asked:
            return
        await self.ask(proof.question, requirement, now_ms=now_ms)

    async def check_account(self, identity: Identity, proof: Proof, *, now: float) -> None:
        """
        Return if the account of *identity* was not cut off, where that is asked at every request.

        Raises:
            RevokedToken: If it was, or is gone or disabled.
            Unavailable: If the directory cannot be asked.
        """
        if self.accounts is not None:
            await self.accounts.check(identity, proof, now=now)

    def begin_view(self) -> None:
        """Begin to keep the local view current, if there is one."""
        if self._revocations is not None and self._revocations.bounded_view is not None:
            self._revocations.bounded_view.begin()

    def omits_question(self, passed: Passed) -> bool:
        """Say whether ``consistency = "none"`` leaves out a question about *passed* that is asked by default."""
        question = None if passed.proof is None else passed.proof.question
        return question is not None and self.asks(None, question) and not self.asks("none", question)

    def check_page_of_basic(self, request: Request, requirement: Requirement) -> None:
        """
        Refuse a password that a foreign page made the browser send, before it is compared and counted as a try.

        Raises:
            CrossSiteRequest: If a page that is not ours sent *request*.
        """
        self._check_origin(request, requirement, "basic", token_decides=False)

    def knows_page(self, cached: CachedResult, page: PageFields) -> bool:
        """
        Say whether ``check_validity`` would find the page right that sent a cookie with an unsafe request.

        The fast path's twin of ``check_origin`` and ``CsrfTokens.check``, line by line; it leaves to them what is
        unusual, and everything that is refused.

        Args:
            cached: The result for the cookie's token.
            page: The fields that show which page sent it, none of which comes twice.
        """
        origin, site, referer, token = page
        is_withheld = origin is None or origin == NO_ORIGIN
        is_own_page = site == b"same-origin" if is_withheld else origin in self._own_fields
        if is_own_page:
            if not self._csrf.asks_always:
                return True
        elif origin is not None or site is not None or referer is not None:
            return False
        tokens = cached.session_tokens = self._csrf.session_tokens(cached.passed.identity, cached.session_tokens)
        if tokens.tokens is None:
            return is_own_page
        return token is not None and tokens.include(token)

    def still_holds(self, view: View, cached: CachedResult, now: float) -> bool:
        """Say whether ``check_validity`` would find without the store, at *now*, that a credential was not revoked."""
        revocations = self._revocations
        if (
            revocations is not None
            and revocations.view is None
            and revocations.is_early(cached.question, int(now * 1000))
        ):
            # Only the store knows by its clock whether it counts already.
            return False
        return still_holds(view, cached)

    async def ask(
        self,
        question: RevocationQuery,
        requirement: Requirement | None,
        *,
        now_ms: int,
        answer: RevocationStatus | None = None,
    ) -> None:
        """
        Ask the local view or the store *question*, unless *requirement* says not to.

        Args:
            question: What to ask.
            requirement: What the route asks for; None for the defaults.
            now_ms: The current time, in milliseconds since the epoch.
            answer: The store's answer, if it was asked already.

        Raises:
            RevokedToken: If the credential was revoked.
            Unavailable: If the store cannot be asked.
        """
        revocations = self._revocations
        if revocations is None:
            return
        consistency = (requirement and requirement.consistency) or self._consistency
        is_strict = consistency == "strict"
        # A token that seems to be issued in the future counts only if the store's clock agrees with it.
        if is_strict or (answer is not None and consistency != "none") or revocations.is_early(question, now_ms):
            await revocations.check(question, now_ms=now_ms, status=answer)
        elif self.asks(consistency, question):
            on_outage = (requirement and requirement.on_outage) or self._on_outage
            await revocations.check_bounded(question, now_ms=now_ms, on_outage=on_outage)

    async def ask_all(self, questions: Sequence[RevocationQuery]) -> Mapping[RevocationQuery, RevocationStatus]:
        """
        Ask the store many questions at once, if it can answer so.

        Raises:
            Unavailable: If it cannot be asked.
        """
        return {} if self._revocations is None else await self._revocations.ask_all(questions)

    def serves_outage(self, requirement: Requirement) -> bool:
        """Say whether credentials may pass under *requirement* while the store cannot be asked."""
        consistency, on_outage = requirement.consistency or self._consistency, requirement.on_outage or self._on_outage
        return consistency == "bounded" and on_outage == "serve"

    def asks(self, consistency: Consistency | None, question: RevocationQuery) -> bool:
        """Say whether the store is asked *question* under *consistency*; None is the default."""
        # An allowlist is worth nothing unless it is looked at.
        return question.needs_record or (consistency or self._consistency) != "none"

    def asks_again(self, consistency: Consistency | None) -> bool:
        """Say whether an outer middleware may have asked less than *consistency* wants; None is the default."""
        revocations = self._revocations
        if revocations is None or revocations.bounded_view is None:
            # Whatever was asked was asked of the store.
            return consistency == "strict"
        # The outer one may have asked the view alone, or let a credential pass in an outage.
        return (consistency or self._consistency) != "none"

    def _find_unasked(self) -> frozenset[Consistency | None]:
        if self._revocations is None or self._revocations.view is not None:
            return _EVERY_CONSISTENCY
        return _EVERY_CONSISTENCY - ({"strict", None} if self._consistency == "strict" else {"strict"})

    def _check_page(self, ambient: Ambient, passed: Passed, request: Request, requirement: Requirement) -> None:
        session = self._csrf.session_of(passed.identity) if ambient == "cookie" else None
        verdict = self._check_origin(request, requirement, ambient, token_decides=session is not None)
        # A page cannot set a header in a WebSocket handshake, which is why an origin is always required there.
        if session is not None and verdict != "unasked" and not request.is_websocket:
            self._csrf.check(request, session, is_own_page=verdict == "own")

    def _check_origin(
        self, request: Request, requirement: Requirement, ambient: Ambient, *, token_decides: bool
    ) -> OriginVerdict:
        return check_origin(
            request,
            own=self._sources.own_origin,
            trusted=self._sources.trusted_origins,
            ambient=ambient,
            unsafe=requirement.is_unsafe,
            token_decides=token_decides,
        )
