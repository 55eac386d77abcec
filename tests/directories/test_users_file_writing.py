"""Write a users file atomically, by one writer at a time, readable by its owner alone."""

import os

import pytest

from safeconduct._core.directory import Account
from safeconduct.directories import Cost, UsersFile
from safeconduct.errors import ConfigurationError
from worlds import Clock

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "users.json"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def users(path, clock):
    UsersFile.create(path, cost=CHEAP).add("alice", "wonder", roles=["user"])
    return UsersFile(path, cost=CHEAP, clock=clock)


@pytest.mark.usefixtures("users")
def test_create_opens_what_is_there(path):
    assert UsersFile.create(path).check("alice", "wonder")


def test_a_file_is_readable_by_its_owner_alone(users, path):
    assert 0o600 == path.stat().st_mode & 0o777

    path.chmod(0o644)
    users.add("bob", "builder")

    assert 0o600 == path.stat().st_mode & 0o777
    assert [path] == list(path.parent.iterdir())


def test_an_added_user_may_sign_in_at_once_with_all_that_was_given(users):
    account = users.add(
        "bob",
        "builder",
        roles=["clerk"],
        scopes=["read"],
        display_name="Bob",
        level="multifactor",
        subject="4711",
    )

    assert account.subject == "4711"
    assert Account("4711", roles=("clerk",), scopes=("read",), display_name="Bob", level="multifactor") == users.check(
        "bob", "builder"
    )
    assert users.check("alice", "wonder")


def test_a_name_that_is_taken_is_replaced_by_name_only(users):
    with pytest.raises(ConfigurationError, match=r"username must be new, got 'alice', .*: use --replace$"):
        users.add("alice", "other")
    assert users.check("alice", "wonder")

    users.add("alice", "other", replaces=True)

    assert users.check("alice", "wonder") is None
    assert users.check("alice", "other")


def test_somebody_elses_subject_cannot_be_added(users, path):
    """Two users with one subject would be the same user."""
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="two users have the same subject"):
        users.add("bob", "builder", subject="alice")

    assert before == path.read_bytes()


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [
        ("a:b", "p", "username must have no colon, .* got 'a:b'"),
        ("", "p", "username must be Unicode of 1 to 1024 bytes, got ''"),
        ("bob", "", "password must be Unicode of 1 to 1024 bytes$"),
        ("bob", "p" * 1025, "password must be Unicode of 1 to 1024 bytes$"),
        ("bob", "\ud800", "password must be Unicode of 1 to 1024 bytes$"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_user_who_could_never_sign_in_is_not_added(users, username, password, expected):
    with pytest.raises(ConfigurationError, match=expected):
        users.add(username, password)


def test_what_another_process_added_meanwhile_is_kept(users, path):
    """The file is read again under the lock before it is written."""
    UsersFile(path, cost=CHEAP).add("bob", "builder")

    users.add("carol", "singer")

    assert users.check("bob", "builder")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(users, path, monkeypatch):
    before = path.read_bytes()

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="no space left"):
        users.add("bob", "builder")

    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


@pytest.mark.usefixtures("users")
def test_a_link_stays_a_link(path, tmp_path):
    """Secrets are often mounted as links."""
    link = tmp_path / "elsewhere" / "users.json"
    link.parent.mkdir()
    link.symlink_to(path)

    UsersFile(link, cost=CHEAP).add("bob", "builder")

    assert link.is_symlink()
    assert "bob" in path.read_text("utf-8")


def test_r4_a_cut_off_is_written_and_never_goes_back(users):
    assert 100.0 == users.cut_off("alice", 100.0).cut_off
    assert 100.0 == users.cut_off("alice", 50).cut_off
    assert 100.0 == users.lookup("alice").cut_off
    assert users.check("alice", "wonder")


def test_r4_a_user_who_is_replaced_stays_cut_off(users):
    """Otherwise what the cut-off has ended would be valid again."""
    users.cut_off("alice", 100)

    assert 100 == users.add("alice", "another", replaces=True).cut_off == users.lookup("alice").cut_off
    assert users.add("bob", "builder").cut_off is None


def test_r4_a_hash_that_is_renewed_leaves_the_cut_off(users, path, clock):
    users.cut_off("alice", 100)
    stronger = UsersFile(path, cost=Cost(memory_kib=16, passes=1, lanes=1), clock=clock)

    assert stronger.check("alice", "wonder")

    assert 100 == UsersFile(path).lookup("alice").cut_off
    assert "m=16" in path.read_text()


def test_r4_only_a_user_who_is_there_is_cut_off(users):
    with pytest.raises(ConfigurationError, match="username must be one that the file has, got 'bob'"):
        users.cut_off("bob", 100)
