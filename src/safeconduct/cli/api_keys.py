"""``safeconduct api-keys``: make, list and revoke the API keys of a user."""

from datetime import UTC, datetime

import click

from safeconduct._core.api_keys.verbs import DEFAULT_LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS, ApiKey
from safeconduct.cli.context import Settings, open_auth, pass_settings, require_shared_store
from safeconduct.cli.output import Row, UsageError, json_option, print_note, print_record, print_table, warn
from safeconduct.config import Config

_DAY_SECONDS = 86_400


@click.group("api-keys")
def api_keys() -> None:
    """
    Make, list or revoke the API keys of a user.

    Needs a store that other processes see.
    """


@api_keys.command()
@click.argument("subject")
@click.option("--name", required=True, help="What to call the key in a list.")
@click.option("--scope", "scopes", multiple=True, help="A scope; may be repeated.")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_LIFETIME_SECONDS // _DAY_SECONDS),
    default=DEFAULT_LIFETIME_SECONDS // _DAY_SECONDS,
    show_default=True,
    help="How many days it lives.",
)
@json_option
@pass_settings
def new(
    settings: Settings,
    subject: str,
    name: str,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    days: int,
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """
    Make a key for SUBJECT and print it, once.

    With login.users, SUBJECT must be in that file and have the scopes and roles.
    """
    config = _config(settings)
    with open_auth(config, knows_users=True) as auth:
        try:
            key = auth.api_keys.create(
                subject, name=name, scopes=scopes, roles=roles, expires_in_seconds=days * _DAY_SECONDS
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
    print_note("This is the only time that the key is shown: the store has a digest of it.")
    print_record({"key": key.key, **_row(key)}, as_json=as_json)


@api_keys.command("list")
@click.argument("subject")
@json_option
@pass_settings
def list_keys(settings: Settings, subject: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """List the keys of SUBJECT, the newest first."""
    with open_auth(_config(settings)) as auth:
        found = auth.api_keys.list(subject)
    if not found:
        print_note("There is no API key.")
    print_table([_row(each) for each in found], as_json=as_json)


@api_keys.command()
@click.argument("subject")
@click.argument("key_id")
@json_option
@pass_settings
def revoke(settings: Settings, subject: str, key_id: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Revoke the key KEY_ID of SUBJECT; the next request in every process refuses it."""
    with open_auth(_config(settings)) as auth:
        auth.api_keys.revoke(subject, key_id)
    print_record({"revoked": key_id}, as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    require_shared_store(config, command="api-keys")
    if "api_key" not in config.sources:
        warn('"api_key" is not among the sources: no request with an API key is accepted.')
    return config


def _row(key: ApiKey) -> Row:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "roles": sorted(key.roles),
        "created": _timestamp(key.created_at),
        "expires": _timestamp(key.expires_at),
        "last_used": None if key.last_used_at is None else _timestamp(key.last_used_at),
    }


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
