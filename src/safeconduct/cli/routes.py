"""``safeconduct routes``: print each route of an application and what a request for it must bring."""

from dataclasses import dataclass
from typing import Literal

import click

from safeconduct._core.requirement import OPEN, Requirement
from safeconduct._integrations.app_inspection import Application
from safeconduct._integrations.app_routes import (
    UNCHECKED,
    describe,
    hidden_routes,
    is_named_as_public,
    loose_prefixes,
    routes_of,
    total_requirement,
    unchecked_routes,
)
from safeconduct._integrations.route import Route
from safeconduct.cli.app_loading import load_application
from safeconduct.cli.output import CommandFailed, json_option, print_note, print_table, warn

_FRAMEWORKS = "Starlette, FastAPI, Litestar, Flask, Quart, Django, Falcon, Pyramid and Bottle"


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """A route and what a request for it must bring."""

    route: Route
    requirement: Requirement

    @property
    def access(self) -> Literal["public", "authenticated", "unknown"]:
        """Whether anonymous callers are let in; unknown where only a check that cannot be read could refuse them."""
        if not self.requirement.is_open:
            return "authenticated"
        return "unknown" if self.route.has_unread_check else "public"

    @property
    def row(self) -> dict[str, object]:
        """The line of a table."""
        requirement = self.requirement
        return {
            "method": self.route.method,
            "path": self.route.path,
            "access": self.access,
            "scopes": sorted(requirement.scopes),
            "roles": [" or ".join(sorted(roles)) for roles in requirement.role_sets],
            "level": requirement.level,
            "max_age_seconds": requirement.max_age_seconds,
            "schemes": None if requirement.schemes is None else sorted(requirement.schemes) or ["none"],
        }


@click.command()
@click.argument("app")
@click.option("--forbid-public", is_flag=True, help="Fail if a route is open that no entry of access.public names.")
@json_option
def routes(app: str, forbid_public: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes them by their names
    """
    Print each route of APP and what a request for it must bring.

    APP is "module:attribute" or "module:factory()".  The rules of the configuration and `requires` around a view add
    up; checks inside a view are not seen.  The line for `/users/{id}` shows what holds for an id that no rule names.
    The status is 1 if no safeconduct middleware is around APP, and with --forbid-public if a route is open that no
    entry of access.public names, or if the routes cannot be read.
    """
    application = load_application(app)
    print_table([access.row for access in access_by_route(application)], as_json=as_json)
    _warn_of_open_methods(application)
    for route in hidden_routes(application):
        warn(
            f"{route.method} {route.path}: safeconduct answers this path, and the application's route is never called."
        )
    for route, text in loose_prefixes(application):
        warn(f"{route.method} {route.path}: {text}.")
    if application.framework is None:
        print_note(f"Routes can be read from {_FRAMEWORKS} only; `safeconduct doctor` prints the rules.")
    for route in unchecked_routes(application):
        warn(f"{route.method} {route.path}: {UNCHECKED.format(view=route.unchecked_view)}.")
    for each in _own_routes(application):
        if each.access == "unknown":
            warn(
                f"{each.route.method} {each.route.path}: whether anonymous callers pass the check before it is unknown."
            )
    if not application.guards:
        raise CommandFailed("No safeconduct middleware is around this application: every route is open.")
    if forbid_public:
        _forbid_public(application)


def _forbid_public(application: Application) -> None:
    if application.framework is None:
        raise CommandFailed("The routes of this application cannot be read, so that it is not known which are open.")
    policies = [guard.gate.policy for guard in application.guards]
    unnamed = [each for each in _own_routes(application) if not is_named_as_public(policies, each.route)]
    found = [f"{each.route.method} {each.route.path}" for each in unnamed if each.access == "public"]
    unknown = [f"{each.route.method} {each.route.path}" for each in unnamed if each.access == "unknown"]
    unchecked = [f"{route.method} {route.path}" for route in unchecked_routes(application)]
    if found:
        raise CommandFailed(f"Open, and named by no entry of access.public: {', '.join(found)}.")
    if unknown:
        raise CommandFailed(f"Perhaps open, and named by no entry of access.public: {', '.join(unknown)}.")
    if unchecked:
        raise CommandFailed(f"`requires` is never checked: {', '.join(unchecked)}.")


def access_by_route(application: Application) -> list[RouteAccess]:
    """Return what each route of *application* requires; without a guard, every route is open."""
    # The outermost guard answers our own endpoints.
    endpoints = [each for guard in application.guards[:1] for each in guard.gate.endpoints.routes]
    ours = (RouteAccess(Route(each.method, each.path, each.path), OPEN) for each in endpoints)
    return [*_own_routes(application), *ours]


def _own_routes(application: Application) -> list[RouteAccess]:
    policies = [guard.gate.policy for guard in application.guards]
    return [RouteAccess(route, total_requirement(policies, route)) for route in routes_of(application)]


def _warn_of_open_methods(application: Application) -> None:
    policies = [guard.gate.policy for guard in application.guards]
    if any(policy.passes_preflights for policy in policies):
        warn('preflights pass without a credential on every path: access.preflights = "pass".')
    for policy in policies:
        for entry, other in policy.rules_for_some_methods():
            warn(f"{entry}: for any other method, such as QUERY, it takes no more than: {describe(other)}.")
