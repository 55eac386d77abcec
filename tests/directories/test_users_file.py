"""Check passwords against a users file, and reload it when it changes."""

import json
import logging
import os
import sys
from pathlib import Path

import argon2.low_level
import pytest
from argon2.exceptions import VerificationError

from safeconduct._core.directory import Account
from safeconduct.directories import Cost, UsersFile
from safeconduct.directories.argon2id import cost_of, hash_password, unmatchable_hash
from safeconduct.errors import ConfigurationError
from worlds import Clock

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
DEAR = Cost(memory_kib=16, passes=1, lanes=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "users.json"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reported():
    return []


@pytest.fixture
def users(path, clock, reported):
    UsersFile.create(path, cost=CHEAP).add("alice", "wonder", roles=["user"])
    return UsersFile(path, cost=CHEAP, on_unreadable=reported.append, clock=clock)


@pytest.fixture
def hashed(monkeypatch):
    """Record the cost of every hash that Argon2 computes to check a password."""
    seen = []
    verify = argon2.low_level.verify_secret

    def verify_and_tell(phc, password, kind):
        seen.append(cost_of(phc.decode()))
        return verify(phc, password, kind)

    monkeypatch.setattr(argon2.low_level, "verify_secret", verify_and_tell)
    return seen


def edit(path, **members):
    document = json.loads(path.read_text("utf-8"))
    document["alice"].update(members)
    path.write_text(json.dumps(document), "utf-8")


def test_a_right_password_gives_the_account(users):
    assert Account("alice", roles=("user",)) == users.check("alice", "wonder")


@pytest.mark.parametrize(
    ("username", "password"),
    [("alice", "Wonder"), ("alice", "wonder "), ("alice", ""), ("Alice", "wonder"), ("bob", "wonder"), ("", "")],
    ids=str,
)
def test_a_wrong_pair_gives_none(users, username, password):
    assert users.check(username, password) is None


def test_a_password_is_compared_as_it_came(users):
    """The password is not normalised, case-folded or trimmed (ASVS 6.2.8)."""
    users.add("bob", "e\u0301 ")

    assert users.check("bob", "e\u0301 ")
    assert users.check("bob", "\xe9 ") is None
    assert users.check("bob", "e\u0301") is None


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("bob", "wonder"),
        ("alice", "no"),
        ("alice", "w" * 1025),
        ("bob", "w" * 1025),
        ("\ud800", "wonder"),
        ("alice", "\ud800"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_every_refusal_costs_one_hash_of_the_same_cost(users, hashed, username, password):
    """Timing does not reveal which users exist, even for over-long passwords (CVE-2025-22234)."""
    assert users.check(username, password) is None

    assert [CHEAP] == hashed


def test_a_disabled_account_costs_one_hash_and_is_refused(users, path, clock, hashed):
    edit(path, disabled=True)
    clock.advance(seconds=1)

    assert users.check("alice", "wonder") is None
    assert 1 == len(hashed)


def test_an_overlong_password_is_not_that_of_a_user_with_an_empty_one(users, path, clock):
    """The hash that is computed instead proves nothing."""
    edit(path, hash=hash_password(b"", CHEAP))
    clock.advance(seconds=1)

    assert users.check("alice", "")
    assert users.check("alice", "w" * 1025) is None


def test_an_unknown_name_costs_what_some_user_costs_and_the_same_each_time(users, path, clock, hashed):
    """Where users have different costs, the cost for an unknown name reveals nothing either."""
    document = {f"user{number}": {"hash": unmatchable_hash(DEAR if number % 2 else CHEAP)} for number in range(10)}
    path.write_text(json.dumps(document), "utf-8")
    clock.advance(seconds=1)

    for _ in range(2):
        for number in range(30):
            users.check(f"unknown{number}", "p")

    assert {CHEAP, DEAR} == set(hashed)
    assert hashed[:30] == hashed[30:]


def test_in_a_file_without_users_an_unknown_name_costs_the_default(path, hashed):
    UsersFile.create(path, cost=CHEAP).check("alice", "p")

    assert [CHEAP] == hashed


def test_a_hash_that_could_not_be_computed_is_no_wrong_password(users, monkeypatch):
    """The error is raised, and the answer is 503, never 401."""

    def fail(_phc, _password, _kind):
        raise VerificationError("Memory allocation error")

    monkeypatch.setattr(argon2.low_level, "verify_secret", fail)

    with pytest.raises(VerificationError):
        users.check("alice", "wonder")


def test_a_subject_is_looked_up(users, path, clock):
    edit(path, subject="4711", display_name="Alice")
    clock.advance(seconds=1)

    assert "Alice" == users.lookup("4711").display_name
    assert users.lookup("alice") is None


def test_a_changed_file_is_read_within_a_second(users, path, clock):
    assert users.check("alice", "wonder")
    edit(path, disabled=True)

    assert users.check("alice", "wonder")
    clock.advance(seconds=0.9)
    assert users.check("alice", "wonder")
    clock.advance(seconds=0.1)
    assert users.check("alice", "wonder") is None


def test_a_file_that_did_not_change_is_not_read_again(users, path, clock):
    """Time, size and inode show a change; the content is not compared."""
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    clock.advance(seconds=1)

    assert users.check("alice", "wonder")


def test_a_file_that_was_replaced_by_one_of_its_time_and_size_is_read(users, path, clock):
    """The inode shows it, because a restored backup keeps its time."""
    status = path.stat()
    copy = path.with_name("copy")
    copy.write_text(path.read_text("utf-8").replace('"alice"', '"alicf"'), "utf-8")
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    copy.replace(path)
    clock.advance(seconds=1)

    assert users.lookup("alice") is None


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda path: path.write_text("{"), "the file is not JSON"),
        (lambda path: edit(path, subject="client:a"), "the subject 'client:a' is that of a client"),
        (lambda path: path.write_bytes(b'{"\xff"'), "it is not UTF-8"),
        (lambda path: path.unlink(), "it can't be found: FileNotFoundError"),
        (lambda path: (path.unlink(), path.mkdir()), "it is a folder, not a regular file"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "it is a FIFO, not a regular file"),
    ],
    ids=["json", "client", "utf-8", "gone", "folder", "fifo"],
)
def test_a_file_that_broke_keeps_its_users_and_tells_once(users, path, clock, reported, break_it, reason):
    """A half-written file neither locks users out nor lets anybody in."""
    break_it(path)
    for _ in range(3):
        clock.advance(seconds=1)
        assert users.check("alice", "wonder")

    assert [reason] == reported


def test_e11_a_failing_hook_at_a_broken_file_does_not_prevent_a_sign_in(path, clock, caplog):
    """The hook learns of the file and cannot affect sign-ins."""

    def raises(_reason):
        raise LookupError

    UsersFile.create(path, cost=CHEAP).add("alice", "wonder")
    users = UsersFile(path, cost=CHEAP, on_unreadable=raises, clock=clock)
    path.write_text("{")
    clock.advance(seconds=2)

    assert users.check("alice", "wonder")
    [message] = caplog.messages
    assert message.startswith("on_unreadable failed: LookupError at ")


def test_a_file_that_was_mended_is_read_and_tells_again_when_it_breaks(users, path, clock, reported):
    original = path.read_text("utf-8")
    for _ in range(2):
        path.write_text("{")
        clock.advance(seconds=1)
        users.lookup("alice")
        path.write_text(original.replace("wonder", "other"))
        clock.advance(seconds=1)
        users.lookup("alice")

    assert ["the file is not JSON"] * 2 == reported


def test_what_broke_is_logged_where_nobody_listens(path, clock, caplog):
    UsersFile.create(path)
    users = UsersFile(path, clock=clock)
    path.write_text("{")
    clock.advance(seconds=1)

    with caplog.at_level(logging.ERROR, "safeconduct.directories"):
        users.lookup("alice")

    assert ["the users file can't be read, the users of before stay: the file is not JSON"] == caplog.messages


def test_d4_the_end_of_an_outage_is_reported_once(path, clock, reported):
    """Each outage is reported once, also where the same file comes back."""
    UsersFile.create(path)
    ends = []
    users = UsersFile(path, clock=clock, on_unreadable=reported.append, on_readable=lambda: ends.append(len(reported)))
    gone = path.with_name("gone")
    for number in (1, 2):
        path.rename(gone)
        for _ in range(2):
            clock.advance(seconds=1)
            users.lookup("alice")
        gone.rename(path)
        for _ in range(2):
            clock.advance(seconds=1)
            users.lookup("alice")
        assert number == len(reported)

    assert [1, 2] == ends


def test_d4_the_end_is_logged_where_nobody_listens(path, clock, caplog):
    UsersFile.create(path)
    users = UsersFile(path, clock=clock)
    for text in ("{", "{}"):
        path.write_text(text)
        clock.advance(seconds=1)
        with caplog.at_level(logging.INFO, "safeconduct.directories"):
            users.lookup("alice")

    assert "the users file can be read again" == caplog.messages[-1]


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_d3_what_is_no_regular_file_is_refused_and_never_opened(path, make):
    """Reading a FIFO would block the start forever."""
    make(path)

    with pytest.raises(ConfigurationError, match="users must be a users file"):
        UsersFile(path)


def test_a_file_that_is_not_there_is_reported_when_it_is_named(path):
    with pytest.raises(ConfigurationError, match=r"users must be a users file, got '.*users.json': it can't be opened"):
        UsersFile(path)


def test_without_argon2_there_is_no_users_file(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "argon2.low_level", None)

    with pytest.raises(ConfigurationError, match=r"safeconduct\[argon2\]"):
        UsersFile(path)
