"""``safeconduct demo``: serve the demo, and print what to try."""

import importlib.util
import json
import signal
import socket
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final, Literal, NoReturn

import click

from safeconduct.auth import Auth
from safeconduct.cli.context import open_auth, open_serving_auth
from safeconduct.cli.demo.workspace import Workspace, create_workspace, issue_tokens
from safeconduct.cli.output import UsageError

_REQUIRED: Final = ("argon2", "flask", "starlette", "uvicorn", "waitress", "websockets")
_HOST: Final = "127.0.0.1"

FrameworkName = Literal["starlette", "flask"]


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--framework", type=click.Choice(["starlette", "flask"]), default="starlette", show_default=True)
@click.option("--store", default="memory://", show_default=True, help="redis://… to try revocation from outside.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep keys, users and safeconduct.toml in this folder.  [default: a temporary one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print url, tokens and passwords in one line once it serves.")
def demo(
    port: int,
    framework: FrameworkName,
    store: str,
    keep: Path | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """
    Serve an application with two users, on this machine alone, and print what to try.

    / is a page to sign in on.  /public is open; /me needs a user, /admin the role admin, /danger a sign-in within five
    minutes; /ws is a WebSocket that echoes (Starlette).  alice has the role user, root has admin.
    """
    missing = [name for name in _REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f'The demo needs {", ".join(missing)}: pip install "safeconduct[demo]"')
    with _until_signal(), _listening(port) as listener, _folder(keep) as folder:
        workspace = create_workspace(folder, url=f"http://{_HOST}:{listener.getsockname()[1]}", store=store)
        config = workspace.config()
        with open_auth(config) as auth:
            tokens = issue_tokens(auth)

        def announce() -> None:
            if as_json:
                click.echo(json.dumps({"url": workspace.url, "tokens": tokens, "passwords": workspace.passwords}))
            else:
                print_instructions(workspace, tokens, framework=framework)

        with open_serving_auth(config) as auth:
            _serve(auth, listener, framework, announce)


def _serve(auth: Auth, listener: socket.socket, framework: FrameworkName, announce: Callable[[], None]) -> None:
    # The frameworks and servers are extras, and only the chosen ones are loaded.
    if framework == "starlette":
        from safeconduct.cli.demo.starlette_app import serve  # noqa: PLC0415 - see above
    else:
        from safeconduct.cli.demo.flask_app import serve  # noqa: PLC0415 - see above
    serve(auth, listener, announce)


@contextmanager
def _listening(port: int) -> Generator[socket.socket]:
    with socket.socket() as listener:
        # As servers do, so that the port of a demo that has just ended can be used again.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise UsageError(f"Port {port} cannot be used: {error.strerror}; try --port 0.") from None
        yield listener


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    with nullcontext(str(keep)) if keep is not None else TemporaryDirectory(prefix="safeconduct-") as name:
        yield Path(name)


@contextmanager
def _until_signal() -> Generator[None]:
    """Let SIGTERM end the block as Ctrl+C does, so that everything is removed."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # One of the two servers raises it again.
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Example:
    """One request to try with curl."""

    arguments: str
    path: str
    expected: str


_EXAMPLES: Final = (
    Example("", "/public", "200  for everybody"),
    Example("", "/me", "401  with a challenge"),
    Example('-H "Authorization: Bearer $ALICE"', "/me", "200  alice"),
    Example('-H "Authorization: Bearer $ALICE"', "/admin", "403  alice is no admin"),
    Example('-H "Authorization: Bearer $ROOT"', "/admin", "200  root is one"),
    Example('-H "Authorization: Bearer $ALICE"', "/danger", "200  for five minutes after the sign-in, then 401"),
    Example('-u "alice:$ALICE_PASSWORD"', "/me", "200  by password"),
    Example('-u "alice:$ALICE_PASSWORD"', "/danger", "401  a password that curl repeats is not a fresh sign-in"),
)


def print_instructions(workspace: Workspace, tokens: Mapping[str, str], *, framework: FrameworkName) -> None:
    """Print the URL, the users and the requests to try, so that they can be copied into a shell."""
    click.secho(f"safeconduct demo: {framework.capitalize()} at {workspace.url}", bold=True)
    click.echo(f"\nIn a browser: {workspace.url}/\n")
    for name, password in workspace.passwords.items():
        click.echo(f"  {name:<5}  {password}")
    click.echo("\nIn another terminal:\n")
    for name, token in tokens.items():
        click.echo(f"  {name.upper()}={token}")
    for name, password in workspace.passwords.items():
        click.echo(f"  {name.upper()}_PASSWORD={password}")
    click.echo()
    for command, expected in _curl_commands(workspace.url):
        click.echo(f"  {command}  " + click.style(f"# {expected}", fg="green"))
    if framework == "starlette":
        url = workspace.url.replace("http://", "ws://", 1) + "/ws"
        click.echo(f"\n  A WebSocket that echoes, with the same Authorization field: {url}")
    click.secho(f"\n  The configuration, for the other commands: --config {workspace.config_path}", dim=True)
    click.secho("  Passwords travel over plain http here; they do not leave this machine.", dim=True)
    click.secho("  Ctrl+C stops the demo and removes its files.", dim=True)


def _curl_commands(url: str) -> Iterator[tuple[str, str]]:
    commands = [" ".join(filter(None, ["curl -i", each.arguments, url + each.path])) for each in _EXAMPLES]
    width = max(map(len, commands))
    for command, each in zip(commands, _EXAMPLES, strict=True):
        yield command.ljust(width), each.expected
