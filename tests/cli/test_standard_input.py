"""Report a closed standard input in one sentence, with status 2."""

import subprocess
import sys

import pytest

from command_line import run, write_configuration
from safeconduct.cli.output import UsageError
from safeconduct.cli.standard_input import read_standard_input

READERS = [
    ("users", "add", "alice", "--password-stdin"),
    ("users", "add", "alice"),
    ("users", "check", "alice", "--password-stdin"),
    ("token", "show", "-"),
    ("token", "check", "-"),
    ("revoke", "token", "-"),
    ("revoke", "everything"),
]


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_d9_a_closed_standard_input_is_reported(folder, command):
    """A shell closes it with ``<&-``."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")
    (folder / "users.json").write_text("{}")

    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "safeconduct", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )

    assert 2 == ended.returncode, ended.stderr
    assert ended.stderr.endswith("cannot be read: standard input is closed.\n")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", [each for each in READERS if each[-1] == "-"], ids=" ".join)
def test_d9_what_is_no_text_is_reported(folder, command):
    """A token is always text."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    ended = run(*command, stdin=b"\xff")

    assert (2, "Error: TOKEN on standard input is not UTF-8.\n") == (ended.code, ended.err)


def test_d9_python_has_none_where_standard_input_is_closed(monkeypatch):
    """The same holds within this process."""
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(UsageError, match="The password cannot be read: standard input is closed"):
        read_standard_input("The password")
