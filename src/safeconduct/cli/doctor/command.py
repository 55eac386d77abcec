"""``safeconduct doctor``: run every check and print the findings."""

import sys
from collections.abc import Iterator

import click

from safeconduct.cli.app_loading import load_application
from safeconduct.cli.context import Settings, pass_settings, require_shared_store
from safeconduct.cli.doctor.app_checks import check_application
from safeconduct.cli.doctor.checks import check_configuration, check_files
from safeconduct.cli.doctor.effect_checks import check_effects, check_log, check_method_override
from safeconduct.cli.doctor.finding import Finding, fail, ok, print_finding
from safeconduct.cli.doctor.store_checks import adopt_epoch, check_store
from safeconduct.cli.output import UsageError, json_option, print_json
from safeconduct.errors import ConfigurationError


@click.command()
@click.argument("app", required=False)
@click.option("--adopt-epoch", is_flag=True, help="Trust a store again that lost its data: see above.")
@json_option
@pass_settings
def doctor(
    settings: Settings,
    app: str | None,
    adopt_epoch: bool,  # noqa: FBT001 - click passes every option by its name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """
    Check the configuration and what it names, and APP ("module:attribute" or "module:factory()").

    Every finding is ok, warn or fail, a sentence, and what to do; the status is 1 if anything fails.

    After a store has lost its data, older tokens are refused.  --adopt-epoch ends that at once: tokens that were
    revoked before the loss and have not expired are accepted again.
    """
    findings = list(_run_checks(settings, app, adopts_epoch=adopt_epoch))
    if as_json:
        print_json([finding.row for finding in findings])
    else:
        for finding in findings:
            print_finding(finding)
    if any(finding.verdict == "fail" for finding in findings):
        sys.exit(1)


def _run_checks(settings: Settings, app: str | None, *, adopts_epoch: bool) -> Iterator[Finding]:
    try:
        config = settings.config()
    except (ConfigurationError, UsageError) as error:
        yield fail("configuration", str(error), "Correct it; docs/reference/configuration.md lists every field.")
        if adopts_epoch:
            raise
    else:
        yield ok("configuration", "it can be read, and its fields agree")
        if adopts_epoch:
            require_shared_store(config, command="--adopt-epoch")
            yield from adopt_epoch(config)
        yield from check_configuration(config)
        yield from check_effects(config)
        yield from check_files(config)
        yield from check_store(config)
    if app is not None:
        yield from _check_application(app)


def _check_application(location: str) -> Iterator[Finding]:
    try:
        application = load_application(location)
    except (ConfigurationError, UsageError) as error:
        yield fail("application", str(error), "Correct it, or name another application.")
        return
    yield from check_application(application)
    yield from check_method_override(application)
    yield from check_log()
