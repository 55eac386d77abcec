"""``safeconduct doctor``."""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Final

import click

from safeconduct.cli.app_inspection import load_application
from safeconduct.cli.context import Settings, pass_settings, refuse_without_store
from safeconduct.cli.doctor.application import examine_application
from safeconduct.cli.doctor.checks import examine_configuration, examine_files
from safeconduct.cli.doctor.epoch import adopt_epoch
from safeconduct.cli.doctor.finding import Finding, fail, ok
from safeconduct.cli.doctor.store_checks import examine_store, exchange, meta_key
from safeconduct.cli.output import UsageError, as_text, json_option, print_json
from safeconduct.errors import ConfigurationError

_INDENT: Final = " " * 6
_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("app", required=False)
@click.option("--adopt-epoch", is_flag=True, help="Believe a store again that lost its data: see below.")
@json_option
@pass_settings
def doctor(
    settings: Settings,
    app: str | None,
    adopt_epoch: bool,  # noqa: FBT001 - click passes every option by its name
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """
    Look at the configuration and what it names, and at APP ("module:attribute" or "module:factory()").

    Every finding is ok, warn or fail, a sentence, and what to do; status 1 if anything fails.

    --adopt-epoch ends the time after a loss of the store's data in which older tokens are refused: tokens that were
    revoked before the loss, and have not expired, pass again.
    """
    findings = list(_examine(settings, app, adopts=adopt_epoch))
    if as_json:
        print_json([finding.row for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    if any(finding.verdict == "fail" for finding in findings):
        sys.exit(1)


def _examine(settings: Settings, app: str | None, *, adopts: bool) -> Iterator[Finding]:
    try:
        config = settings.config()
    except (ConfigurationError, UsageError) as error:
        yield fail("configuration", str(error), "Correct it; docs/reference/configuration.md lists every field.")
        if adopts:
            raise
    else:
        yield ok("configuration", "it can be read, and its fields agree")
        if adopts:
            refuse_without_store(config, verb="--adopt-epoch")
            keys = [meta_key(config, shard) for shard in range(config.store.shards)]
            yield from adopt_epoch(config, keys, partial(exchange, config))
        yield from examine_configuration(config)
        yield from examine_files(config)
        yield from examine_store(config)
    if app is not None:
        yield from _examine_application(app)


def _examine_application(place: str) -> Iterator[Finding]:
    try:
        application = load_application(place)
    except (ConfigurationError, UsageError) as error:
        yield fail("application", str(error), "Correct it, or name another place.")
        return
    yield from examine_application(application)


def _print(finding: Finding) -> None:
    mark = click.style(finding.verdict.ljust(4), fg=_COLOURS[finding.verdict], bold=finding.verdict != "ok")
    first, *others = [as_text(line.strip()) for line in finding.text.splitlines()]
    click.echo(f"{mark}  {finding.subject}: {first}")
    for line in others:
        click.echo(f"{_INDENT}{line}")
    if finding.remedy:
        click.echo(f"{_INDENT}→ {finding.remedy}")
