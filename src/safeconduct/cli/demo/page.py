"""The page at ``/``: one file, with what keeps any script but its own from running in it."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

import click

from safeconduct.cli.demo.workspace import Workspace

_PLACE: Final = "__NONCE__"
_NONCE_BYTES: Final = 18

# What is not named is closed: frames, workers, plugins, fonts, sockets to elsewhere (CSP 3 §6).
# Without its script the page must not send a password in a URL: hence no form-action.
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A response: its text, and the fields that go with it."""

    text: str = field(repr=False)
    fields: dict[str, str]


def new_page() -> Page:
    """Return the page for one response, whose nonce no other response has (CSP 3 §7.1)."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    text = files("safeconduct.cli.demo").joinpath("page.html").read_text("utf-8")
    fields = {
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(text.replace(_PLACE, nonce), fields)


STEP_UP_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Try:
    """One line to try."""

    arguments: str
    path: str
    expected: str


TRIES: Final = (
    Try("", "/public", "200  anybody"),
    Try("", "/me", "401  with a challenge"),
    Try('-H "Authorization: Bearer $ALICE"', "/me", "200  alice"),
    Try('-H "Authorization: Bearer $ALICE"', "/admin", "403  alice is no admin"),
    Try('-H "Authorization: Bearer $ROOT"', "/admin", "200  root is"),
    Try('-H "Authorization: Bearer $ALICE"', "/danger", "200  for five minutes after the sign-in, then 401"),
    Try('-u "alice:$ALICE_PASSWORD"', "/me", "200  by password"),
    Try('-u "alice:$ALICE_PASSWORD"', "/danger", "401  a password that curl repeats is no fresh sign-in"),
)


def curl_lines(url: str) -> Iterator[str]:
    """Yield the lines, with what is to be expected in a comment."""
    commands = [" ".join(filter(None, ["curl -i", each.arguments, url + each.path])) for each in TRIES]
    width = max(map(len, commands))
    for command, each in zip(commands, TRIES, strict=True):
        yield f"{command.ljust(width)}  # {each.expected}"


def print_instructions(house: Workspace, tokens: Mapping[str, str], *, framework: str) -> None:
    """Print all of it, to be copied into a shell."""
    click.secho(f"safeconduct demo: {framework.capitalize()} at {house.url}", bold=True)
    click.echo(f"\nIn a browser: {house.url}/\n")
    for name, password in house.passwords.items():
        click.echo(f"  {name:<5}  {password}")
    click.echo("\nIn another terminal:\n")
    for name, token in tokens.items():
        click.echo(f"  {name.upper()}={token}")
    for name, password in house.passwords.items():
        click.echo(f"  {name.upper()}_PASSWORD={password}")
    click.echo()
    for line in curl_lines(house.url):
        command, _, comment = line.partition("  # ")
        click.echo(f"  {command}  " + click.style(f"# {comment}", fg="green"))
    if framework == "starlette":
        socket = house.url.replace("http://", "ws://", 1) + "/ws"
        click.echo(f"\n  A WebSocket that echoes, with the same Authorization field: {socket}")
    click.secho(f"\n  Its configuration, for the other commands: --config {house.config_path}", dim=True)
    click.secho("  Passwords go over plain http here, since they do not leave this machine.", dim=True)
    click.secho("  Ctrl+C ends it, and removes what it made.", dim=True)
