"""What a gate remembers, and when it does not count any more."""

import pytest

from minting import FOREIGN_KEY, NOW, OWN_KEY, SECRETS_KEY, mint, tokens
from people import Folk
from safeconduct import Auth, ConfigurationError
from safeconduct._core import gate
from safeconduct._keys.keyset import KeySet
from stages import configuration, now
from table import basic
from worlds import Clock
from worlds_of_requests import WORLDS, ask_in

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]
BASIC = [(name, value.encode()) for name, value in basic("alice", "correct horse")]
both = pytest.mark.parametrize("world", WORLDS)


@both
@pytest.mark.parametrize("carried", ["header", "cookie"])
def test_a_token_that_was_proven_expires(world, carried):
    """To the second, leeway included, on either way."""
    clock = Clock(float(NOW))
    auth = Auth(configuration(), directory=Folk(), clock=clock)
    cookie = [("cookie", f"__Host-safeconduct={tokens()['alice']}".encode())]
    headers = BEARER if carried == "header" else cookie

    statuses = []
    for seconds in (0, 0, 909.999, 0.001):
        clock.advance(seconds=seconds)
        statuses.append(ask_in(world, auth, headers=headers).status)

    assert [200, 200, 200, 401] == statuses


@both
def test_a_cut_off_ends_a_pair_that_was_proven(world):
    """Once; the user who gives the password again is let in again."""
    folk = Folk(alice="correct horse")
    clock = Clock(float(NOW))
    auth = Auth(configuration(), directory=folk, clock=clock)
    before = [ask_in(world, auth, headers=BASIC).status for _ in range(2)]
    auth.sessions.revoke_subject("alice")
    clock.advance(seconds=0.01)

    after = [ask_in(world, auth, headers=BASIC).status for _ in range(2)]

    assert ([200, 200], [401, 200], 2) == (before, after, folk.checks)


@both
def test_a_key_that_goes_ends_what_it_proved(world):
    """Within a second of the look at the keys."""
    clock = Clock(float(NOW))
    keys = {"keys": [OWN_KEY, SECRETS_KEY, FOREIGN_KEY | {"safeconduct_state": "retired"}]}
    auth = Auth(configuration(keys=keys, trust=[]), directory=Folk(), clock=clock)
    headers = [("authorization", f"Bearer {mint(by='foreign')}".encode())]
    before = [ask_in(world, auth, headers=headers).status for _ in range(2)]
    table = KeySet.read({"keys": [OWN_KEY]}, is_own=True).table
    auth._workshop.keys.table = lambda: table
    for desk in auth._workshop._verifier._desks.values():
        desk._table = auth._workshop.keys.table

    clock.advance(seconds=1)

    assert [200, 200] == before
    assert 401 == ask_in(world, auth, headers=headers).status


@both
def test_many_paths_are_not_kept(world, monkeypatch):
    """A flood of paths costs no memory, and changes no answer."""
    monkeypatch.setattr(gate, "_ROUTES_REMEMBERED", 4)
    auth = Auth(configuration(), directory=Folk(), clock=now)

    statuses = {ask_in(world, auth, target=f"/x/{number}", headers=BEARER).status for number in range(20)}

    assert {200} == statuses
    kept = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()
    assert len(kept._routes) <= 4
    assert 403 == ask_in(world, auth, target="/admin", headers=BEARER).status


def test_a_shared_throttle_needs_a_shared_secret():
    """Else every process would count under names of its own; also where there are no keys at all."""
    fields = {"store": "redis://nowhere.invalid", "sources": ["bearer", "basic"], "keys": None}
    auth = Auth(configuration(**fields), directory=Folk(), clock=now)

    with pytest.raises(ConfigurationError, match="secrets"):
        auth.wsgi(print)


def test_a_shared_secret_names_the_counters():
    """Every process counts a name under the same one, and without a secret each under its own."""
    without = {"sources": ["bearer", "basic"], "keys": None}
    auths = [Auth(configuration(**fields), directory=Folk(), clock=now) for fields in ({}, {}, without, without)]

    named = [auth._workshop.proving._key() for auth in auths]

    assert named[0] == named[1]
    assert 3 == len(set(named))
