"""``safeconduct routes``: every route of an application, and what a request for it must bring."""

import click

from safeconduct.cli.applications import load_application
from safeconduct.cli.holding import described, holdings
from safeconduct.cli.outcomes import Refusal, tell, warn
from safeconduct.cli.tables import json_option, print_table


@click.command()
@click.argument("app")
@json_option
def routes(app: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """
    Print each route of APP and what holds for it.

    APP is "module:attribute" or "module:factory()".  The rules of the configuration and `requires` around a view add
    up; what an application checks in its own code is not seen.  For `/users/{id}` that is shown which holds for an id
    that no rule names.  Status 1 if nothing of safeconduct is around APP.
    """
    application = load_application(app)
    print_table([holding.row for holding in holdings(application)], as_json=as_json)
    if any(guard.policy.passes_preflights for guard in application.guards):
        warn('preflights pass without a credential on every path: access.preflights = "pass".')
    for guard in application.guards:
        for entry, other in guard.policy.rules_for_some_methods():
            warn(f"{entry}: for any other method, such as QUERY, it takes no more than: {described(other)}.")
    if application.framework is None:
        tell("Only Starlette, FastAPI and Flask tell their routes; `safeconduct doctor` prints the rules.")
    if not application.guards:
        raise Refusal("Nothing of safeconduct is around this application: every route is open.")
