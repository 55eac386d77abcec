"""``safeconduct demo``."""

import importlib.util
import json
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final, Literal, NoReturn

import click

from safeconduct.auth import Auth
from safeconduct.cli.context import opened, patient
from safeconduct.cli.demo.page import print_instructions
from safeconduct.cli.demo.workspace import build_workspace, issue_tokens
from safeconduct.cli.output import UsageError

_NEEDED: Final = ("argon2", "flask", "starlette", "uvicorn", "waitress", "websockets")
_HOST: Final = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for a free one.")
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
    framework: Literal["starlette", "flask"],
    store: str,
    keep: Path | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """
    Serve an application with two users, on this machine alone, and print what to try.

    / is a page to sign in on.  /public is open, /me wants anybody, /admin the role admin, /danger a sign-in within five
    minutes; /ws is a WebSocket that echoes (Starlette).  alice has the role user, root has admin.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f'The demo needs {", ".join(missing)}: pip install "safeconduct[demo]"')
    with _until_told_to_stop(), _bound(port) as plug, _folder(keep) as folder:
        house = build_workspace(folder, url=f"http://{_HOST}:{plug.getsockname()[1]}", store=store)
        config = house.config()
        with opened(patient(config)) as tools:
            tokens = issue_tokens(tools)

        def announce() -> None:
            if as_json:
                click.echo(json.dumps({"url": house.url, "tokens": tokens, "passwords": house.passwords}))
            else:
                print_instructions(house, tokens, framework=framework)

        with opened(config, serves=True) as tools:
            _serve(tools.auth, plug, framework, announce)


def _serve(
    auth: Auth, plug: socket.socket, framework: Literal["starlette", "flask"], announce: Callable[[], None]
) -> None:
    from safeconduct.cli.demo.serving import serve_flask, serve_starlette  # noqa: PLC0415 - the servers are an extra

    serve = serve_starlette if framework == "starlette" else serve_flask
    serve(auth, plug, announce)


@contextmanager
def _bound(port: int) -> Generator[socket.socket]:
    with socket.socket() as plug:
        # As servers do: a port of a demo that ended a moment ago can be had again.
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            plug.bind((_HOST, port))
        except OSError as error:
            raise UsageError(f"Port {port} cannot be had: {error.strerror}; try --port 0.") from None
        yield plug


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    with nullcontext(str(keep)) if keep is not None else TemporaryDirectory(prefix="safeconduct-") as name:
        yield Path(name)


@contextmanager
def _until_told_to_stop() -> Generator[None]:
    """Let SIGTERM end the block as Ctrl+C does: in order, with everything removed."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Of the servers one raises it again and one does not.
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
