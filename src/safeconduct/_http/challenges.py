"""
Write ``WWW-Authenticate`` challenges, and choose those that an error gets.

RFC 9110 §11.6.1, RFC 6750 §3, RFC 9470 §3.

==========================  =======================================================================
error                       challenges, each in a field of its own
==========================  =======================================================================
``MissingCredential``       bare ``Bearer``, and ``Basic`` where it is offered
``BadCredentials``          the same: a password was wrong, not a token
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

ChallengeParameters = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) — RFC 6749 §3.3
_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")
_NOT_PRINTABLE = re.compile(r"[^ -~]")
# error_description "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E" — RFC 6750 §3
_NOT_DESCRIPTION = re.compile(r"[^ !#-\[\]-~]")
_NEEDS_ESCAPE = re.compile(r'["\\]')

BASIC: Final = "Basic"
BEARER: Final = "Bearer"


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    One challenge: a scheme and its parameters, in order.

    Args:
        scheme: The name of the scheme, as it is written.
        parameters: Names and values; a value may be any text, and characters that a header cannot hold are replaced.

    Raises:
        ConfigurationError: If a name breaks its grammar or comes twice, or if ``scope`` is not a list of scope tokens.
    """

    scheme: str
    parameters: ChallengeParameters = ()

    def __post_init__(self) -> None:
        """Refuse parameters that readers could understand differently."""
        names = [name.lower() for name, _ in self.parameters]
        if len(names) > len(set(names)):
            raise ConfigurationError(f"the names of parameters must differ, got {names}")
        for name in (self.scheme, *names):
            if not _TOKEN.fullmatch(name):
                raise ConfigurationError(f"scheme and parameters must be tokens (RFC 9110 §5.6.2), got {name!r}")
        for name, value in self.parameters:
            if name == "scope" and not all(is_scope_token(part) for part in value.split(" ")):
                raise ConfigurationError(f"scope must be scope tokens (RFC 6749 §3.3), got {value!r}")

    def to_header(self) -> str:
        """Write the value of the field: printable ASCII, every value a quoted string."""
        written = ", ".join(f'{name}="{_quotable(name, value)}"' for name, value in self.parameters)
        return f"{self.scheme} {written}" if written else self.scheme


def is_scope_token(text: str) -> bool:
    """Return whether *text* is one scope in the grammar of RFC 6749 §3.3."""
    return _SCOPE_TOKEN.fullmatch(text) is not None


def challenges_for(
    error: AuthError, *, realm: str, basic_offered: bool, acr_values: Mapping[Level, str]
) -> tuple[bytes, ...]:
    """
    Return the challenges of an error response, each the value of a field of its own.

    Args:
        error: The error that is answered.
        realm: The realm of every challenge.
        basic_offered: Whether this client may send a password in the header; False for a script in a browser, which
            would open a dialogue for the user.
        acr_values: The name of each of our levels (RFC 9470 §3), for a step-up.
    """
    challenges = [Challenge(BEARER, (("realm", realm), *parameters)) for parameters in _bearer(error, acr_values)]
    if basic_offered and isinstance(error, (MissingCredential, InvalidToken)):
        # "The only allowed value is "UTF-8"" — RFC 7617 §2.1
        challenges.append(Challenge(BASIC, (("realm", realm), ("charset", "UTF-8"))))
    return tuple(challenge.to_header().encode("ascii") for challenge in challenges)


def _bearer(error: AuthError, acr_values: Mapping[Level, str]) -> Sequence[ChallengeParameters]:
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


def _described(error: AuthError) -> ChallengeParameters:
    return (("error", error.error or error.code), ("error_description", error.detail))


def _listed(name: str, words: Sequence[str]) -> ChallengeParameters:
    return ((name, " ".join(words)),) if words else ()


def _quotable(name: str, value: str) -> str:
    if name == "error_description":
        return _NOT_DESCRIPTION.sub("?", value)
    return _NEEDS_ESCAPE.sub(r"\\\g<0>", _NOT_PRINTABLE.sub("?", value))
