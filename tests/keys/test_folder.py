"""Read keys from files, look at them once a second, and keep them when a file breaks."""

import json
import os
import stat

import pytest

from key_folders import kids
from safeconduct._keys.folder import read_own_keys, write_key
from safeconduct.errors import ConfigurationError
from safeconduct.events import (
    KeyExposed,
    KeySkipped,
    KeysReloaded,
    KeysUnreadable,
)
from token_factory import jwk_for

SECRET = {"kty": "oct", "kid": "safeconduct-secrets", "k": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"}


def test_a_folder_is_looked_at_at_most_once_a_second(folder, watch):
    """The key set is the same object until the keys change."""
    keys = watch.open(folder)
    first, table = keys.current(), keys.table()
    write_key(folder, jwk_for("ES256", "b"))

    watch.now = 0.9
    assert first is keys.current()
    watch.now = 1.0
    assert ["a", "b"] == kids(keys)
    assert table is not keys.table()
    assert [KeysReloaded(keys=2)] == watch.events
    watch.now = 5.0
    assert keys.current() is keys.current()
    assert 1 == len(watch.events)


@pytest.mark.parametrize(
    "broken", [b"{", b"", b"\xff", b"[]", b"x" * (1024 * 1024 + 1)], ids=lambda data: repr(data[:4])
)
def test_a_broken_new_file_keeps_the_old_set(folder, watch, broken):
    """The skipped file is reported once, until it is repaired."""
    keys = watch.open(folder)
    (folder / "b.json").write_bytes(broken)

    for watch.now in (1.0, 2.0, 3.0):
        assert ["a"] == kids(keys)
    assert [KeysUnreadable] == [type(event) for event in watch.events]
    write_key(folder, jwk_for("ES256", "b"))
    watch.now = 4.0
    assert ["a", "b"] == kids(keys)


def test_a_folder_that_vanishes_keeps_the_old_set(folder, watch):
    """A network disk may fail like this."""
    keys = watch.open(folder)
    folder.rename(folder.with_name("gone"))

    watch.now = 1.0

    assert ["a"] == kids(keys)
    assert [KeysUnreadable] == [type(event) for event in watch.events]


def test_a_bad_key_is_skipped_and_reported(folder, watch):
    """The set stays as it is."""
    write_key(folder, {**jwk_for("ES256", "bad"), "alg": "RS256"})
    (folder / "junk.json").write_text("{")
    (folder / "named.json").write_text(json.dumps(jwk_for("ES256", "otherwise")))
    (folder / "nameless.json").write_text(json.dumps(jwk_for("ES256", None)))
    (folder / "README").write_text("not a key")

    keys = watch.open(folder)

    assert ["a", "nameless"] == kids(keys)
    assert ["bad", "named", "junk"] == [event.kid for event in watch.events if isinstance(event, KeySkipped)]


def test_an_empty_folder_says_how_to_make_a_key(tmp_path, watch):
    """A serving process never creates keys."""
    with pytest.raises(ConfigurationError, match="safeconduct keys new"):
        watch.open(tmp_path)


def test_a_folder_of_bad_keys_says_what_is_wrong(tmp_path, watch):
    """Each is named."""
    write_key(tmp_path, {**jwk_for("ES256", "bad"), "alg": "RS256"})

    with pytest.raises(ConfigurationError, match="bad: no allowed algorithm fits"):
        watch.open(tmp_path)


def test_a_file_with_a_set_and_a_variable_are_read(tmp_path, watch):
    """A file and an environment variable work alike."""
    text = json.dumps({"keys": [jwk_for("ES256", "a"), SECRET]})
    (tmp_path / "keys.json").write_text(text)
    in_file, in_variable = watch.open(tmp_path / "keys.json"), watch.open("env:KEYS", environ={"KEYS": text})

    watch.now = 2.0

    assert ["a"] == kids(in_file) == kids(in_variable)
    assert in_file.current().derived_keys.derive("x") == in_variable.current().derived_keys.derive("x")


@pytest.mark.parametrize(
    ("source", "environ"),
    [("env:KEYS", {}), ("env:KEYS", {"KEYS": "{"}), ("env:KEYS", {"KEYS": "\udcff"}), ("nowhere/", {})],
)
def test_a_source_that_cannot_be_read_is_refused(source, environ, watch):
    """It is refused when it is opened."""
    with pytest.raises(ConfigurationError, match="keys"):
        watch.open(source, environ=environ)


def test_reading_keys_says_that_a_path_is_missing(tmp_path):
    """The command line reads without watching."""
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_own_keys(tmp_path / "nowhere")


def test_a_file_that_anyone_may_read_is_reported(folder, watch):
    """The file is used, because mounted secrets are often readable; an event reports it."""
    (folder / "a.json").chmod(0o644)

    watch.open(folder)

    assert [KeyExposed(file="a.json")] == watch.events


@pytest.mark.parametrize("is_private", [True, False])
def test_the_public_keys_of_an_issuer_are_no_secret(folder, watch, is_private):
    """Anyone may read its key set, unless there is a private key in it."""
    key = jwk_for("ES256", "a")
    if not is_private:
        key = {name: value for name, value in key.items() if name not in {"d", "safeconduct_state"}}
    (folder / "a.json").write_text(json.dumps({"keys": [key]}))
    (folder / "a.json").chmod(0o644)

    watch.open(folder / "a.json", is_own=False)

    assert is_private == (KeyExposed(file="a.json") in watch.events)


def test_a_key_is_written_for_its_owner_alone(tmp_path):
    """A key is written atomically to a file named after its kid, replacing an older one."""
    os.umask(os.umask(0o022))
    path = write_key(tmp_path / "keys", jwk_for("ES256", "a"))
    path.chmod(0o644)

    again = write_key(tmp_path / "keys", {**jwk_for("ES256", "a"), "safeconduct_state": "retired"})

    assert path == again
    assert ["a.json"] == [each.name for each in path.parent.iterdir()]
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert "retired" == json.loads(path.read_text())["safeconduct_state"]


@pytest.mark.parametrize("kid", [None, 1, "", "../a", "a/b", "/a", ".a", "..", "a\0b"])
def test_a_kid_that_is_no_file_name_is_refused(tmp_path, kid):
    """It is refused before anything is written."""
    with pytest.raises(ConfigurationError, match="kid"):
        write_key(tmp_path, {"kty": "oct", "kid": kid})
    assert [] == list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    """No partial file is left."""
    with pytest.raises(TypeError):
        write_key(tmp_path, {"kid": "a", "x": {1}})

    assert [] == list(tmp_path.iterdir())


def test_a_missing_folder_of_ours_says_how_to_make_one(tmp_path, watch):
    """Only a missing folder of our own keys can be created."""
    missing = tmp_path / "none"

    with pytest.raises(ConfigurationError, match="No such file or directory; make one with `safeconduct keys new`"):
        watch.open(missing)
    with pytest.raises(ConfigurationError, match="No such file or directory; make one with `safeconduct keys new`"):
        read_own_keys(missing)
    with pytest.raises(ConfigurationError, match=r"No such file or directory$"):
        watch.open(missing, is_own=False)
