"""
Check the claims of a token whose signature holds, and return them typed.

Types are compared by ``type(…) is``, because ``isinstance`` takes true for an integer, and true is no point in time.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol, cast

from safeconduct._tokens.issuer_policy import ACCESS_TOKEN, IssuerPolicy
from safeconduct.errors import (
    BindingMismatch,
    ExpiredToken,
    MalformedToken,
    NotYetValidToken,
    WrongAudience,
    WrongIssuer,
)
from safeconduct.principal import CLIENT_SUBJECT, Level


class Claims(NamedTuple):
    """
    The claims of a verified token.

    A named tuple and not a frozen dataclass: one is made for every token that is verified, and a frozen dataclass of
    this size takes six times as long to make.  Requests share it, so it must not change.
    """

    issuer: str
    subject: str
    token_id: str
    client_id: str | None
    #: The time that cut-offs are compared with: ``iat_ms`` of our own tokens, ``iat`` less the leeway of others.
    issued_ms: int
    #: Seconds since the epoch, rounded down.
    expires_at: int
    auth_time: int | None
    level: Level
    scopes: frozenset[str]
    roles: frozenset[str]
    session_id: str | None
    csrf_generation: int | None
    renewals: int | None
    actor: Mapping[str, Any] | None
    kid: str | None
    is_own: bool
    display_name: str | None
    remote_user: str | None
    raw: Mapping[str, Any]
    #: The issuer of a person whom it handed over; None for our own people, and in every foreign token.
    person_issuer: str | None = None


#: Claims with these values say nothing, as those that are missing.
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
#: In any form they restrict the token: an empty one is malformed, not missing.
_NEVER_EMPTY: Final = frozenset({"nbf", "cnf", "may_act"})


class TimeRules(Protocol):
    """What holds for the times of a token; an ``IssuerPolicy`` is such rules."""

    @property
    def leeway_seconds(self) -> int: ...
    @property
    def max_lifetime_seconds(self) -> int: ...
    @property
    def is_dated_by_store(self) -> bool: ...


_NUMBERS: Final = frozenset[Any]((int, float))
_NOTHING: Final = frozenset[str]()


def read_claims(
    raw: dict[str, Any], policy: IssuerPolicy, kid: str | None, now: float, token_type: str = ACCESS_TOKEN
) -> Claims:
    """
    Check every claim of a token whose signature holds (RFC 7519 §4, RFC 9068 §2.2, §4).

    *raw* comes from the strict reader, and its ``iss`` is known to be the policy's.  *now* is in seconds since the
    epoch, and *token_type* is spelled as ``media_type`` spells it.

    Raises:
        InvalidToken: One of its subclasses, for the first check that fails.
    """
    get = cast("Callable[[str], Any]", (raw := _without_empty(raw)).get)
    expires, issued, scope, roles = get("exp"), get("iat"), get(policy.scopes_claim), get(policy.roles_claim)
    check_times(raw, policy, now)
    audience, subject, token_id, client_id = get("aud"), get("sub"), get("jti"), get("client_id")
    if audience != policy.audience:
        _check_audience(audience, policy.audience)
    _check_names(raw, subject, token_id, client_id, token_type)
    is_own, person_issuer = policy.is_own, _person_issuer(raw, policy) if "pi" in raw else None
    is_client = _is_client(subject, client_id, policy)
    remote_user = None if is_client else policy.remote_user_of(subject, person_issuer)
    return Claims(
        policy.issuer,
        subject,
        token_id,
        client_id,
        _own_issued_ms(raw, issued) if is_own else _foreign_issued_ms(issued, policy),
        expires if type(expires) is int else math.floor(expires),
        _natural(raw, "auth_time") if "auth_time" in raw else None,
        # A client is not a user who signed in, whatever acr its token states.
        "remembered" if is_client or subject == client_id or "acr" not in raw else _level(raw, policy),
        _NOTHING if scope is None else _read_scopes(scope, policy),
        _NOTHING if roles is None else _read_roles(roles, policy),
        _text(raw, "sid") if "sid" in raw else None,
        _natural(raw, "cg") if is_own and "cg" in raw else None,
        _natural(raw, "rn") if is_own and "rn" in raw else None,
        _read_actor(raw["act"]) if "act" in raw else None,
        kid,
        is_own,
        _display_name(raw, remote_user) if is_own and "name" in raw else remote_user,
        remote_user,
        MappingProxyType(raw),
        person_issuer,
    )


def _person_issuer(raw: dict[str, Any], policy: IssuerPolicy) -> str | None:
    """Return the issuer of a person who was handed over, which must still be one that may do so."""
    if not policy.is_own:
        return None
    issuer = _text(raw, "pi")
    if issuer not in policy.people:
        raise WrongIssuer("the person of an issuer that hands nobody over to us")
    return issuer


def _without_empty(raw: dict[str, Any]) -> dict[str, Any]:
    """Return *raw* without the claims that say nothing, so that each reads as missing wherever it is read."""
    empty = {name for name, value in raw.items() if not value and value in _EMPTY} - _NEVER_EMPTY
    return {name: value for name, value in raw.items() if name not in empty} if empty else raw


def is_empty(value: object) -> bool:
    """Say whether a claim with *value* says nothing: None, or an empty text, list or object."""
    return value in _EMPTY or value == ()


def check_times(raw: dict[str, Any], rules: TimeRules, now: float) -> None:
    """
    Check when a token was issued, begins to count and expires; ``exp`` and ``iat`` are required.

    Raises:
        ExpiredToken: If it has expired.
        NotYetValidToken: If it does not count yet.
        MalformedToken: If a time is missing or is no number, or the lifetime is too long.
    """
    expires: Any = raw.get("exp")
    issued: Any = raw.get("iat")
    if type(expires) not in _NUMBERS or type(issued) not in _NUMBERS:
        raise MalformedToken("exp or iat is missing or not a number")
    latest = math.inf if rules.is_dated_by_store else now + rules.leeway_seconds
    if now >= expires + rules.leeway_seconds:
        raise ExpiredToken(math.floor(expires))
    if issued > latest:
        raise NotYetValidToken("iat lies in the future")
    if not 0 <= expires - issued <= rules.max_lifetime_seconds:
        raise MalformedToken("a lifetime that is negative, or longer than max_lifetime_seconds")
    if "nbf" in raw:
        not_before = raw["nbf"]
        if type(not_before) not in _NUMBERS:
            raise MalformedToken("nbf is not a number")
        if not_before > latest:
            raise NotYetValidToken("nbf lies in the future")


def _check_names(raw: dict[str, Any], subject: Any, token_id: Any, client_id: Any, token_type: str) -> None:
    if type(subject) is not str or not subject or type(token_id) is not str or not token_id:
        raise MalformedToken("sub or jti is missing or not a string")
    if (type(client_id) is not str or not client_id) and (token_type == ACCESS_TOKEN or "client_id" in raw):
        raise MalformedToken("client_id is missing or not a string")
    check_unbound(raw)


def _is_client(subject: str, client_id: Any, policy: IssuerPolicy) -> bool:
    """Say whether a subject is a client; a person of another issuer must not pass for one."""
    is_client = subject.startswith(CLIENT_SUBJECT)
    if is_client and not policy.is_own and subject != f"{CLIENT_SUBJECT}{client_id}":
        raise MalformedToken("the subject of a client that is not its client_id")
    return is_client


def check_unbound(raw: dict[str, Any]) -> None:
    """
    Refuse a token that is bound to a key.

    Raises:
        BindingMismatch: If it is.
    """
    if "cnf" in raw:
        # In any form it says that the token is bound to a key, and no proof of that key is checked here
        # (RFC 7800 §3.1, RFC 9449 §7.2).
        raise BindingMismatch("a token with cnf that came as a plain bearer token")


def _check_audience(audience: Any, wanted: str) -> None:
    """Accept a list of strings that contains *wanted* (RFC 7519 §4.1.3); the caller has compared a plain string."""
    if audience.__class__ is not list or wanted not in audience:
        raise WrongAudience("aud does not name our audience")
    if any(each.__class__ is not str for each in audience):
        raise MalformedToken("aud contains an item that is not a string")


def _own_issued_ms(raw: dict[str, Any], issued: Any) -> int:
    issued_ms: Any = raw.get("iat_ms")
    if type(issued_ms) is not int or type(issued) is not int or issued_ms // 1000 != issued:
        raise MalformedToken("iat_ms is missing or does not belong to iat")
    return int(issued_ms)


def _foreign_issued_ms(issued: float, policy: IssuerPolicy) -> int:
    """Return ``iat`` less the leeway, so that a cut-off applies to the token whichever of the two clocks is ahead."""
    return math.floor(issued * 1000) - policy.leeway_seconds * 1000


def _natural(raw: dict[str, Any], name: str) -> int:
    value = raw[name]
    if type(value) not in _NUMBERS or value < 0 or (type(value) is float and name != "auth_time"):
        raise MalformedToken(f"{name} is not a natural number")
    return int(value)


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw[name]
    if type(value) is not str or not value:
        raise MalformedToken(f"{name} is not a string")
    return value


def _level(raw: dict[str, Any], policy: IssuerPolicy) -> Level:
    return policy.levels.get(_text(raw, "acr"), "remembered")


def _display_name(raw: dict[str, Any], default: str | None) -> str | None:
    """Return the claim ``name`` of one of our own tokens; it is only shown, and identifies nobody."""
    name = raw["name"]
    return name if type(name) is str and name else default


def _read_scopes(scope: Any, policy: IssuerPolicy) -> frozenset[str]:
    """Read "a list of space-delimited, case-sensitive strings" (RFC 6749 §3.3), or a foreign issuer's JSON list."""
    if type(scope) is str:
        # Split at spaces only: `str.split()` would also split at other white space, which no scope may contain.
        scopes = frozenset(scope.split(" "))
        if "" in scopes:
            scopes -= {""}
    elif policy.is_own:
        raise MalformedToken("scope is not a string")
    else:
        scopes = frozenset(_strings(scope, policy.scopes_claim))
    return scopes if policy.scopes is None else scopes & policy.scopes


def _read_roles(listed: Any, policy: IssuerPolicy) -> frozenset[str]:
    roles = _strings(listed, policy.roles_claim)
    if policy.roles is None:
        return frozenset(roles)
    return frozenset(policy.roles[role] for role in roles if role in policy.roles)


def _read_actor(actor: Any) -> MappingProxyType[str, Any]:
    if type(actor) is not dict:
        raise MalformedToken("act is not an object")
    return MappingProxyType(cast("dict[str, Any]", actor))


def actor_names(actor: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the parties that the claim ``act`` names, the present one first; a malformed part ends the list."""
    names = list[str]()
    while isinstance(actor, Mapping):
        name = actor.get("sub")
        if type(name) is not str:
            break
        names.append(name)
        actor = actor.get("act")
    return tuple(names)


def _strings(listed: Any, name: str) -> list[str]:
    if listed.__class__ is not list or any(each.__class__ is not str for each in listed):
        raise MalformedToken(f"{name} is not a list of strings")
    return cast("list[str]", listed)
