"""Run commands in this process, in an empty folder and without the environment, and read what the doctor finds."""

import inspect
import json
import os
from dataclasses import dataclass

from click.testing import CliRunner

from safeconduct.cli.program import program

# Before click 8.2 the two streams were mixed by default.
_APART = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}

CONFIGURATION = """\
[safeconduct]
issuer = "https://api.example.com"
audience = "https://api.example.com"
keys = "keys/"
store = "{store}"
{more}
"""


@dataclass(frozen=True)
class CommandResult:
    """The status and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def run(*arguments, stdin=None):
    """Run one command; an unexpected exception fails the test."""
    result = CliRunner(**_APART).invoke(
        program, [str(each) for each in arguments], input=stdin, prog_name="safeconduct"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)


def without_environment(monkeypatch):
    """Remove our variables from the environment."""
    for name in [name for name in os.environ if name.startswith("SAFECONDUCT_")]:
        monkeypatch.delenv(name)


def write_configuration(folder, *, store="memory://", more=""):
    """Write a configuration, and create its keys."""
    (folder / "safeconduct.toml").write_text(CONFIGURATION.format(store=store, more=more))
    if not (folder / "keys").exists():
        assert run("keys", "new").code == 0


def findings(*arguments):
    """Return every finding as (verdict, subject, text, remedy)."""
    ended = run("doctor", *arguments, "--json")
    return [(each["verdict"], each["subject"], each["text"], each["remedy"]) for each in ended.json]


def finding_texts(verdict, *arguments):
    return " | ".join(f"{subject}: {text}" for found, subject, text, _ in findings(*arguments) if found == verdict)
