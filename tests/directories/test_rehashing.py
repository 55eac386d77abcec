"""Renew an outdated hash at sign-in without disturbing the sign-in."""

import fcntl
import json
import logging
import os

import argon2.low_level
import pytest
from argon2.exceptions import HashingError

from broken_logs import BROKEN_LOGS, broken_log
from safeconduct.directories import Cost, UsersFile
from safeconduct.directories.argon2id import cost_of, hash_password
from worlds import Clock

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
DEAR = Cost(memory_kib=16, passes=1, lanes=1)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "users.json"
    UsersFile.create(path, cost=CHEAP).add("alice", "wonder", roles=["user"], subject="4711")
    UsersFile(path, cost=CHEAP).add("bob", "builder")
    return path


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def users(path, clock):
    return UsersFile(path, cost=DEAR, clock=clock)


@pytest.fixture
def lock(path):
    """Hold the lock of a writer."""
    folder = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    yield
    os.close(folder)


@pytest.fixture
def hashes(monkeypatch):
    """Record every hash that was made."""
    made = []
    make = argon2.low_level.hash_secret

    def make_and_tell(*given, **named):
        made.append(make(*given, **named))
        return made[-1]

    monkeypatch.setattr(argon2.low_level, "hash_secret", make_and_tell)
    return made


def kept(path):
    """Return the file's entry of each user."""
    return json.loads(path.read_text("utf-8"))


def costs(path):
    return {name: cost_of(user["hash"]) for name, user in kept(path).items()}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (Cost(19455, 2, 1), True),
        (Cost(19456, 1, 1), True),
        (Cost(19456, 2, 1), False),
        (Cost(19456, 2, 4), False),
        (Cost(47104, 1, 1), False),
        (Cost(65536, 3, 4), False),
    ],
    ids=str,
)
def test_what_is_dearer_already_is_not_below(cost, expected):
    """A hash is never made cheaper, and OWASP's recommended settings count as equal."""
    assert expected is cost.is_below(Cost())


def test_a_right_password_is_rehashed(users, path):
    """Only the hash of that user is replaced, and all else about the user stays."""
    before = kept(path)

    account = users.check("alice", "wonder")

    assert "4711" == account.subject
    assert {"alice": DEAR, "bob": CHEAP} == costs(path)
    assert before["alice"] | {"hash": kept(path)["alice"]["hash"]} == kept(path)["alice"]
    assert account == users.check("alice", "wonder")
    assert users.check("alice", "other") is None


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", "wonder")], ids=str)
def test_a_wrong_pair_writes_nothing(users, path, hashes, name, password):
    before = path.read_bytes()

    assert users.check(name, password) is None
    assert before == path.read_bytes()
    assert [] == hashes


def test_a_disabled_user_is_not_rehashed(users, path, clock, hashes):
    path.write_text(json.dumps({"alice": kept(path)["alice"] | {"disabled": True}}), "utf-8")
    clock.advance(seconds=1)

    assert users.check("alice", "wonder") is None
    assert [] == hashes


def test_a_hash_is_renewed_once(users, path, hashes):
    users.check("alice", "wonder")
    after = path.read_bytes()

    users.check("alice", "wonder")

    assert after == path.read_bytes()
    assert 1 == len(hashes)


def test_a_dearer_hash_stays(path, hashes):
    """A higher cost is kept."""
    UsersFile(path, cost=DEAR).check("alice", "wonder")

    assert UsersFile(path, cost=CHEAP).check("alice", "wonder")
    assert DEAR == costs(path)["alice"]
    assert 1 == len(hashes)


def test_owner_and_mode_stay(users, path):
    """Other readers of the file can still read it."""
    path.chmod(0o640)

    users.check("alice", "wonder")

    assert 0o640 == path.stat().st_mode & 0o777
    assert DEAR == costs(path)["alice"]


def test_a_password_that_was_changed_meanwhile_stays_changed(users, path):
    """The file is newer than what this process has read."""
    UsersFile(path, cost=CHEAP).add("alice", "other", replaces=True)
    after = path.read_bytes()

    assert users.check("alice", "wonder")
    assert after == path.read_bytes()


def test_a_user_who_was_removed_meanwhile_stays_removed(users, path):
    path.write_text("{}", "utf-8")

    assert users.check("alice", "wonder")
    assert {} == kept(path)


@pytest.mark.usefixtures("lock")
def test_nobody_waits_for_another_writer(users, path, caplog):
    """This is no fault, and the next sign-in tries again."""
    assert users.check("alice", "wonder")

    assert CHEAP == costs(path)["alice"]
    assert [] == caplog.messages


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        (("os.fsync", OSError("no space left")), "OSError"),
        (("os.fchown", PermissionError("not yours")), "PermissionError"),
        (("argon2.low_level.hash_secret", HashingError("Memory allocation error")), "HashingFailed"),
    ],
    ids=["disk", "owner", "memory"],
)
def test_a_failed_renewal_does_not_prevent_a_sign_in_and_is_reported(users, path, monkeypatch, caplog, fails, reason):
    """Writing is not tried again for a minute."""
    name, error = fails
    before = path.read_bytes()

    def fail(*_given, **_named):
        raise error

    monkeypatch.setattr(name, fail)

    with caplog.at_level(logging.WARNING, "safeconduct.directories"):
        answers = [users.check("alice", "wonder") for _ in range(3)]

    assert all(answers)
    assert [f"a user's hash can't be renewed, the old one stays: {reason}"] == caplog.messages
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize("way", BROKEN_LOGS)
def test_e11_a_failing_log_does_not_prevent_a_sign_in(users, monkeypatch, way):
    """Even if neither the renewal nor the report of it works, alice signs in."""

    def fail(_descriptor):
        raise OSError

    monkeypatch.setattr("os.fsync", fail)

    with broken_log(way, name="safeconduct.directories"):
        assert users.check("alice", "wonder")


def test_after_a_minute_it_is_tried_again(users, path, clock, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchown", lambda *_: (_ for _ in ()).throw(PermissionError))
        users.check("alice", "wonder")
    users.check("alice", "wonder")
    soon = costs(path)["alice"]
    clock.advance(seconds=60)

    users.check("alice", "wonder")

    assert (CHEAP, DEAR) == (soon, costs(path)["alice"])


def test_a_file_that_broke_meanwhile_is_not_written(users, path, caplog):
    """The users that were read before can still sign in."""
    path.write_text("{", "utf-8")

    with caplog.at_level(logging.WARNING, "safeconduct.directories"):
        assert users.check("alice", "wonder")

    assert ["a user's hash can't be renewed, the old one stays: the file is not JSON"] == caplog.messages
    assert "{" == path.read_text("utf-8")


def test_a_cost_that_no_file_can_hold_is_not_written(path):
    """The written file could not be read again."""
    before = path.read_bytes()
    users = UsersFile(path, cost=Cost(memory_kib=8, passes=10_000, lanes=1))

    assert users.check("alice", "wonder")
    assert before == path.read_bytes()


def test_an_added_user_fails_as_loudly_as_before(users, monkeypatch):
    """The command line reports what is wrong."""

    def fail(*_given, **_named):
        raise HashingError("Memory allocation error")

    monkeypatch.setattr(argon2.low_level, "hash_secret", fail)

    with pytest.raises(Exception, match="Memory allocation error"):
        users.add("carol", "singer")


def test_a_password_of_1024_bytes_is_rehashed(path, users, clock):
    """The file is unchanged to the last byte."""
    password = "p" * 1024
    document = kept(path)
    document["alice"]["hash"] = hash_password(password.encode(), CHEAP)
    path.write_text(json.dumps(document), "utf-8")
    clock.advance(seconds=1)

    assert users.check("alice", password)

    assert DEAR == costs(path)["alice"]
    assert users.check("alice", password)
    assert users.check("alice", password[:-1] + "q") is None
