"""Maintain the users file on the command line."""

import sys

import pytest

from command_line import run, write_configuration
from safeconduct.directories import UsersFile

PASSWORD = "correct horse"


def test_a_user_is_added_and_checked(folder):
    """The first user creates the file, which only its owner may read."""
    ended = run("users", "add", "alice", "--role", "user", "--scope", "read", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert 0 == ended.code, ended.err
    assert 0o600 == (folder / "users.json").stat().st_mode & 0o777
    record = run("users", "check", "alice", "--password-stdin", "--json", stdin=PASSWORD).json
    assert ("alice", ["user"], ["read"]) == (record["subject"], record["roles"], record["scopes"])


def test_the_password_is_asked_for_twice():
    """A mistake locks nobody out."""
    assert 0 == run("users", "add", "alice", stdin=f"{PASSWORD}\n{PASSWORD}\n").code
    assert 0 == run("users", "check", "alice", stdin=f"{PASSWORD}\n").code
    assert 0 == run("users", "add", "bob", stdin=f"{PASSWORD}\na slip\n{PASSWORD}\n{PASSWORD}\n").code
    assert 0 == run("users", "check", "bob", stdin=f"{PASSWORD}\n").code


def test_a_wrong_password_is_status_1():
    """Unknown name, disabled user and wrong password give the same message."""
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)

    wrong = run("users", "check", "alice", "--password-stdin", stdin="wrong horse")
    unknown = run("users", "check", "mallory", "--password-stdin", stdin=PASSWORD)

    assert (1, 1) == (wrong.code, unknown.code)
    assert wrong.err == unknown.err


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("alice", b"short", "at least 8 characters"),
        ("alice", b"\xff" * 9, "not UTF-8"),
        ("al:ice", PASSWORD.encode(), "username must have no colon"),
    ],
    ids=str,
)
def test_what_cannot_be_added_is_reported(folder, name, password, message):
    """The command prints one sentence and writes no file, which would hide that the first user is missing."""
    ended = run("users", "add", name, "--password-stdin", stdin=password)

    assert 2 == ended.code
    assert message in ended.err
    assert not (folder / "users.json").exists()


def test_without_argon2_no_file_is_written(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "argon2.low_level", None)

    ended = run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)

    assert (2, True) == (ended.code, 'pip install "safeconduct[argon2]"' in ended.err)
    assert not (folder / "users.json").exists()


def test_a_user_is_replaced_by_name_only():
    """An existing user is not overwritten."""
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)

    assert 2 == run("users", "add", "alice", "--password-stdin", stdin="another horse").code
    assert 0 == run("users", "add", "alice", "--replace", "--password-stdin", stdin="another horse").code


def test_the_configuration_names_the_file(folder):
    """``login.users`` is the default, and ``--file`` takes precedence."""
    write_configuration(folder, more='[safeconduct.login]\nusers = "people.json"')

    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    run("users", "add", "bob", "--file", "others.json", "--password-stdin", stdin=PASSWORD)

    assert "alice" in (folder / "people.json").read_text()
    assert "bob" in (folder / "others.json").read_text()


def test_a_configuration_without_users_leaves_the_default(configured):
    """Without a configuration the command asks for ``--file``."""
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)

    assert (configured / "users.json").exists()


def test_a_missing_file_is_reported(folder):
    """Checking a password creates no file."""
    ended = run("users", "check", "alice", "--password-stdin", stdin=PASSWORD)

    assert 2 == ended.code
    assert not (folder / "users.json").exists()


def test_users_are_listed_without_their_hashes(folder):
    (folder / "users.json").write_text("{}")
    nobody = run("users", "list")
    run("users", "add", "bob", "--password-stdin", stdin=PASSWORD)
    run("users", "add", "alice", "--role", "user", "--scope", "read", "--password-stdin", stdin=PASSWORD)

    listed = run("users", "list", "--json")

    assert (0, "") == (nobody.code, nobody.out)
    assert ["alice", "bob"] == [row["name"] for row in listed.json]
    alice = {"name": "alice", "subject": "alice", "roles": ["user"], "scopes": ["read"], "level": "explicit"}
    assert {**alice, "disabled": False, "cut_off": None} == listed.json[0]
    assert "argon2" not in listed.out
    assert "alice  alice    user   read    explicit  no        -" in run("users", "list").out


def test_a_user_is_removed(folder):
    """The others stay, and the file stays readable by its owner alone."""
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    run("users", "add", "bob jr", "--password-stdin", stdin=PASSWORD)

    ended = run("users", "remove", "bob jr")

    assert 0 == ended.code
    assert ended.err.startswith("removed bob jr from users.json\n")
    assert "safeconduct revoke subject 'bob jr'\n" in ended.err
    assert ["alice"] == [row["name"] for row in run("users", "list", "--json").json]
    assert 1 == run("users", "check", "bob jr", "--password-stdin", stdin=PASSWORD).code
    assert 0o600 == (folder / "users.json").stat().st_mode & 0o777
    again = run("users", "remove", "bob jr")
    assert (2, True) == (again.code, "username must be one that the file has, got 'bob jr'" in again.err)


def test_a_removed_subject_cannot_control_the_terminal(folder):
    """The file may come from elsewhere, and a subject may hold any character."""
    UsersFile.create(folder / "users.json").add("alice", PASSWORD, subject="a\x07")

    ended = run("users", "remove", "alice")

    assert (0, False) == (ended.code, "\x07" in ended.err)


def test_r4_a_user_is_cut_off():
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    before = run("users", "check", "alice", "--password-stdin", "--json", stdin=PASSWORD).json

    ended = run("users", "cut-off", "alice")

    assert (0, "wrote the cut-off of alice to users.json\n") == (ended.code, ended.err)
    after = run("users", "check", "alice", "--password-stdin", "--json", stdin=PASSWORD).json
    assert (None, int) == (before["cut_off"], type(after["cut_off"]))
    assert 2 == run("users", "cut-off", "bob").code
