"""
How long what was let through may go on: a socket, a stream, a response under a rule with ``long_lived``.

What is looked at, in this order:

=====================================================  ==========================================================
what                                                   what follows
=====================================================  ==========================================================
the ``Auth`` is closed, or the store cannot be asked   ``Unavailable``
the credential was ended                               ``RevokedToken``
its time and the leeway are over                       ``ExpiredToken``; unless it came by a cookie whose session
                                                       lives, or is a password that is proven again: then the
                                                       requirement is evaluated anew, and it goes on
=====================================================  ==========================================================

Nothing here waits or knows a timer: the adapters look when it is time.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import BearerAuthenticator, principal_of
from safeconduct._core.budget import within_one_budget
from safeconduct._core.decision import Proof
from safeconduct._core.opaque import OpaqueTokenResolver
from safeconduct._core.requirement import Requirement
from safeconduct._core.sessions.extension import SessionExtension
from safeconduct._core.store import RevocationQuery, RevocationStatus, View
from safeconduct._core.validity import ValidityCheck
from safeconduct._http.request import Request
from safeconduct.errors import AuthError, BadCredentials, BindingMismatch, ExpiredToken, Unavailable
from safeconduct.events import Event, Fault
from safeconduct.principal import Principal

#: Deadlines are looked at so often at least.
_LONGEST_TICK_SECONDS: Final = 1.0
_SHORTEST_TICK_SECONDS: Final = 0.01


class Watch:
    """
    What one connection rests on.

    Not frozen: a connection that is extended rests on something else from then on.
    """

    __slots__ = ("ends_ms", "identity", "proof", "question", "request", "requirement", "version")

    def __init__(self, identity: Principal, proof: Proof, requirement: Requirement, request: Request) -> None:
        self.identity = identity
        #: What the connection was opened with.
        self.proof = proof
        self.requirement = requirement
        self.request = request
        self.question: RevocationQuery = _lasting(proof.question)
        #: Until when it may go on, milliseconds since the epoch, leeway included.
        self.ends_ms = proof.expires_ms
        #: At which version of the store's view the credential was last found to hold.
        self.version: object = None


class Watching:
    """
    Decides about what goes on.

    Args:
        identification: Proves a password again.
        recognition: Has the clock, and looks at the keys.
        resolution: Proves tokens of either kind.
        validity: Asks the store.
        view: Knows some of the store's answers by itself.
        prolonging: Says whether a session lives; None where no store keeps sessions.
        staleness_seconds: How often the store is asked.
        announce: Tells the listeners.
    """

    def __init__(
        self,
        *,
        identification: Authenticator,
        recognition: BearerAuthenticator,
        resolution: OpaqueTokenResolver,
        validity: ValidityCheck,
        view: View,
        prolonging: SessionExtension | None,
        staleness_seconds: float,
        announce: Callable[[Event], None],
    ) -> None:
        self._identification = identification
        self._recognition = recognition
        self._resolution = resolution
        self._validity = validity
        self._view = view
        self._prolonging = prolonging
        self._announce = announce
        self._is_closed = False
        self.clock = recognition.clock
        self.staleness_seconds = staleness_seconds
        #: How often deadlines are looked at.
        self.tick_seconds = max(_SHORTEST_TICK_SECONDS, min(_LONGEST_TICK_SECONDS, staleness_seconds))
        #: What an adapter keeps for each event loop.
        self.by_loop: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def close(self) -> None:
        """Let nothing go on."""
        self._is_closed = True

    async def refusals(self, watches: Collection[Watch]) -> dict[Watch, AuthError]:
        """
        Say which of *watches* the store ends; the same question is asked once.

        Nothing is raised: a store that cannot be asked ends them all.
        """
        asking = [watch for watch in watches if self._is_closed or not self._still_holds(watch)]
        answers: dict[RevocationQuery, RevocationStatus] = {}
        error = await self._tried(self._ask_all(asking, answers))
        if error is not None:
            return dict.fromkeys(asking, error)
        said: dict[RevocationQuery, AuthError | None] = {}
        for watch in asking:
            if watch.question not in said:
                said[watch.question] = await self._tried(self._ask(watch, answers.get(watch.question)))
        found = {watch: said[watch.question] for watch in asking}
        return {watch: error for watch, error in found.items() if error is not None}

    def fault(self, fault: Exception) -> AuthError:
        """Tell of what must not have been raised, and return what ends whatever could not be looked at."""
        self._announce(Fault(error=type(fault).__name__, where="watching"))
        return Unavailable("a fault while watching")

    def is_late(self, watch: Watch) -> bool:
        """Say whether the time of *watch* is over."""
        return self.clock() * 1000 >= watch.ends_ms

    @within_one_budget
    async def lateness(self, watch: Watch) -> AuthError | None:
        """Prolong a *watch* whose time is over, or say why it ends.  Nothing is raised."""
        return await self._tried(self._prolong(watch))

    async def _prolong(self, watch: Watch) -> None:
        now = self.clock()
        if watch.proof.ambient == "basic":
            await self._prove_again(watch, now)
            return
        prolonged = None
        if watch.proof.ambient == "cookie" and self._prolonging is not None:
            prolonged = await self._prolonging.prolong(watch.identity)
        if prolonged is None or prolonged.ends_ms <= now * 1000:
            raise ExpiredToken(watch.ends_ms // 1000)
        watch.requirement.check(prolonged.identity, now=now)
        _rest_on(watch, prolonged.identity, replace(watch.question, ends_ms=prolonged.ends_ms))

    @within_one_budget
    async def extend(self, watch: Watch, token: str) -> Principal:
        """
        Let *watch* rest on *token* from now on.

        Raises:
            InvalidToken: If anything about it is wrong, or it is another issuer's, subject's or session's.
            InsufficientRights: If it does not meet the requirement; also ``StepUpRequired``.
            Unavailable: If the store cannot be asked.
        """
        if self._is_closed:
            raise Unavailable("closed")
        now = self.clock()
        self._recognition.notice_keys(now)
        told = await self._resolution.told(token, now=now)
        identity = principal_of(told.claims, watch.identity.scheme)
        if _person(identity) != _person(watch.identity):
            raise BindingMismatch("a token of another issuer, subject or session")
        await self._validity.ask(told.question, watch.requirement.consistency, now_ms=int(now * 1000))
        watch.requirement.check(identity, now=now)
        _rest_on(watch, identity, told.question)
        return identity

    def _still_holds(self, watch: Watch) -> bool:
        if not self._validity.asks(watch.requirement.consistency, watch.question):
            return True
        # Read before the look, as the gate does it on the short way.
        version = self._view.version
        if watch.version is version:
            return True
        if not self._view.holds(watch.question):
            return False
        watch.version = version
        return True

    async def _ask_all(self, asking: Sequence[Watch], answers: dict[RevocationQuery, RevocationStatus]) -> None:
        if self._is_closed:
            raise Unavailable("closed")
        if asking:
            # In their order and each once.
            questions = list(dict.fromkeys(watch.question for watch in asking))
            answers |= await self._validity.ask_all(questions)

    async def _ask(self, watch: Watch, answer: RevocationStatus | None) -> None:
        now_ms = int(self.clock() * 1000)
        await self._validity.ask(watch.question, watch.requirement.consistency, now_ms=now_ms, answer=answer)

    async def _tried(self, step: Awaitable[None]) -> AuthError | None:
        try:
            await step
        except AuthError as error:
            return error
        except Exception as fault:  # noqa: BLE001 - the last resort: nothing goes on that nobody could look at
            return self.fault(fault)
        return None

    async def _prove_again(self, watch: Watch, now: float) -> None:
        # A password has no time of its own: a request that came now would have it proven again.
        closed = replace(watch.requirement, is_open=False)
        passed = await self._identification.identify(watch.request, closed, None, now)
        identity, proof = passed.identity, passed.proof
        if not isinstance(identity, Principal) or proof is None or _person(identity) != _person(watch.identity):
            raise BadCredentials("the password proves somebody else by now")
        closed.check(identity, now=now)
        _rest_on(watch, identity, proof.question)


def _rest_on(watch: Watch, identity: Principal, question: RevocationQuery) -> None:
    watch.identity = identity
    watch.question = _lasting(question)
    watch.ends_ms = question.ends_ms
    watch.version = None


def _lasting(question: RevocationQuery) -> RevocationQuery:
    # The record of an opaque token goes a grace after the next one of its session: it says whether the reference may
    # be used anew.  What ends what rests on it are its marks, its cut-offs and its session.
    return question if question.reference is None else replace(question, reference=None)


def _person(principal: Principal) -> tuple[str, str, str | None]:
    return principal.issuer, principal.subject, principal.session_id
