"""Run commands that write at the same time without undoing each other's work."""

import json

import pytest

from command_line import run
from concurrent_commands import run_at_once
from safeconduct._keys.folder import write_key
from safeconduct.cli import keys
from safeconduct.directories import UsersFile, users_file
from safeconduct.directories.atomic_write import lock_folder, replace_file
from safeconduct.errors import ConfigurationError

AT_ONCE = 6
PASSWORD = "correct horse"


def states(folder):
    """Return the state of every key in *folder* by its kid."""
    jwks = [json.loads(path.read_text()) for path in (folder / "keys").glob("*.json")]
    return {jwk["kid"]: jwk["safeconduct_state"] for jwk in jwks}


def test_d2_keys_that_are_made_at_once_are_one_active_key_and_one_secret(folder):
    """Whichever command comes first, the secret that it printed is the one that stays."""
    ended = run_at_once(folder, *[("keys", "new", "--json")] * AT_ONCE)

    assert [0] * AT_ONCE == [code for code, _, _ in ended], ended
    printed = [row["kid"] for _, out, _ in ended for row in json.loads(out)]
    assert 1 == printed.count("safeconduct-secrets")
    found = states(folder)
    assert sorted(printed) == sorted(found)
    assert "active" == found.pop("safeconduct-secrets")
    assert ["active", *["next"] * (AT_ONCE - 1)] == sorted(found.values())


def test_d2_secrets_that_are_made_at_once_are_versions(folder):
    """No secret replaces another, because everything derived from it would become invalid."""
    assert 0 == run("keys", "new").code

    ended = run_at_once(folder, *[("keys", "new", "--secrets")] * AT_ONCE)

    assert [0] * AT_ONCE == [code for code, _, _ in ended], ended
    assert AT_ONCE + 1 == sum(kid.startswith("safeconduct-secrets") for kid in states(folder))


def test_d2_a_key_is_rotated_once(folder):
    """The second command reports that no key is waiting."""
    for _ in range(2):
        assert 0 == run("keys", "new").code

    ended = run_at_once(folder, *[("keys", "rotate")] * AT_ONCE)

    assert [0, *[2] * (AT_ONCE - 1)] == sorted(code for code, _, _ in ended), ended
    found = states(folder)
    found.pop("safeconduct-secrets")
    assert ["active", "retired"] == sorted(found.values())


def test_d2_two_keys_that_retire_at_once_leave_one_that_signs(folder):
    """Each of the two may be retired alone, but not both."""
    kids = [run("keys", "new", "--state", "active", "--json").json[0]["kid"] for _ in range(2)]

    ended = run_at_once(folder, *[("keys", "retire", kid) for kid in kids])

    assert [0, 2] == sorted(code for code, _, _ in ended), ended
    found = states(folder)
    found.pop("safeconduct-secrets")
    assert ["active", "retired"] == sorted(found.values())


def test_d2_users_that_are_added_at_once_are_all_there(folder):
    """This holds where the first command creates the file, too."""
    names = [f"user{number}" for number in range(AT_ONCE)]

    ended = run_at_once(folder, *[("users", "add", name, "--password-stdin") for name in names], stdin=PASSWORD)

    assert [0] * AT_ONCE == [code for code, _, _ in ended], ended
    assert names == sorted(json.loads((folder / "users.json").read_text()))


@pytest.mark.parametrize("verb", [("new",), ("new", "--secrets"), ("rotate",), ("retire", "KID")], ids=" ".join)
def test_d2_a_verb_reads_and_writes_keys_as_the_only_writer(folder, monkeypatch, verb):
    """A command holds the lock from before it reads until it has written."""
    first = run("keys", "new", "--json").json[0]["kid"]
    run("keys", "new", "--state", "next" if verb == ("rotate",) else "active")
    seen = []

    def spied(function):
        def spy(*arguments, **more):
            with pytest.raises(BlockingIOError), lock_folder(folder / "keys", waits=False):
                pass
            seen.append(function.__name__)
            return function(*arguments, **more)

        return spy

    for name in ("read_own_keys", "write_key"):
        monkeypatch.setattr(keys, name, spied(getattr(keys, name)))

    assert 0 == run("keys", *(first if word == "KID" else word for word in verb)).code
    assert {"read_own_keys", "write_key"} == set(seen)


def test_d2_users_are_written_by_the_only_writer(folder, monkeypatch):
    """The lock covers creating the file, too."""
    seen = []

    def spy(path, text, **more):
        with pytest.raises(BlockingIOError), lock_folder(folder, waits=False):
            pass
        seen.append(text)
        replace_file(path, text, **more)

    monkeypatch.setattr(users_file, "replace_file", spy)

    UsersFile.create(folder / "users.json").add("alice", PASSWORD)

    assert 2 == len(seen)


def test_d2_secrets_that_cannot_be_read_are_not_replaced(folder):
    """A half-written file may hold the key of every session, so it is not replaced."""
    run("keys", "new")
    path = folder / "keys/safeconduct-secrets.json"
    path.write_text("{")

    for verb in (("new",), ("new", "--secrets")):
        ended = run("keys", *verb)
        assert 2 == ended.code
        assert "kid must be new, got 'safeconduct-secrets'" in ended.err
        assert "safeconduct-secrets in keys is left out: not a JWK" in ended.err
    assert "{" == path.read_text()


def test_d3_a_dangling_link_keeps_no_verb_from_its_work(folder):
    """The file is named, and everything else is done."""
    run("keys", "new")
    (folder / "keys/odd.json").symlink_to("nowhere")

    for verb in (("new",), ("rotate",), ("list",), ("jwks",)):
        ended = run("keys", *verb)
        assert 0 == ended.code, ended.err
    assert "odd" in run("keys", "list").out
    assert "odd in keys is left out: No such file or directory" in run("keys", "new").err


def test_a_new_key_takes_no_name_that_is_taken(folder):
    """Not even a dangling link is replaced."""
    (folder / "a.json").symlink_to("nowhere")

    with pytest.raises(ConfigurationError, match="kid must be new"):
        write_key(folder, {"kid": "a"}, replaces=False)


@pytest.mark.parametrize("verb", [("rotate",), ("retire", "a")], ids=" ".join)
def test_only_a_new_key_begins_a_folder(folder, verb):
    """A mistyped folder is reported, and not created."""
    ended = run("keys", *verb, "--folder", "keyz")

    assert (2, "Error: keys: there is no folder keyz; make one with `safeconduct keys new`.\n") == (
        ended.code,
        ended.err,
    )
    assert not (folder / "keyz").exists()
