"""Describe the security of Litestar's routes in its OpenAPI schema."""

from collections.abc import Mapping
from copy import copy
from typing import Any, Final, TypedDict

from litestar import Router
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme

from safeconduct._core.requirement import requirements_of
from safeconduct._http.scope import read_scope
from safeconduct._integrations.openapi import SecurityDescription, total_requirement
from safeconduct.auth import Auth

#: The name of the scheme, and of its flow.
_PASSWORD: Final = "password"  # noqa: S105 - a name of OAuth 2.0
_JSON: Final = "/openapi.json"
_TYPES: Final[Mapping[str, type]] = {"string": str, "integer": int}


class OperationDescription:
    """
    Describe the operations of one application while they are registered.

    Args:
        auth: What protects the application.
    """

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._security = SecurityDescription(auth, "")
        self._schemes: dict[str, SecurityScheme] = {}
        self._responses = {int(status): _response(found) for status, found in self._security.responses().items()}

    def config(self, openapi: OpenAPIConfig) -> OpenAPIConfig:
        """Return *openapi* with the security schemes, and with the token URL of each request."""
        own: Any = openapi.components
        # A copy: the default of Litestar is one for all applications of a process.
        described = copy(openapi)
        ours = Components(security_schemes=self._schemes)  # type: ignore[arg-type]  # invariant in its values
        described.components = [*(own if isinstance(own, list) else [own]), ours]
        if openapi.openapi_controller is None:
            plugins = list(openapi.render_plugins)
            if not any(plugin.has_path(_JSON) for plugin in plugins):
                # As Litestar would do for itself.
                plugins.append(JsonRenderPlugin())
            described.render_plugins = [_WithTokenUrl(plugin, self._auth) for plugin in plugins]
            for plugin, below in zip(plugins, described.render_plugins, strict=True):
                if plugin is openapi.default_plugin:
                    described.default_plugin = below
        return described

    def add(self, path: str, operation: Any) -> None:
        """Describe an *operation* at *path*, a template of OpenAPI."""
        checks = [operation.fn, *operation.resolve_guards()]
        added = [requirement for check in checks for requirement in requirements_of(check)]
        rules = [self._security.requirement(method, path) for method in sorted(operation.http_methods)]
        requirement = total_requirement(sum(rules[1:], rules[0]), added)
        if requirement.is_open:
            return
        own = {name: scopes for each in operation.resolve_security() for name, scopes in each.items()}
        operation.resolve_security()[:] = [own | each for each in self._security.security(requirement)]
        raised = {error.status_code for error in operation.raises or ()}
        ours = {status: response for status, response in self._responses.items() if status not in raised}
        operation.responses = ours | dict(operation.responses or {})
        self._schemes.update({name: _security_scheme(scheme) for name, scheme in self._security.schemes().items()})


class _WithTokenUrl(OpenAPIRenderPlugin):
    """Render a schema by another plugin, with the token URL where our endpoints are for the request."""

    def __init__(self, plugin: OpenAPIRenderPlugin, auth: Auth) -> None:
        super().__init__(path=plugin.paths, media_type=plugin.media_type)
        self._auth = auth
        self._plugin: Any = plugin  # some of its types are not complete

    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        """Return the schema as the other plugin renders it."""
        root_path = self._auth.asgi_gate().endpoints_root(read_scope(request.scope))
        rendered: bytes = self._plugin.render(request, _below(root_path, openapi_schema))
        return rendered

    def receive_router(self, router: Router) -> None:
        """Let the other plugin add its routes."""
        self._plugin.receive_router(router)

    def has_path(self, path: str) -> bool:
        """Say whether the other plugin has *path*."""
        has_path: bool = self._plugin.has_path(path)
        return has_path


def _below(root_path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with the token URL below *root_path*; Litestar keeps one for all requests."""
    components: dict[str, Any] = schema.get("components", {})
    schemes: dict[str, Any] = components.get("securitySchemes", {})
    if not root_path or _PASSWORD not in schemes:
        return schema
    flow = schemes[_PASSWORD]["flows"][_PASSWORD]
    moved = flow | {"tokenUrl": root_path.rstrip("/") + flow["tokenUrl"]}
    scheme = schemes[_PASSWORD] | {"flows": {_PASSWORD: moved}}
    return schema | {"components": components | {"securitySchemes": schemes | {_PASSWORD: scheme}}}


def _response(described: Mapping[str, Any]) -> ResponseSpec:
    [(media_type, content)] = described["content"].items()
    fields = {name: _TYPES[each["type"]] for name, each in content["schema"]["properties"].items()}
    # Named so in the document.
    problem = TypedDict("Problem", fields)  # type: ignore[misc]  # its fields are those of the configured style
    return ResponseSpec(problem, generate_examples=False, description=described["description"], media_type=media_type)


def _security_scheme(scheme: dict[str, Any]) -> SecurityScheme:
    flow = scheme.get("flows", {}).get(_PASSWORD)
    flows = flow and OAuthFlows(password=OAuthFlow(token_url=flow["tokenUrl"], scopes=flow["scopes"]))
    return SecurityScheme(
        type=scheme["type"],
        description=scheme.get("description"),
        name=scheme.get("name"),
        security_scheme_in=scheme.get("in"),
        scheme=scheme.get("scheme"),
        bearer_format=scheme.get("bearerFormat"),
        flows=flows,
    )
