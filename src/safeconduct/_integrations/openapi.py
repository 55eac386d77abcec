"""Describe in the terms of OpenAPI how an application is protected, for the frameworks that describe their routes."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal

from safeconduct._core.access_rules import ANY_SEGMENT
from safeconduct._core.endpoints.routes import PROBLEMS
from safeconduct._core.requirement import OPEN, Requirement
from safeconduct._http.problems import MEDIA_TYPES
from safeconduct.auth import Auth
from safeconduct.config import Config

Schema = dict[str, Any]

_PARAMETER: Final = re.compile(r"\{[^/{}]*\}")
#: The security schemes by the kinds of credentials that a rule may ask for with `schemes`.
_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "cookie": ("cookie",),
    "bearer": ("password", "bearer"),
    "client": ("bearer",),
    "api_key": ("api_key",),
    "basic": ("basic",),
}


class SecurityDescription:
    """
    Describe the security of one application.

    Args:
        auth: Whose sources and access rules are described.
        root_path: The prefix of the application's paths.
        world: Whether the application is an ASGI or a WSGI application.
    """

    def __init__(self, auth: Auth, root_path: str, world: Literal["asgi", "wsgi"] = "asgi") -> None:
        self._config = auth.config
        self._gate = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()
        self._root_path = root_path.rstrip("/")
        self._scopes: set[str] = set()
        #: Whether any operation has security.
        self.is_used = False

    def requirement(self, method: str, path: str) -> Requirement:
        """Return what the access rules ask of an operation; *path* is a template of OpenAPI."""
        return self._gate.policy.requirement(method.upper(), _PARAMETER.sub(ANY_SEGMENT, path))

    def security(self, requirement: Requirement, *, is_optional: bool = False) -> list[Schema]:
        """Return the ``security`` of an operation: any one of the credentials that are accepted."""
        self.is_used = True
        names = list(self.schemes())
        if requirement.schemes is not None:
            accepted = {name for kind in requirement.schemes for name in _BY_KIND[kind]}
            names = [name for name in names if name in accepted]
        scopes = sorted(requirement.scopes)
        self._scopes.update(scopes)
        return [*([{}] if is_optional else []), *({name: scopes} for name in names)]

    def schemes(self) -> Schema:
        """Return the security schemes of the sources in use, with every scope that an operation was found to ask."""
        login = f"{self._config.endpoints.prefix}/login"
        found = security_schemes(self._config)
        if "bearer" not in found or self._signs_in_by_cookie or not self._gate.endpoints.owns("POST", login):
            return found
        flow = {"tokenUrl": self._root_path + login, "scopes": dict.fromkeys(sorted(self._scopes), "")}
        return {"password": {"type": "oauth2", "flows": {"password": flow}}, **found}

    def responses(self) -> Schema:
        """Return the responses of an operation that is not public."""
        return _responses(self._config)

    @property
    def _signs_in_by_cookie(self) -> bool:
        """Whether a page's sign-in is answered by cookies, so that its script gets no token."""
        return "cookie" in self._config.sources and self._config.cookies.mode == "require"


def total_requirement(rules: Requirement, more: Iterable[Requirement]) -> Requirement:
    """Return what the access *rules* and everything inside the application ask together."""
    return sum(more, OPEN if rules.is_open else rules)


def security_schemes(config: Config) -> Schema:
    """Return the security schemes of the sources in use; OpenAPI has none for those of WebSocket handshakes."""
    sources, found = config.sources, dict[str, Any]()
    if "bearer" in sources:
        format_ = "opaque" if config.tokens.format == "opaque" else "JWT"
        found["bearer"] = {"type": "http", "scheme": "bearer", "bearerFormat": format_}
    if "api_key" in sources:
        found["api_key"] = {"type": "http", "scheme": "bearer", "bearerFormat": "API key"}
    if "cookie" in sources:
        found["cookie"] = {
            "type": "apiKey",
            "in": "cookie",
            "name": config.cookies.access,
            "description": "Methods other than GET, HEAD and OPTIONS need the header X-CSRF-Token too.",
        }
    if "basic" in sources:
        found["basic"] = {"type": "http", "scheme": "basic"}
    return found


def add_refusals(schema: Schema, config: Config, names: Collection[str]) -> None:
    """
    Add the responses of a refusal to each operation of *schema* that has none of its own for the status.

    Args:
        schema: A document that lists the security of each operation already; it is changed.
        config: Names the format of error responses, ``problem_style``.
        names: Our security schemes.  An operation that may be called without any of them is left out.
    """
    items: list[Schema] = list(schema.get("paths", {}).values())
    # An item may have more than operations, such as common parameters.
    for operation in (each for item in items for each in item.values() if "responses" in each):
        accepted: list[Schema] = operation.get("security") or []
        if all(accepted) and any(name in names for each in accepted for name in each):
            responses: dict[Any, Any] = operation["responses"]
            # Ninja has numbers for them.
            own = {str(status) for status in responses}
            responses.update({status: each for status, each in _responses(config).items() if status not in own})


def _responses(config: Config) -> Schema:
    described = {
        "401": "The request has no valid credential, or needs a more recent or a stronger sign-in.",
        "403": "The credential does not permit this request.",
    }
    content = {MEDIA_TYPES[config.problem_style]: {"schema": PROBLEMS[config.problem_style]}}
    return {status: {"description": text, "content": content} for status, text in described.items()}
