"""Whether a proof still counts for this request: its time, the page that sent it, the store."""

from safeconduct._core.basic import BasicRecognition
from safeconduct._core.decision import Ambient, Proof
from safeconduct._core.ports import Question
from safeconduct._core.requirement import Requirement
from safeconduct._core.revocation import Revocations
from safeconduct._core.sources import Sources
from safeconduct._http.message import Request
from safeconduct._http.origin import SAFE_METHODS, check_origin
from safeconduct.config import Consistency
from safeconduct.errors import CrossSiteRequest, ExpiredToken, RevokedToken


class Vouching:
    """Asks everything that may change between two requests with one credential."""

    def __init__(
        self,
        revocations: Revocations | None,
        sources: Sources,
        basic: BasicRecognition | None,
        *,
        asks_by_default: bool,
    ) -> None:
        self._revocations = revocations
        self._sources = sources
        self._basic = basic
        self._asks_by_default = asks_by_default

    async def vouch(self, proof: Proof, request: Request, requirement: Requirement, now: float) -> None:
        """
        Return if *proof* counts for *request*.

        Raises:
            ExpiredToken: If its time is over.
            CrossSiteRequest: If a browser sent it from a page that is not ours.
            RevokedToken: If it was ended.
            Unavailable: If the store cannot be asked.
        """
        now_ms = int(now * 1000)
        if now_ms >= proof.expires_ms:
            raise ExpiredToken(proof.expires_ms // 1000)
        if proof.ambient is not None:
            self._check_origin(proof.ambient, request, requirement)
        try:
            await self.ask(proof.question, requirement.consistency, now_ms=now_ms)
        except RevokedToken:
            if self._basic is not None and proof.ambient == "basic":
                self._basic.forget(request)
            raise

    async def ask(self, question: Question, consistency: Consistency | None, *, now_ms: int) -> None:
        """
        Ask the store, unless *consistency*, or what holds without one, says not to.

        Raises:
            RevokedToken: If the credential was ended.
            Unavailable: If the store cannot be asked.
        """
        asks = self._asks_by_default if consistency is None else consistency != "none"
        if asks and self._revocations is not None:
            await self._revocations.check(question, now_ms=now_ms)

    def _check_origin(self, ambient: Ambient, request: Request, requirement: Requirement) -> None:
        verdict = check_origin(
            request,
            own=self._sources.own_origin,
            trusted=self._sources.trusted_origins,
            ambient=ambient,
            unsafe=requirement.is_unsafe,
        )
        if ambient == "cookie" and verdict != "unasked" and request.method not in SAFE_METHODS:
            # Until sessions exist there is no CSRF token that could vouch for a cookie on an unsafe method.
            raise CrossSiteRequest("a cookie counts for GET, HEAD and handshakes only")
