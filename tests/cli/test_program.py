"""Start the command line quickly, and never end it with a traceback."""

import errno
import runpy
import subprocess
import sys

import click
import pytest

from command_line import run
from safeconduct.cli import main
from safeconduct.cli.program import Program
from safeconduct.errors import Unavailable

HEAVY = {"redis", "argon2", "uvicorn", "waitress", "flask", "werkzeug", "starlette", "anyio", "asyncio"}


def failing(error):
    """Return a program whose one command raises *error*."""

    @click.group(cls=Program)
    def group():
        pass

    @group.command()
    def fail():
        raise error

    return group


def status_of(group):
    with pytest.raises(SystemExit) as caught:
        group(["fail"])
    return caught.value.code


def test_help_loads_nothing_heavy():
    """Showing help does not load frameworks, servers or drivers."""
    script = "import sys\nfrom safeconduct.cli.program import program\n"
    script += "program(['--help'], standalone_mode=False)\nprint('#', *sys.modules)"

    finished = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)

    loaded = set(finished.stdout.rpartition("#")[2].split())
    assert set() == loaded & HEAVY


def test_python_m_is_the_same():
    """``python -m safeconduct`` runs the same program as ``safeconduct``."""
    finished = subprocess.run(
        [sys.executable, "-I", "-m", "safeconduct", "--help"], capture_output=True, text=True, check=True
    )

    assert finished.stdout.startswith("Usage: safeconduct ")


def test_the_module_runs_as_a_program_and_not_at_import(monkeypatch, capsys):
    """Tools that import every module of a package start nothing."""
    monkeypatch.setattr(sys, "argv", ["safeconduct", "--version"])

    with pytest.raises(SystemExit):
        runpy.run_module("safeconduct", run_name="__main__")
    runpy.run_module("safeconduct.__main__", run_name="safeconduct.__main__")

    assert capsys.readouterr().out.startswith("safeconduct, version ")


def test_without_click_one_sentence_names_the_extra(monkeypatch, capsys):
    """Without click the command explains itself in one sentence."""
    monkeypatch.setitem(sys.modules, "click", None)

    with pytest.raises(SystemExit) as caught:
        main()

    assert 2 == caught.value.code
    assert 'The command line needs click: pip install "safeconduct[cli]"\n' == capsys.readouterr().err


def test_main_runs_the_program(monkeypatch, capsys):
    """The console script runs the program."""
    monkeypatch.setattr(sys, "argv", ["safeconduct", "--version"])

    with pytest.raises(SystemExit) as caught:
        main()

    assert 0 == caught.value.code
    assert capsys.readouterr().out.startswith("safeconduct, version ")


def test_a_missing_configuration_is_reported():
    """A command that needs a configuration says what to write."""
    ended = run("token", "issue", "--subject", "alice")

    assert 2 == ended.code
    assert "Error: There is no configuration: write safeconduct.toml, or name one with --config.\n" == ended.err


def test_a_wrong_configuration_is_reported(folder):
    """The error is the configuration's own, with status 2."""
    (folder / "safeconduct.toml").write_text('[safeconduct]\nstore = "nowhere"\n')

    ended = run("token", "issue", "--subject", "alice")

    assert 2 == ended.code
    assert "store.url" in ended.err
    assert "Traceback" not in ended.err


def test_a_named_configuration_is_read(configured):
    """``--config`` takes precedence over ``safeconduct.toml``."""
    (configured / "safeconduct.toml").rename(configured / "other.toml")

    ended = run("--config", "other.toml", "token", "issue", "--subject", "alice")

    assert 0 == ended.code


def test_a_variable_alone_is_a_configuration(monkeypatch):
    """A container may have no file at all."""
    run("keys", "new")
    for name, value in {"STORE": "memory://", "ISSUER": "https://a", "AUDIENCE": "https://b", "KEYS": "keys"}.items():
        monkeypatch.setenv(f"SAFECONDUCT_{name}", value)

    assert 0 == run("token", "issue", "--subject", "alice").code


def test_an_outage_is_status_1(capsys):
    """The command was correct, but its environment was not."""
    assert 1 == status_of(failing(Unavailable("the store does not answer")))
    assert "Error: Unavailable: the store does not answer\n" == capsys.readouterr().err


def test_a_file_that_cannot_be_had_is_reported(capsys):
    """A missing permission is not a traceback."""
    assert 2 == status_of(failing(PermissionError(errno.EACCES, "Permission denied", "keys/a.json")))
    assert "Error: keys/a.json: Permission denied\n" == capsys.readouterr().err


def test_a_closed_pipe_is_no_error(capsys):
    """``safeconduct keys list | head -1`` prints no error."""
    assert 1 == status_of(failing(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert "" == capsys.readouterr().err
