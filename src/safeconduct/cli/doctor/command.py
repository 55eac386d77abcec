"""``safeconduct doctor``: run every check and print the findings."""

import sys
from collections.abc import Iterator

import click

from safeconduct._integrations.app_inspection import Application
from safeconduct.cli.app_loading import load_application
from safeconduct.cli.context import Settings, pass_settings, require_shared_store
from safeconduct.cli.doctor.app_checks import auths_of, check_application, check_origin
from safeconduct.cli.doctor.checks import check_configuration
from safeconduct.cli.doctor.effect_checks import check_effects, check_log, check_method_override
from safeconduct.cli.doctor.file_checks import check_files
from safeconduct.cli.doctor.finding import Finding, fail, print_finding
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

    Without a configuration file, that of the Auth around APP is checked.
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
    loaded = None if app is None else _load(app)
    auths = auths_of(loaded) if isinstance(loaded, Application) else []
    try:
        config = settings.config() if settings.has_file or not auths else auths[0].config
    except (ConfigurationError, UsageError) as error:
        yield fail("configuration", str(error), "Correct it; docs/reference/configuration.md lists every field.")
        if adopts_epoch:
            raise
    else:
        yield from check_origin(config, auths, has_file=settings.has_file)
        if adopts_epoch:
            require_shared_store(config, command="--adopt-epoch")
            yield from adopt_epoch(config)
        yield from check_configuration(config, next((auth for auth in auths if auth.config == config), None))
        yield from check_effects(config)
        yield from check_files(config)
        yield from check_store(config)
    if isinstance(loaded, Finding):
        yield loaded
    elif loaded is not None:
        yield from check_application(loaded)
        yield from check_method_override(loaded)
        yield from check_log()


def _load(location: str) -> Application | Finding:
    try:
        return load_application(location)
    except (ConfigurationError, UsageError) as error:
        return fail("application", str(error), "Correct it, or name another application.")
