"""Define what the gate decides: ``Passed`` with the identity and its proof, or ``Refused`` with the error."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol, get_args

from safeconduct._core.api_keys.records import KeyRights, StoredApiKey
from safeconduct._core.csrf import SessionTokens
from safeconduct._core.requirement import Requirement
from safeconduct._core.revocation_query import RevocationQuery, View
from safeconduct.errors import AuthError, CrossSiteRequest, InvalidRequest, MissingCredential, Unavailable
from safeconduct.principal import Anonymous, Identity, Principal, Reason

Clock = Callable[[], float]
"""Returns the seconds since the epoch."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Key = bytes | str
"""Identifies a credential: the bytes of its header field, or a text that begins with where it was found."""

Ambient = Literal["cookie", "basic"]
"""The kinds of credential that a browser sends by itself."""


class AccountQuestion(NamedTuple):
    """The account that a credential belongs to, and when its user was proven last, as far as that is known."""

    subject: str
    since_ms: int


NO_ACCOUNT: Final = AccountQuestion("", 0)
"""The answer for a credential that belongs to no account in the directory."""


@dataclass(frozen=True, slots=True)
class ProvenApiKey:
    """An API key whose secret was shown, and what it may do for a while."""

    record: StoredApiKey
    rights: KeyRights


@dataclass(frozen=True, slots=True)
class ProvenClient:
    """The client that signed a token itself, and until when it is known to be as it was."""

    client_id: str
    #: Its entry and its keys as they were, of which only the identity matters.
    registered: object = field(repr=False)
    table: object = field(repr=False)
    #: In seconds since the epoch.
    until_seconds: float


def due_ms(ends_ms: int, until_seconds: float) -> int:
    """Return the earlier of the two, in milliseconds since the epoch."""
    return ends_ms if until_seconds * 1000 >= ends_ms else max(0, int(until_seconds * 1000))


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence for an identity, so that an inner middleware of the same ``Auth`` need not prove it again."""

    #: The key of the credential that was proven; compared, never shown.
    credential: Key = field(repr=False)
    #: When it expires, milliseconds since the epoch, leeway included.
    expires_ms: int
    #: What the store is asked about it.
    question: RevocationQuery
    #: Its kind, if a browser sends it by itself; else None.
    ambient: Ambient | None = None
    #: What an account's cut-off is compared with; None for the issue of the credential.
    proven_ms: int | None = None
    #: The API key, and what its owner had; None for any other credential.
    api_key: ProvenApiKey | None = None
    #: The client that signed the token itself; None for any other credential.
    client: ProvenClient | None = None

    @property
    def due_ms(self) -> int:
        """When it must be proven again: it expires, or a client or the owner of an API key must be asked for again."""
        if self.client is not None:
            return due_ms(self.expires_ms, self.client.until_seconds)
        return self.expires_ms if self.api_key is None else due_ms(self.expires_ms, self.api_key.rights.until_seconds)


def _remote_user(identity: Identity) -> str | None:
    # REMOTE_USER = *TEXT, "any printable character" — RFC 3875 §2.2, §4.1.11: it may end in a header.
    name = identity.remote_user
    if not name or _CONTROL.search(name):
        return None
    # PEP 3333 carries bytes in strings as latin-1.
    return name.encode().decode("latin-1")


@dataclass(frozen=True, slots=True)
class Passed:
    """The request may go on as *identity*; *proof* is None for an ``Anonymous``."""

    identity: Identity
    #: Read by Starlette in ``scope["auth"]``, so that its own ``@requires`` works.
    scopes: frozenset[str]
    clock: Clock = field(repr=False)
    #: Identifies the ``Auth`` that decided.
    owner: object = field(repr=False)
    proof: Proof | None = None
    #: Whether a cookie carried the credential, so that no shared cache may keep the response.
    is_by_cookie: bool = False
    #: False if a rule said not to ask the store; then an inner middleware with other rules asks it.
    is_asked: bool = True
    #: ``AUTH_TYPE`` and ``REMOTE_USER`` of a WSGI environ, made once; None if they are not set.
    auth_type: str | None = field(init=False, repr=False, compare=False)
    remote_user: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what WSGI needs from the identity."""
        identity = self.identity
        object.__setattr__(self, "auth_type", identity.scheme if isinstance(identity, Principal) else None)
        object.__setattr__(self, "remote_user", _remote_user(identity))

    @classmethod
    def of(cls, identity: Identity, clock: Clock, owner: object, proof: Proof | None = None) -> "Passed":
        """Let *identity* through."""
        scopes = identity.scopes
        if isinstance(identity, Principal):
            # What Starlette asks for: `@requires("authenticated")`.
            scopes |= {"authenticated"}
        return cls(identity, scopes, clock, owner, proof, proof is not None and proof.ambient == "cookie")


class CachedResult:
    """
    A ``Passed`` in the cache of proven tokens, and the version of the store's view at which it last counted.

    Not frozen: the version, the tokens and the cache's mark change.  A race between two threads only repeats a look-up.
    """

    __slots__ = ("account", "expires_at", "is_used", "passed", "question", "renew_after", "session_tokens", "version")

    def __init__(self, passed: Passed, proof: Proof) -> None:
        self.renew(passed, proof)
        #: The account that it belongs to; None before that was asked for.
        self.account: AccountQuestion | None = None
        #: The CSRF tokens that a request by this cookie may bring; None before one was asked for.
        self.session_tokens: SessionTokens | None = None
        self.is_used = False

    def renew(self, passed: Passed, proof: Proof) -> None:
        """Replace what was proven by what the same credential proves now."""
        self.passed = passed
        self.question = proof.question
        self.version: object = None
        #: From when a navigation is led to ``…/continue``, in seconds; None before that was asked for.
        self.renew_after: float | None = None
        #: In seconds since the epoch.  Last, because the fast path reads it first and takes no lock.
        self.expires_at = proof.due_ms / 1000

    def note_set_back(self) -> None:
        """Let a client or the owner of an API key be asked for again: the clock does not tell when that was done."""
        proof = self.passed.proof
        if proof is not None and (proof.api_key is not None or proof.client is not None):
            self.expires_at = float("-inf")


class _Checked(Protocol):
    question: RevocationQuery
    version: object


def still_holds(view: View, checked: _Checked) -> bool:
    """Say whether *view* knows that a proven credential counts; look again only if the view's version has changed."""
    # Read before the look, so that a revocation during the look is seen as a newer version by the next request.
    version = view.version
    if checked.version is version:
        return True
    if not view.holds(checked.question):
        return False
    if not (checked.question.needs_record and view.forgets_records):
        checked.version = version
    return True


class Recalled(NamedTuple):
    """A credential that was proven before, on a route that was seen before, about which the store must be asked."""

    passed: Passed
    question: RevocationQuery
    requirement: Requirement
    now_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The request ends here and is answered with *error*."""

    error: AuthError


Decision = Passed | Refused


_REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


class AnonymousResults:
    """Keep one ``Passed`` for each reason why a caller is anonymous."""

    def __init__(self, clock: Clock, owner: object) -> None:
        self._by_reason = {reason: Passed.of(Anonymous(reason=reason), clock, owner) for reason in _REASONS}
        self.no_credential = self._by_reason["none"]

    def because_of(self, error: AuthError) -> Passed:
        """Return the ``Passed`` for an open route whose credential led to *error*."""
        return self._by_reason[_reason(error)]


def _reason(error: AuthError) -> Reason:
    match error:
        case MissingCredential():
            return "none"
        case Unavailable():
            return "unavailable"
        case InvalidRequest() | CrossSiteRequest():
            return "invalid_request"
        case _:
            return "invalid_token"
