"""``safeconduct``: the group of all commands, and how it reports errors."""

import errno
import logging
from pathlib import Path
from typing import Any, Final

import click

from safeconduct.cli.api_keys import api_keys
from safeconduct.cli.clients import clients
from safeconduct.cli.context import Settings
from safeconduct.cli.demo.command import demo
from safeconduct.cli.doctor.command import doctor
from safeconduct.cli.keys import keys
from safeconduct.cli.output import CommandFailed, UsageError
from safeconduct.cli.revoke import revoke
from safeconduct.cli.routes import routes
from safeconduct.cli.sessions import sessions
from safeconduct.cli.token import token
from safeconduct.cli.users import users
from safeconduct.errors import AuthError, ConfigurationError

# The listener of `cli.context` prints important events; without a handler, `logging` would print them again.
_WRITES_NOTHING: Final = logging.NullHandler()


class Program(click.Group):
    """Report the package's own errors and those of the system in one sentence, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise UsageError(str(error)) from None
        except AuthError as error:
            raise CommandFailed(f"{type(error).__name__}: {error.reason or error.detail}") from None
        except OSError as error:
            # The reader of a pipe has closed it: click ends the program without a message.
            if error.errno == errno.EPIPE:
                raise
            raise UsageError(f"{error.filename or 'the system'}: {error.strerror}") from None


@click.group(cls=Program)
@click.version_option(package_name="safeconduct")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file.  [default: the one that SAFECONDUCT_CONFIG names, else safeconduct.toml]",
)
@click.pass_context
def program(context: click.Context, path: Path | None) -> None:
    """
    Manage keys, tokens, revocations and users, and see what an application lets through.

    Status 0: done.  1: the answer is no, or it was not done.  2: the command or the configuration is wrong.
    """
    logging.getLogger("safeconduct").addHandler(_WRITES_NOTHING)
    context.obj = Settings(path)


for command in (api_keys, clients, demo, doctor, keys, revoke, routes, sessions, token, users):
    program.add_command(command)
