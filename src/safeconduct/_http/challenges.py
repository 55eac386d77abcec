"""
Challenges: what ``WWW-Authenticate`` says, and which ones an error gets (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9470 §3).

==========================  =======================================================================
error                       challenges, each a field of its own
==========================  =======================================================================
``MissingCredential``       bare ``Bearer``, and ``Basic`` where it is offered
``BadCredentials``          the same: a password was wrong, no token
other ``InvalidToken``      ``Bearer error="invalid_token"``, and ``Basic`` where it is offered
``InvalidRequest``          ``Bearer error="invalid_request"``
``InsufficientRights``      ``Bearer error="insufficient_scope"``, with ``scope`` where scopes are missing
``StepUpRequired``          ``Bearer error="insufficient_user_authentication"``, with ``acr_values`` and ``max_age``
any other                   none: another credential would change nothing
==========================  =======================================================================
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from safeconduct.errors import (
    AuthError,
    BadCredentials,
    ConfigurationError,
    InsufficientRights,
    InvalidRequest,
    InvalidToken,
    MissingCredential,
    StepUpRequired,
)
from safeconduct.principal import LEVELS, Level, rank

Parameters = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) — RFC 6749 §3.3
_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")
_NOT_PRINTABLE = re.compile(r"[^ -~]")
# error_description "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E" — RFC 6750 §3
_NOT_DESCRIPTION = re.compile(r"[^ !#-\[\]-~]")
_NEEDS_ESCAPE = re.compile(r'["\\]')
_QUOTED = r'"((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\[ -~])*)"'
_PARAMETER = re.compile(rf"({_TOKEN.pattern})={_QUOTED}(?:, (?=.)|\Z)")
_ESCAPED = re.compile(r"\\(.)")

BASIC: Final = "Basic"
BEARER: Final = "Bearer"


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    One challenge: a scheme and its parameters, in their order.

    Args:
        scheme: The scheme's name, as it is written.
        parameters: Names and values; a value may be any text, and what a header cannot hold is replaced.

    Raises:
        ConfigurationError: If a name is out of its grammar or comes twice, or if ``scope`` is no list of scope tokens.
    """

    scheme: str
    parameters: Parameters = ()

    def __post_init__(self) -> None:
        """Refuse what could not be written in one way only."""
        names = [name.lower() for name, _ in self.parameters]
        if len(names) > len(set(names)):
            raise ConfigurationError(f"parameters must differ in their names, got {names}")
        for name in (self.scheme, *names):
            if not _TOKEN.fullmatch(name):
                raise ConfigurationError(f"scheme and parameters must be tokens (RFC 9110 §5.6.2), got {name!r}")
        for name, value in self.parameters:
            if name == "scope" and not all(is_scope_token(part) for part in value.split(" ")):
                raise ConfigurationError(f"scope must be scope tokens (RFC 6749 §3.3), got {value!r}")

    def to_header(self) -> str:
        """Return the challenge as a field's value: printable ASCII, every value a quoted string."""
        written = ", ".join(f'{name}="{_quotable(name, value)}"' for name, value in self.parameters)
        return f"{self.scheme} {written}" if written else self.scheme

    @classmethod
    def from_header(cls, text: str) -> "Challenge":
        """
        Read one challenge as *to_header* writes it.

        Raises:
            InvalidRequest: If *text* is anything else.
        """
        scheme, _, rest = text.partition(" ")
        parameters: list[tuple[str, str]] = []
        at = 0
        while match := _PARAMETER.match(rest, at):
            parameters.append((match[1], _ESCAPED.sub(r"\1", match[2])))
            at = match.end()
        if at < len(rest):
            raise InvalidRequest("not a challenge")
        try:
            return cls(scheme, tuple(parameters))
        except ConfigurationError:
            raise InvalidRequest("not a challenge") from None


def is_scope_token(text: str) -> bool:
    """Return whether *text* is one scope in the grammar of RFC 6749 §3.3."""
    return _SCOPE_TOKEN.fullmatch(text) is not None


def challenges_for(
    error: AuthError, *, realm: str, basic_offered: bool, acr_values: Mapping[Level, str]
) -> tuple[bytes, ...]:
    """
    Return the challenges of an answer, each the value of a field of its own.

    Args:
        error: What is answered.
        realm: The realm of every challenge.
        basic_offered: Whether a password may come in the header of this caller; False for a script in a browser, whose
            user would get a dialogue.
        acr_values: The name of each own level (RFC 9470 §3), for a step-up.
    """
    challenges = [Challenge(BEARER, (("realm", realm), *parameters)) for parameters in _bearer(error, acr_values)]
    if basic_offered and isinstance(error, (MissingCredential, InvalidToken)):
        # "The only allowed value is "UTF-8"" — RFC 7617 §2.1
        challenges.append(Challenge(BASIC, (("realm", realm), ("charset", "UTF-8"))))
    return tuple(challenge.to_header().encode("ascii") for challenge in challenges)


def _bearer(error: AuthError, acr_values: Mapping[Level, str]) -> Sequence[Parameters]:
    match error:
        case MissingCredential() | BadCredentials():
            # "…the resource server SHOULD NOT include an error code or other error information" — RFC 6750 §3.1
            return [()]
        case InvalidToken() | InvalidRequest():
            return [_described(error)]
        case InsufficientRights():
            return [_described(error) + _listed("scope", [scope for scope in error.scopes if is_scope_token(scope)])]
        case StepUpRequired():
            max_age = [] if error.max_age_seconds is None else [str(error.max_age_seconds)]
            acr = _satisfying(error.level, acr_values)
            return [_described(error) + _listed("acr_values", acr) + _listed("max_age", max_age)]
        case _:
            return []


def _satisfying(level: Level | None, acr_values: Mapping[Level, str]) -> list[str]:
    if level not in LEVELS:
        return []
    return [acr_values[enough] for enough in LEVELS[rank(level) :] if enough in acr_values]


def _described(error: AuthError) -> Parameters:
    return (("error", error.error or error.code), ("error_description", error.detail))


def _listed(name: str, words: Sequence[str]) -> Parameters:
    return ((name, " ".join(words)),) if words else ()


def _quotable(name: str, value: str) -> str:
    if name == "error_description":
        return _NOT_DESCRIPTION.sub("?", value)
    return _NEEDS_ESCAPE.sub(r"\\\g<0>", _NOT_PRINTABLE.sub("?", value))
