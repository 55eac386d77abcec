"""Refuse the tokens of a removed key from the next look at the keys on, remembered ones too."""

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._keys.folder import write_key
from safeconduct.events import KeysGone
from table_tokens import NOW, OWN_KEY, SECRETS_KEY, mint, tokens
from worlds import Clock

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]


@pytest.fixture
def folder(tmp_path):
    for jwk in (OWN_KEY, SECRETS_KEY):
        write_key(tmp_path / "keys", jwk)
    return tmp_path / "keys"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("is_last", [True, False])
def test_d1_a_token_of_a_removed_key_is_refused_by_a_running_process(folder, world, is_last):
    """The remembered token is refused even if another file is broken or it was the last key."""
    heard = []
    time = Clock(NOW)
    auth = Auth(configuration(keys=folder), directory=MemoryDirectory(), clock=time, listeners=[heard.append])
    known = {"headers": BEARER}
    assert [200, 200] == [ask_in(world, auth, **known).status for _ in range(2)]
    if not is_last:
        write_key(folder, {**OWN_KEY, "kid": "other"})
    (folder / "broken.json").write_text("{")
    (folder / "own.json").unlink()
    auth._container.keys.reload()
    time.advance(seconds=1)

    seen = ask_in(world, auth, **known)

    assert (401, None) == (seen.status, seen.report)
    assert 'error="invalid_token"' in ",".join(seen.values("www-authenticate"))
    assert is_last == any(isinstance(event, KeysGone) for event in heard)


@pytest.mark.parametrize("world", WORLDS)
def test_d1_a_folder_that_cannot_be_read_refuses_no_valid_token(folder, world):
    """An unreadable disk does not remove keys."""
    auth = Auth(configuration(keys=folder), directory=MemoryDirectory(), clock=now)
    folder.rename(folder.with_name("gone"))
    auth._container.keys.reload()

    seen = ask_in(world, auth, headers=BEARER)

    assert 200 == seen.status
    assert "alice" in repr(seen.report)


@pytest.mark.parametrize("world", WORLDS)
def test_d5_a_token_of_a_key_that_was_just_written_is_taken(folder, world):
    """A key that another process has just published is accepted within the same second."""
    auth = Auth(configuration(keys=folder), directory=MemoryDirectory(), clock=now)
    write_key(folder, {**OWN_KEY, "kid": "fresh"})
    token = mint("alice", kid="fresh")

    seen = ask_in(world, auth, headers=[("authorization", f"Bearer {token}".encode())])

    assert 200 == seen.status
