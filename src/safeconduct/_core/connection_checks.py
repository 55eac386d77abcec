"""
Decide how long a connection may go on: a socket, a stream, a response under a rule with ``long_lived``.

The checks, in this order:

===================================================  ===================================================================
if                                                   then the connection
===================================================  ===================================================================
the ``Auth`` is closed, or the store cannot be       ends with ``Unavailable``, unless ``on_outage`` lets it go on
asked
the credential was revoked                           ends with ``RevokedToken``
the owner of an API key is disabled or gone          ends with ``RevokedToken``; if they lost a right that is
                                                     required, with ``InsufficientRights``
the credential has expired, leeway included          ends with ``ExpiredToken``, unless the credential is a cookie whose
                                                     session is alive, or a password that is proven again: then the
                                                     requirement is checked anew, and the connection goes on
===================================================  ===================================================================

Nothing here waits or has a timer: the adapters call these checks when it is time.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import principal_of
from safeconduct._core.budget import within_one_budget
from safeconduct._core.decision import Proof, ProvenApiKey, ProvenClient, due_ms, still_holds
from safeconduct._core.event_dispatcher import report_fault
from safeconduct._core.requirement import Requirement
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus, View
from safeconduct._core.sessions.extension import SessionExtension
from safeconduct._http.request import Request
from safeconduct.errors import AuthError, BadCredentials, BindingMismatch, ExpiredToken, Unavailable
from safeconduct.events import Event
from safeconduct.principal import Principal

#: Deadlines are checked at least this often.
_LONGEST_TICK_SECONDS: Final = 1.0
_SHORTEST_TICK_SECONDS: Final = 0.01


class Watch:
    """
    The credential that one connection depends on.

    Not frozen: a connection that is extended depends on another one from then on.
    """

    __slots__ = ("client", "ends_ms", "held", "identity", "proof", "question", "request", "requirement", "version")

    def __init__(self, identity: Principal, proof: Proof, requirement: Requirement, request: Request) -> None:
        self.identity = identity
        #: What the connection was opened with, or the same password when it was last proven.
        self.proof = proof
        self.requirement = requirement
        self.request = request
        self.question: RevocationQuery = _without_reference(proof.question)
        #: The client that signed its token itself.
        self.client: ProvenClient | None = proof.client
        #: When the credential ends or is to be proven again, milliseconds since the epoch, leeway included.
        self.ends_ms = proof.due_ms
        #: The version of the store's view at which the credential last counted.
        self.version: object = None
        #: Whether the credential counted when it was last looked at.
        self.held = True

    def depend_on(self, identity: Principal, question: RevocationQuery, client: ProvenClient | None = None) -> None:
        """Replace the credential."""
        self.identity = identity
        self.client = client
        self.question = _without_reference(question)
        self.ends_ms = question.ends_ms if client is None else due_ms(question.ends_ms, client.until_seconds)
        self.version = None


class ConnectionChecks:
    """
    Decide which connections may go on.

    Args:
        authenticator: Proves tokens and passwords again, and asks the store.
        view: Knows without asking the store whether a credential was revoked; None where the store must be asked.
        extension: Says whether a session is alive; None where no store keeps sessions.
        staleness_seconds: How often the store is asked.
        announce: Tells the listeners.
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        view: View | None,
        extension: SessionExtension | None,
        staleness_seconds: float,
        announce: Callable[[Event], None],
    ) -> None:
        self._authenticator = authenticator
        self._view = view
        self._extension = extension
        self._announce = announce
        self._is_closed = False
        self.clock = authenticator.bearer.clock
        self.staleness_seconds = staleness_seconds
        #: How often deadlines are checked.
        self.tick_seconds = max(_SHORTEST_TICK_SECONDS, min(_LONGEST_TICK_SECONDS, staleness_seconds))
        #: What the ASGI adapter keeps for each event loop.
        self.monitors: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def close(self) -> None:
        """Let no connection go on."""
        self._is_closed = True

    def newly_doubtful(self, watches: Iterable[Watch]) -> list[Watch]:
        """
        Return which of *watches* counted at the last look into the view, and do not now.

        Without a command; the others are asked about every ``staleness_seconds``.
        """
        doubtful: list[Watch] = []
        if self._view is None:
            return doubtful
        for watch in watches:
            if watch.requirement.consistency not in self._authenticator.validity.unasked:
                continue
            had_held, watch.held = watch.held, self._still_holds(watch)
            if had_held and not watch.held:
                doubtful.append(watch)
        return doubtful

    async def refusals(self, watches: Collection[Watch]) -> dict[Watch, AuthError]:
        """
        Return which of *watches* the store or the directory refuses, and why; the same question is asked once.

        Nothing is raised: if the store cannot be asked, all of them are refused, except by ``on_outage = "serve"``.
        If the directory cannot be asked, all are that depend on an account.
        """
        found: dict[Watch, AuthError | None] = await self._account_errors(watches)
        asking = [each for each in watches if each not in found and (self._is_closed or not self._still_holds(each))]
        answers: dict[RevocationQuery, RevocationStatus] = {}
        outage = await self._caught(self._ask_all(asking, answers))
        errors: dict[tuple[RevocationQuery, bool], AuthError | None] = {}
        for watch in asking:
            serves = self._authenticator.validity.serves_outage(watch.requirement)
            if outage is not None and (self._is_closed or not serves):
                found[watch] = outage
                continue
            asked = watch.question, serves
            if asked not in errors:
                errors[asked] = await self._caught(self._ask(watch, answers.get(watch.question)))
            found[watch] = errors[asked]
        return {watch: error for watch, error in found.items() if error is not None}

    def fault(self, fault: Exception) -> AuthError:
        """Announce an exception that must not have been raised, and return the error that ends the connection."""
        report_fault(self._announce, fault, where="watching")
        return Unavailable("a fault while watching")

    def is_expired(self, watch: Watch) -> bool:
        """Say whether the credential of *watch* has expired."""
        return self.clock() * 1000 >= watch.ends_ms

    @within_one_budget
    async def check_expiry(self, watch: Watch) -> AuthError | None:
        """Prolong a *watch* that has expired, or return why its connection ends.  Nothing is raised."""
        return await self._caught(self._prolong(watch))

    @within_one_budget
    async def extend(self, watch: Watch, token: str) -> Principal:
        """
        Let *watch* depend on *token* from now on.

        Raises:
            InvalidToken: If anything about it is wrong, or it has another issuer, subject or session.
            InsufficientRights: If it does not meet the requirement; also ``StepUpRequired``.
            Unavailable: If the store cannot be asked.
        """
        if self._is_closed:
            raise Unavailable("closed")
        now = self.clock()
        authenticator = self._authenticator
        authenticator.bearer.notice_keys(now)
        resolved = await authenticator.resolver.resolve_any(token, now=now)
        identity = principal_of(resolved.claims, watch.identity.scheme)
        # A connection that was opened with an API key ends with it.
        is_key = watch.proof.api_key is not None
        if is_key or _person_and_session(identity) != _person_and_session(watch.identity):
            raise BindingMismatch("a token of another issuer, subject or session")
        proof = Proof(b"", resolved.question.ends_ms, resolved.question)
        await authenticator.validity.check_account(identity, proof, now=now)
        if not resolved.is_asked:
            await authenticator.validity.ask(resolved.question, watch.requirement, now_ms=int(now * 1000))
        watch.requirement.check(identity, now=now)
        watch.depend_on(identity, resolved.question, resolved.client)
        return identity

    def _still_holds(self, watch: Watch) -> bool:
        validity, consistency = self._authenticator.validity, watch.requirement.consistency
        if not validity.asks(consistency, watch.question):
            return True
        return self._view is not None and consistency in validity.unasked and still_holds(self._view, watch)

    async def _account_errors(self, watches: Iterable[Watch]) -> dict[Watch, AuthError | None]:
        """Return which of *watches* depend on an account that was cut off, or cannot be looked up."""
        validity, found = self._authenticator.validity, dict[Watch, AuthError | None]()
        if validity.accounts is None or self._is_closed:
            return found
        for watch in watches:
            proof = replace(watch.proof, question=watch.question)
            error = await self._caught(validity.check_account(watch.identity, proof, now=self.clock()))
            if error is not None:
                found[watch] = error
        return found

    async def _ask_all(self, asking: Sequence[Watch], answers: dict[RevocationQuery, RevocationStatus]) -> None:
        if self._is_closed:
            raise Unavailable("closed")
        if asking:
            # In their order and each once.
            questions = list(dict.fromkeys(watch.question for watch in asking))
            answers |= await self._authenticator.validity.ask_all(questions)

    async def _ask(self, watch: Watch, answer: RevocationStatus | None) -> None:
        now_ms = int(self.clock() * 1000)
        validity = self._authenticator.validity
        await validity.ask(watch.question, watch.requirement, now_ms=now_ms, answer=answer)

    async def _prolong(self, watch: Watch) -> None:
        now = self.clock()
        if watch.proof.ambient == "basic":
            await self._prove_again(watch, now)
            return
        if watch.proof.api_key is not None:
            await self._renew_key(watch, watch.proof.api_key, now)
            return
        if watch.client is not None and now * 1000 < watch.question.ends_ms:
            watch.client = await self._authenticator.resolver.renew_client(watch.client)
            watch.ends_ms = due_ms(watch.question.ends_ms, watch.client.until_seconds)
            return
        prolonged = None
        if watch.proof.ambient == "cookie" and self._extension is not None:
            prolonged = await self._extension.prolong(watch.identity)
        if prolonged is None or prolonged.ends_ms <= now * 1000:
            raise ExpiredToken(watch.ends_ms // 1000)
        watch.requirement.check(prolonged.identity, now=now)
        watch.depend_on(prolonged.identity, replace(watch.question, ends_ms=prolonged.ends_ms))

    async def _prove_again(self, watch: Watch, now: float) -> None:
        # A password does not expire: it is proven again, as it would be for a request that came now.
        closed = replace(watch.requirement, is_open=False)
        passed = await self._authenticator.identify(watch.request, closed, None, now)
        identity, proof = passed.identity, passed.proof
        if (
            not isinstance(identity, Principal)
            or proof is None
            or _person_and_session(identity) != _person_and_session(watch.identity)
        ):
            raise BadCredentials("the password belongs to another user by now")
        closed.check(identity, now=now)
        watch.proof = proof
        watch.depend_on(identity, proof.question)

    async def _renew_key(self, watch: Watch, proven: ProvenApiKey, now: float) -> None:
        # What the owner has may have changed, and is asked as for a request that came now.
        api_keys = self._authenticator.api_keys
        if api_keys is None:  # pragma: no cover - it has proven the key
            raise Unavailable("API keys are off")
        passed, proof = await api_keys.renew(watch.proof, proven.record, now=now)
        watch.requirement.check(passed.identity, now=now)
        watch.proof, watch.ends_ms = proof, proof.due_ms

    async def _caught(self, step: Awaitable[None]) -> AuthError | None:
        """Return the error that *step* raises, or None."""
        try:
            await step
        except AuthError as error:
            return error
        except Exception as fault:  # noqa: BLE001 - the last resort: no connection goes on unchecked
            return self.fault(fault)
        return None


def _without_reference(question: RevocationQuery) -> RevocationQuery:
    # The record of an opaque token is deleted a grace period after the next token of its session: it only says whether
    # the token may be presented again.  A connection ends with its session, by a revocation, or when it expires.
    return question if question.reference is None else replace(question, reference=None)


def _person_and_session(principal: Principal) -> tuple[str, str, str | None]:
    return principal.issuer, principal.subject, principal.session_id
