"""``safeconduct clients``: draw the secret of a service, and write its entry for the configuration."""

import json
import re
import secrets
from hashlib import sha256
from typing import Any, Final

import click

from safeconduct._wiring.clients import reserved_names
from safeconduct.cli.context import Settings, pass_settings
from safeconduct.cli.output import UsageError, json_option, print_json, print_note
from safeconduct.config import Client, Config

_SECRET_BYTES: Final = 32
_GRANTS: Final = ("client_credentials", "self_signed", "token_exchange", "introspection")


@click.group()
def clients() -> None:
    """Make the entry of a service that has a secret."""


@clients.command()
@click.argument("client_id", metavar="ID")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    type=click.Choice(_GRANTS),
    help="What the service may do; may be repeated.  [default: client_credentials]",
)
@click.option("--scope", "scopes", multiple=True, help="A scope that its tokens may have; may be repeated.")
@click.option("--role", "roles", multiple=True, help="A role of its tokens; may be repeated.")
@click.option("--audience", "audiences", multiple=True, help="For whom it may ask for tokens; may be repeated.")
@json_option
@pass_settings
def new(
    settings: Settings,
    client_id: str,
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    audiences: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """
    Print the entry of the service ID for the configuration, and on standard error its secret, once.

    The entry has a digest of the secret, so that it is no secret itself.  With the grant self_signed the application
    needs the secret, in the environment variable that the entry names.
    """
    _require_free(settings.config_if_any(), client_id)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    grants = grants or _GRANTS[:1]
    variable = _variable_of(client_id) if "self_signed" in grants else None
    known = f"env:{variable}" if variable else f"sha256:{sha256(secret.encode()).hexdigest()}"
    lists = {"scopes": scopes, "roles": roles, "audiences": audiences, "grants": grants}
    entry: dict[str, Any] = {"client_id": client_id, "secret": known}
    entry |= {name: list(values) for name, values in lists.items() if values}
    # It raises where the configuration would.
    Client(**entry)
    if as_json:
        print_json({"secret": secret, "client": entry})
        return
    click.echo("[[safeconduct.clients]]")
    for name, value in entry.items():
        click.echo(f"{name} = {_toml(value)}")
    print_note(f"The secret of {client_id}, which is shown only now:\n{secret}")
    if variable:
        print_note(f"The application needs it too, to verify what the service signs: set {variable} to it.")


def _require_free(config: Config | None, client_id: str) -> None:
    if config is None:
        return
    if client_id in {*reserved_names(config), *(client.client_id for client in config.clients)}:
        raise UsageError(f"{client_id} is the name of an issuer, an audience or another client.")


def _variable_of(client_id: str) -> str:
    name = re.sub(r"[^A-Z0-9]+", "_", client_id.upper()).strip("_")
    return f"{name}_SECRET" if name[:1].isalpha() else f"CLIENT_{name}_SECRET"


def _toml(value: str | list[str]) -> str:
    # A string and a list of strings are written as in JSON; only DEL must be escaped as well (TOML 1.0.0).
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
