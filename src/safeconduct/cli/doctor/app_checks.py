"""Check an application: whether a middleware guards it, whose configuration that has, and what its rules say."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final, cast

from safeconduct._core.access_rules import Policy
from safeconduct._core.path_templates import NAME
from safeconduct._integrations.app_inspection import Application, Guard
from safeconduct._integrations.app_routes import (
    UNCHECKED,
    describe,
    hidden_routes,
    loose_prefixes,
    routes_of,
    unchecked_routes,
)
from safeconduct.auth import Auth, operator_access
from safeconduct.cli.doctor.cors import check_cors
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.config import Config
from safeconduct.errors import AuthError

_INTEGRATIONS = {
    "quart": "Safeconduct(auth).init_app(app) from safeconduct.quart",
    "litestar": "Litestar(plugins=[SafeconductPlugin(auth)]) from safeconduct.litestar",
    "django": '"safeconduct.django.SafeconductMiddleware" as the first of MIDDLEWARE',
    "starlette": "install(app, auth) from safeconduct.starlette",
    "fastapi": "install(app, auth) from safeconduct.fastapi",
    "flask": "Safeconduct(auth).init_app(app) from safeconduct.flask",
}

#: Whether an application answers what ``requires`` raises.
_WRAPPED: Final[dict[str, Callable[[Any], bool]]] = {
    "falcon": lambda app: AuthError in app._error_handlers,  # noqa: SLF001 - it has no public list
    "pyramid": lambda app: "safeconduct.auth" in app.registry,
    "bottle": lambda app: any(getattr(plugin, "name", "") == "safeconduct" for plugin in app.plugins),
}


def auths_of(application: Application) -> list[Auth]:
    """Return each ``Auth`` around *application* once; the outermost comes first."""
    found = [guard.auth for guard in application.guards if isinstance(guard.auth, Auth)]
    return list(dict.fromkeys(found))


def check_origin(config: Config, auths: Sequence[Auth], *, has_file: bool) -> Iterator[Finding]:
    """
    Say where the configuration comes from.

    Args:
        config: The one that is checked.
        auths: Those around the application; the outermost comes first.
        has_file: Whether *config* was read from a file, which the application may not use.
    """
    if not auths or has_file:
        yield ok("configuration", "it can be read, and its fields agree")
    else:
        which = "the" if len(auths) == 1 else f"the outermost of {len(auths)}"
        yield ok("configuration", f"there is no file: it is that of {which} Auth around the application")
    if auths and auths[0].config != config:
        used = auths[0].config
        names = [each.name for each in fields(Config) if getattr(used, each.name) != getattr(config, each.name)]
        yield warn(
            "configuration",
            f"the application uses another one than the file, with another value of {', '.join(names)}; "
            "what follows is about the file, and the rules at the end are the application's",
            "Run the command where the file is not found, or let the application use Config.load().",
        )


def check_application(application: Application) -> Iterator[Finding]:
    """Check what is around *application*."""
    if not application.guards:
        remedy = _INTEGRATIONS.get(application.framework or "", "auth.asgi(app) or auth.wsgi(app)")
        yield fail("application", "no safeconduct middleware is around it: every route is open", remedy)
        return
    yield _installation(application)
    yield from check_cors(application)
    yield from _unchecked(application)
    yield from _empty_parameters(application)
    for guard in application.guards:
        yield from _rules(guard.gate.policy)
        yield from _sign_in(guard)
    for route, text in loose_prefixes(application):
        yield warn("access", f"{route.method} {route.path}: {text}", "End its prefix with a slash.")
    for route in hidden_routes(application):
        yield warn(
            "sign-in",
            f"{route.method} {route.path}: safeconduct answers this path, and the application's route is never called",
            "Rename the route, or set endpoints.prefix.",
        )


def _installation(application: Application) -> Finding:
    framework = application.framework
    if framework in _WRAPPED:
        return _wrapped(application, framework)
    if framework is None:
        return ok("application", "a middleware is around it; its framework is not known here")
    if any(guard.installation == "integrated" for guard in application.guards):
        return ok("application", f"it is guarded by the integration for {application.title}")
    text = f"a middleware is wrapped around a {application.title} application: `requires` inside it is answered 500"
    remedy = f"{_INTEGRATIONS[framework]}, instead of wrapping it."
    if any(route.added is not None for route in routes_of(application)):
        return fail("application", f"{text}, and it uses `requires`", remedy)
    return warn("application", text, remedy)


def _wrapped(application: Application, framework: str) -> Finding:
    """Check one of the frameworks around which the middleware is always wrapped, and which answer by ``install``."""
    name, is_installed = application.title, _WRAPPED[framework](application.app)
    if is_installed:
        return ok("application", f"a middleware is wrapped around it, and {name} answers what `requires` raises")
    text = f"a middleware is wrapped around a {name} application: `requires` inside it is answered 500"
    remedy = f"install(app, auth) from safeconduct.{framework} as well."
    if any(route.added is not None for route in routes_of(application)):
        return fail("application", f"{text}, and it uses `requires`", remedy)
    return warn("application", text, remedy)


def _unchecked(application: Application) -> Iterator[Finding]:
    for route in unchecked_routes(application):
        yield fail(
            "application",
            f"{route.method} {route.path}: {UNCHECKED.format(view=route.unchecked_view)}",
            "Move it: the route decorator is the topmost.",
        )


def _empty_parameters(application: Application) -> Iterator[Finding]:
    if application.framework != "falcon" or _WRAPPED["falcon"](application.app):
        return
    for guard in application.guards:
        for entry in guard.gate.policy.rules:
            if entry.template.segments[-1][0] == NAME:
                yield fail(
                    "access",
                    f"{entry}: Falcon also calls its responder where the last parameter is empty, and no rule matches",
                    "install(app, auth) from safeconduct.falcon as well.",
                )


def _sign_in(guard: Guard) -> Iterator[Finding]:
    login = next((route.path for route in guard.gate.endpoints.routes if route.path.endswith("/login")), None)
    if login is None:
        yield ok(
            "sign-in",
            "no sign-in by password is served; it needs a directory, own keys and the safeconduct-secrets key",
        )
    else:
        yield ok("sign-in", f"POST {login} and the endpoints beside it are served")
    # Applications give an `Auth`; the wider type is for the tests of the middleware.
    auth = cast("Auth", guard.auth)
    if login is None and auth.config.access.links:
        yield warn(
            "access",
            "access.links are shown nowhere: GET …/session is not served",
            "Serve the endpoints, or ask auth.allows in the application's own code.",
        )
    if operator_access(auth).has_static_directory:
        yield warn(
            "directory",
            "it is static: a user who is disabled or loses a role keeps access until their session ends",
            "Give the directory a lookup, or end their sessions: safeconduct sessions end --subject …",
        )


def _rules(policy: Policy) -> Iterator[Finding]:
    for entry in policy.public:
        yield ok("access", f"{entry}: public, unless a more specific rule matches")
    for entry in policy.rules:
        yield ok("access", f"{entry}: {describe(entry.requirement)}")
    for entry, other in policy.rules_for_some_methods():
        yield warn(
            "access",
            f"{entry}: for any other method, such as QUERY, it takes no more than: {describe(other)}",
            "Leave its methods out, or add a rule for the path without methods, unless the application refuses others.",
        )
    yield ok("access", f"everything else: {describe(policy.default)}")
    if policy.passes_preflights:
        yield warn(
            "access",
            "preflights pass without a credential (access.preflights)",
            "Put CORSMiddleware outside of AuthMiddleware, and remove the switch.",
        )
