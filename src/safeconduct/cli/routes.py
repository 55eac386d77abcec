"""``safeconduct routes``: print each route of an application and what a request for it must bring."""

import click

from safeconduct.cli.app_inspection import Application, load_application
from safeconduct.cli.app_routes import access_by_route, describe
from safeconduct.cli.output import CommandFailed, json_option, print_note, print_table, warn


@click.command()
@click.argument("app")
@json_option
def routes(app: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """
    Print each route of APP and what a request for it must bring.

    APP is "module:attribute" or "module:factory()".  The rules of the configuration and `requires` around a view add
    up; checks inside a view are not seen.  The line for `/users/{id}` shows what holds for an id that no rule names.
    The status is 1 if no safeconduct middleware is around APP.
    """
    application = load_application(app)
    print_table([access.row for access in access_by_route(application)], as_json=as_json)
    _warn_of_open_methods(application)
    if application.framework is None:
        print_note("Routes can be read from Starlette, FastAPI and Flask only; `safeconduct doctor` prints the rules.")
    if not application.guards:
        raise CommandFailed("No safeconduct middleware is around this application: every route is open.")


def _warn_of_open_methods(application: Application) -> None:
    policies = [guard.gate.policy for guard in application.guards]
    if any(policy.passes_preflights for policy in policies):
        warn('preflights pass without a credential on every path: access.preflights = "pass".')
    for policy in policies:
        for entry, other in policy.rules_for_some_methods():
            warn(f"{entry}: for any other method, such as QUERY, it takes no more than: {describe(other)}.")
