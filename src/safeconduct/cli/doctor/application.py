"""An application: whether it is guarded, by which kind of middleware, and what its rules come to."""

from collections.abc import Iterator

from safeconduct._core.access_rules import Policy
from safeconduct.cli.app_inspection import Application, Guard
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.cli.routes import described, routes_of

_FACES = {
    "starlette": "app.add_middleware(AuthMiddleware, auth=auth) from safeconduct.asgi, instead of the line around it.",
    "flask": "Safeconduct(auth).init_app(app) from safeconduct.flask, instead of the line around wsgi_app.",
}


def examine_application(application: Application) -> Iterator[Finding]:
    """Look at what stands around *application*."""
    if not application.guards:
        remedy = _FACES.get(application.framework or "", "auth.asgi(app) or auth.wsgi(app)").partition(", instead")[0]
        yield fail("application", "nothing of safeconduct is around it: every route is open", remedy)
        return
    yield _manner(application)
    if application.cors == "outside":
        yield ok("application", "CORS stands outside: a page can read a refusal too")
    elif application.cors == "inside":
        passes = all(guard.policy.passes_preflights for guard in application.guards)
        refused = "" if passes else "preflights are refused before it, "
        yield warn(
            "application",
            f"CORS stands inside: {refused}a refusal has no CORS fields, and a page of another origin sees a network "
            "error",
            "Add CORSMiddleware after AuthMiddleware: the last one added is the outermost.",
        )
    for guard in application.guards:
        yield from _rules(guard.policy)
        yield from _logins(guard)


def _manner(application: Application) -> Finding:
    manners = {guard.manner for guard in application.guards}
    framework = application.framework
    if framework is None:
        return ok("application", "the line is around it; its framework is not known here")
    if "face" in manners:
        return ok("application", f"it is guarded by the face for {framework.capitalize()}")
    text = f"the bare line is around a {framework.capitalize()} application: `requires` inside it is answered 500"
    if any(route.added is not None for route in routes_of(application)):
        return fail("application", f"{text}, and it has `requires`", _FACES[framework])
    return warn("application", text, _FACES[framework])


def _logins(guard: Guard) -> Iterator[Finding]:
    login = next((row.path for row in guard.gate.endpoints.routes if row.path.endswith("/login")), None)
    if login is None:
        yield ok("sign-in", "no endpoints for it: that takes a directory, own keys and the safeconduct-secrets key")
    else:
        yield ok("sign-in", f"POST {login} and what belongs to it are served")
    if guard.has_static_directory:
        yield warn(
            "directory",
            "it is static: who is disabled or loses a role there keeps both until his session ends",
            "Give the directory a lookup, or end his sessions: safeconduct sessions end --subject …",
        )


def _rules(policy: Policy) -> Iterator[Finding]:
    for entry in policy.public:
        yield ok("access", f"{entry}: public, unless a more specific rule matches")
    for entry in policy.rules:
        yield ok("access", f"{entry}: {described(entry.requirement)}")
    for entry, other in policy.rules_for_some_methods():
        yield warn(
            "access",
            f"{entry}: for any other method, such as QUERY, it takes no more than: {described(other)}",
            "Leave its methods out, or add a rule for the path without methods, unless the application refuses others.",
        )
    yield ok("access", f"everything else: {described(policy.default)}")
    if policy.passes_preflights:
        yield warn(
            "access",
            "preflights pass without a credential (access.preflights)",
            "Put the CORS middleware outside of safeconduct, and remove the switch.",
        )
