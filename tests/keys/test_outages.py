"""Handle every failure of reading keys: the decision table in ``folder``, row by row."""

import json
import os
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from key_folders import is_skip, kids
from safeconduct._keys.folder import read_own_keys, write_key
from safeconduct.errors import ConfigurationError
from safeconduct.events import (
    KeysGone,
    KeySkipped,
    KeysRecovered,
    KeysReloaded,
    KeysUnreadable,
)
from token_factory import jwk_for, public_jwk_for


def test_d5_an_unknown_kid_within_the_second_after_a_look_is_looked_for(folder, watch):
    """The keys are read once a second at most, however many tokens name unknown keys."""
    keys = watch.open(folder)
    watch.now = 1.0
    keys.current()
    write_key(folder, jwk_for("ES256", "b"))
    watch.now = 1.1

    keys.reload()

    assert ["a", "b"] == kids(keys)
    write_key(folder, jwk_for("ES256", "c"))
    for watch.now in (1.2, 1.9, 2.0):
        keys.reload()
        assert ["a", "b"] == kids(keys)
    watch.now = 2.1
    keys.reload()
    assert ["a", "b", "c"] == kids(keys)


def test_d5_the_look_for_an_unknown_kid_also_holds_for_a_file_of_a_trust(tmp_path, watch):
    """A trust's new keys are found in the same way."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public_jwk_for("ES256", "a")]}))
    keys = watch.open(path, is_own=False)
    path.write_text(json.dumps({"keys": [public_jwk_for("ES256", "a"), public_jwk_for("ES256", "b")]}))

    keys.reload()

    assert ["a", "b"] == kids(keys)


def test_d1_a_folder_that_is_emptied_has_no_keys(folder, watch):
    """The outage and its end are reported once, at a high level."""
    keys = watch.open(folder)
    (folder / "a.json").unlink()

    for watch.now in (1.0, 2.0):
        assert [] == kids(keys)
    for watch.now, text in ((3.0, "{}"), (4.0, '{"kty": "oct"}')):
        (folder / "blank.json").write_text(text)
        assert [] == kids(keys)
    (folder / "blank.json").unlink()
    write_key(folder, jwk_for("ES256", "b"))
    watch.now = 5.0
    assert ["b"] == kids(keys)
    reported = [event for event in watch.events if not is_skip(event)]
    assert [KeysGone(source=str(folder)), KeysReloaded(keys=1), KeysRecovered(source=str(folder))] == reported
    assert 50 == reported[0].log_level


def break_json(path):
    """Truncate a file to half."""
    path.write_text("{")


def grow(path):
    """Make a file larger than any key."""
    path.write_bytes(b" " * (1024 * 1024 + 1))


def tangle(path):
    """Replace a file by a link to itself, which cannot be opened."""
    path.unlink(missing_ok=True)
    path.symlink_to(path)


@pytest.mark.parametrize("spoil", [break_json, grow, tangle])
def test_d1_a_removal_holds_while_another_file_cannot_be_read(folder, watch, spoil):
    """An unreadable file keeps its key; a new unreadable file adds none."""
    for kid in ("b", "c"):
        write_key(folder, jwk_for("ES256", kid))
    keys = watch.open(folder)
    spoil(folder / "b.json")
    spoil(folder / "new.json")
    (folder / "a.json").unlink()

    watch.now = 1.0

    assert ["b", "c"] == kids(keys)
    assert [KeysUnreadable, KeysReloaded] == [type(event) for event in watch.events if not is_skip(event)]
    (folder / "b.json").unlink()
    watch.now = 2.0
    assert ["c"] == kids(keys)
    (folder / "c.json").unlink()
    watch.now = 3.0
    assert [] == kids(keys)
    assert KeysGone(source=str(folder)) in watch.events


def test_d1_a_key_that_was_added_counts_while_another_file_cannot_be_read(folder, watch):
    """A fault of one file does not affect the others."""
    keys = watch.open(folder)
    break_json(folder / "a.json")
    write_key(folder, jwk_for("ES256", "b"))

    watch.now = 1.0

    assert ["a", "b"] == kids(keys)


@pytest.mark.parametrize("text", ["{}", json.dumps({"kty": "oct", "k": "c2VjcmV0"})], ids=["blank", "unusable"])
def test_d1_a_file_that_holds_no_usable_key_any_more_has_none(folder, watch, text):
    """The file was read, so its new content counts."""
    write_key(folder, jwk_for("ES256", "b"))
    keys = watch.open(folder)
    (folder / "a.json").write_text(text)

    watch.now = 1.0

    assert ["b"] == kids(keys)


@pytest.mark.parametrize("text", ['{"keys": []}', json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})])
def test_d1_a_set_without_a_usable_key_has_none(tmp_path, watch, text):
    """The file was read, and is reported like an emptied folder."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public_jwk_for("ES256", "a")]}))
    keys = watch.open(path, is_own=False)
    path.write_text(text)

    watch.now = 1.0

    assert [] == kids(keys)
    assert KeysGone(source=str(path)) in watch.events


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"keys": 1}', json.dumps({"keys": ["x"] * 101})])
def test_a_set_that_cannot_be_read_keeps_its_keys(tmp_path, watch, text):
    """A missing, half-written or malformed file keeps its keys."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public_jwk_for("ES256", "a")]}))
    keys = watch.open(path, is_own=False)
    if text is None:
        path.unlink()
    else:
        path.write_text(text)

    for watch.now in (1.0, 2.0):
        assert ["a"] == kids(keys)
    assert [KeysUnreadable] == [type(event) for event in watch.events if not is_skip(event)]


def test_d1_a_folder_of_too_many_files_keeps_what_it_had_and_a_removal_holds(folder, watch):
    """It is undecidable which of a hundred and one keys is too many."""
    write_key(folder, jwk_for("ES256", "b"))
    keys = watch.open(folder)
    for number in range(100):
        (folder / f"{number}.json").write_text("{")
    (folder / "a.json").unlink()

    watch.now = 1.0

    assert ["b"] == kids(keys)
    assert "more than 100 files" in watch.events[0].reason


def test_d4_each_outage_and_its_end_are_reported_once(folder, watch):
    """This holds for a second outage like the first, too."""
    keys = watch.open(folder)
    gone = folder.with_name("gone")
    for second in (1.0, 4.0):
        folder.rename(gone)
        for watch.now in (second, second + 1):
            keys.current()
        gone.rename(folder)
        watch.now = second + 2
        keys.current()

    assert [KeysUnreadable, KeysRecovered] * 2 == [type(event) for event in watch.events]
    assert keys.current() is keys.current()


def test_d4_a_file_that_heals_without_a_change_is_reported(folder, watch):
    """Unchanged keys are the same object, so remembered proofs stay valid."""
    keys = watch.open(folder)
    first = keys.current()
    (folder / "b.json").write_text("{")
    watch.now = 1.0
    assert first is keys.current()
    (folder / "b.json").unlink()
    watch.now = 2.0

    assert first is keys.current()

    assert [KeysUnreadable, KeysRecovered] == [type(event) for event in watch.events]


def make_dangling(path):
    """Make a dangling link."""
    path.symlink_to("nowhere")


def make_stray(path):
    """Make a link that leads through a file."""
    path.symlink_to(path.with_name("a.json") / "x")


def make_socket(path):
    """Make a socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


ODD = [make_dangling, make_stray, make_socket, os.mkfifo, Path.mkdir, tangle]


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
def test_d3_what_is_no_regular_file_is_skipped_and_named(folder, watch, make):
    """This holds at the start and for the command line; it is never opened, so a FIFO cannot block."""
    make(folder / "odd.json")

    keys = watch.open(folder)

    assert ["a"] == kids(keys)
    assert ["odd"] == [event.kid for event in watch.events if isinstance(event, KeySkipped)]
    assert ["odd"] == [kid for kid, _ in read_own_keys(folder).skipped]
    assert "odd.json" in next(event.reason for event in watch.events if isinstance(event, KeysUnreadable))


@pytest.mark.parametrize("make", ODD[:-1], ids=lambda make: make.__name__)
def test_d3_what_takes_the_place_of_a_key_ends_the_key(folder, watch, make):
    """The file with the key is gone."""
    write_key(folder, jwk_for("ES256", "b"))
    keys = watch.open(folder)
    (folder / "b.json").unlink()
    make(folder / "b.json")

    watch.now = 1.0

    assert ["a"] == kids(keys)
    assert "b.json" in watch.events[0].reason


@pytest.mark.parametrize("make", [make_dangling, make_socket, os.mkfifo], ids=lambda make: make.__name__)
def test_d3_a_source_that_is_no_regular_file_is_refused_with_its_name(tmp_path, watch, make):
    """This holds for a set in one file, also for a trust."""
    make(tmp_path / "jwks.json")

    with pytest.raises(ConfigurationError, match=r"jwks\.json"):
        watch.open(tmp_path / "jwks.json", is_own=False)


def test_d3_a_file_without_permission_is_skipped_and_its_key_stays(folder, watch, powerless):
    """After a change of permissions the old keys stay in use, and a new process names the file."""
    write_key(folder, jwk_for("ES256", "b"))
    keys = watch.open(folder)
    (folder / "b.json").chmod(0)

    with powerless(folder):
        watch.now = 1.0
        assert ["a", "b"] == kids(keys)
        fresh = watch.open(folder)

    assert ["a"] == kids(fresh)
    assert [KeysUnreadable, KeySkipped, KeysUnreadable] == [type(event) for event in watch.events]
    assert "b.json: Permission denied" == watch.events[0].reason


@pytest.fixture
def powerless(tmp_path):
    """Return a context manager that drops root's permission to read everything."""

    @contextmanager
    def run(*owned):
        if os.geteuid() != 0:
            yield
            return
        places = [*owned, *(each for folder in owned for each in folder.iterdir())]
        # The folders of pytest are root's alone, up to the shared temporary folder.
        above = [each for each in tmp_path.parents if each.stat().st_uid == 0 and not each.stat().st_mode & 0o001]
        modes = [(each, each.stat().st_mode) for each in above]
        for each in above:
            each.chmod(0o711)
        for each in (tmp_path, *places):
            os.chown(each, 65534, 65534)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
            for each, mode in modes:
                each.chmod(mode)

    return run
