"""Remember proofs and requirements in the gate, and forget them when they no longer count."""

import asyncio
import json
from sys import getsizeof

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import WORLDS, AsgiReport, ask_in, wsgi_application
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth, ConfigurationError
from safeconduct._core.requirement import AUTHENTICATED, OPEN
from safeconduct._core.route_memory import FRESH_BYTES, USED_BYTES, RouteMemory
from safeconduct._keys.keyset import KeySet
from table_tokens import FOREIGN_KEY, NOW, OWN_KEY, SECRETS_KEY, mint, tokens
from worlds import Clock

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]
BASIC = [(name, value.encode()) for name, value in basic("alice", "correct horse")]
both = pytest.mark.parametrize("world", WORLDS)


@both
@pytest.mark.parametrize("carried", ["header", "cookie"])
def test_a_token_that_was_proven_expires(world, carried):
    """It expires to the second, with leeway, on both paths."""
    clock = Clock(float(NOW))
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=clock)
    cookie = [("cookie", f"__Host-safeconduct={tokens()['alice']}".encode())]
    headers = BEARER if carried == "header" else cookie

    statuses = []
    for seconds in (0, 0, 909.999, 0.001):
        clock.advance(seconds=seconds)
        statuses.append(ask_in(world, auth, headers=headers).status)

    assert [200, 200, 200, 401] == statuses


@both
def test_b7_a_pair_ended_by_a_cut_off_is_proven_again_in_the_same_request(world):
    """The request has the right password, which is compared again, so nothing is refused."""
    directory = MemoryDirectory(alice="correct horse")
    clock = Clock(float(NOW))
    auth = Auth(configuration(), directory=directory, clock=clock)
    before = [ask_in(world, auth, headers=BASIC).status for _ in range(2)]
    auth.sessions.revoke_subject("alice")
    clock.advance(seconds=0.01)

    after = [ask_in(world, auth, headers=BASIC).status for _ in range(2)]

    assert ([200, 200], [200, 200], 2) == (before, after, directory.checks)


@both
def test_b7_a_pair_that_is_proven_within_the_instant_of_the_cut_off_counts(world):
    """It was proven after the cut-off, like a token issued in the same millisecond."""
    directory = MemoryDirectory(alice="correct horse")
    auth = Auth(configuration(), directory=directory, clock=Clock(float(NOW)))
    before = ask_in(world, auth, headers=BASIC).status
    auth.sessions.revoke_subject("alice")

    after = [ask_in(world, auth, headers=BASIC).status for _ in range(2)]
    auth.sessions.revoke_subject("alice")
    again = ask_in(world, auth, headers=BASIC).status

    assert (200, [200, 200], 200, 3) == (before, after, again, directory.checks)


@both
def test_b7_a_pair_that_no_longer_counts_is_refused_after_a_cut_off(world):
    """The new proof finds that the user is gone."""
    directory = MemoryDirectory(alice="correct horse")
    clock = Clock(float(NOW))
    auth = Auth(configuration(), directory=directory, clock=clock)
    before = ask_in(world, auth, headers=BASIC)
    del directory.accounts["alice"]
    auth.sessions.revoke_subject("alice")
    clock.advance(seconds=0.01)

    after = ask_in(world, auth, headers=BASIC)

    assert (200, 401, 2) == (before.status, after.status, directory.checks)
    assert "invalid_token" == json.loads(after.body)["code"]


@both
@pytest.mark.parametrize("page", ["https://evil.example", "null"])
def test_c4_a_foreign_page_uses_no_try_of_basic_up(world, page):
    """A URL can hold a name and a wrong password, sent by the victim's browser."""
    directory = MemoryDirectory(alice="correct horse")
    auth = Auth(configuration(login={}), directory=directory, clock=Clock(float(NOW)))
    wrong = [(name, value.encode()) for name, value in basic("alice", "no")]

    seen = [ask_in(world, auth, method="POST", headers=[*wrong, ("origin", page.encode())]) for _ in range(8)]

    assert [403] * 8 == [each.status for each in seen]
    assert "cross_site_request" == json.loads(seen[0].body)["code"]
    assert [None] * 8 == [each.report for each in seen]
    assert 0 == directory.checks
    assert 200 == ask_in(world, auth, headers=BASIC).status


@both
def test_a_key_that_goes_ends_what_it_proved(world):
    """The keys are read at most once a second."""
    clock = Clock(float(NOW))
    keys = {"keys": [OWN_KEY, SECRETS_KEY, FOREIGN_KEY | {"safeconduct_state": "retired"}]}
    auth = Auth(configuration(keys=keys, trust=[]), directory=MemoryDirectory(), clock=clock)
    headers = [("authorization", f"Bearer {mint(by='foreign')}".encode())]
    before = [ask_in(world, auth, headers=headers).status for _ in range(2)]
    table = KeySet.read({"keys": [OWN_KEY]}, is_own=True).table
    auth._container.keys.table = lambda: table
    for trusted in auth._container.verifier._by_issuer.values():
        trusted._table = auth._container.keys.table

    clock.advance(seconds=1)

    assert [200, 200] == before
    assert 401 == ask_in(world, auth, headers=headers).status


def gate_of(auth, world):
    """Return one gate, and a function that sends requests to it."""
    return auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()


@both
def test_f2_a_flood_of_paths_forgets_no_path_in_use(world):
    """They still take the fast path, and the flood changes no answer."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    gate = gate_of(auth, world)
    in_use = {ask_in(world, auth, target=f"/used/{number}", headers=BEARER).status for number in range(20)}
    in_use |= {ask_in(world, auth, target=f"/used/{number}", headers=BEARER).status for number in range(20)}

    flood = {ask_in(world, auth, target=f"/x/{number}").status for number in range(4100)}

    assert ({200}, {401}) == (in_use, flood)
    assert {f"/used/{number}" for number in range(20)} <= {route[1] for route in gate._closed_routes}
    assert 403 == ask_in(world, auth, target="/admin", headers=BEARER).status


def entries_of(memory):
    return {**memory._fresh, **memory._used, **memory._idle}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("length", [1, 200, 4096])
def test_a6_the_route_memory_is_bounded_in_bytes(length, times):
    """The bound covers the whole key: method, path, mount prefix and raw path."""
    memory = RouteMemory()

    for number in range(6000):
        path = f"/{number}/" + "x" * length
        for route in [("GET", path, "", f"https://app.example{path}".encode()), (path, "/", "", None)] * times:
            if memory.get(route) is None:
                memory.put(route, AUTHENTICATED, is_closed=True)

    held = sum(getsizeof(part) for route in entries_of(memory) for part in route)
    parts = [memory._fresh, memory._used, memory._idle]
    reckoned = [sum(entry.size_bytes for entry in part.values()) for part in parts]
    assert held <= sum(reckoned)
    assert reckoned[0] <= FRESH_BYTES
    assert max(reckoned[1:]) <= USED_BYTES
    assert memory.closed.keys() <= memory._used.keys()
    assert (length == 4096) == (not entries_of(memory))


@both
def test_a6_a_long_target_is_judged_and_forgotten(world):
    """A server may pass 4 KB in absolute form beside a short path."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    gate = gate_of(auth, world)
    raw = "http://" + "x" * 4096 + "/admin"
    more = {"RAW_URI": raw} if world == "wsgi" else {"raw_path": raw.encode()}

    statuses = [ask_in(world, auth, target="/admin", headers=BEARER, **more).status for _ in range(3)]

    assert [403, 403, 403] == statuses
    assert {} == entries_of(gate._routes)


def test_f2_what_is_used_survives_two_generations_of_used_ones():
    """A path that is used while others fill the memory is never computed again."""
    memory = RouteMemory()
    mine = ("GET", "/mine", "", None)
    memory.put(mine, AUTHENTICATED, is_closed=True)

    lost = 0
    for number in range(10_000):
        route = ("GET", f"/x/{number}", "", None)
        memory.put(route, AUTHENTICATED, is_closed=True)
        memory.get(route)
        lost += number % 500 == 0 and memory.get(mine) is None

    assert 0 == lost
    assert memory.get(("GET", "/x/0", "", None)) is None


def test_an_open_route_is_remembered_but_not_for_the_fast_path():
    memory = RouteMemory()
    memory.put(("GET", "/open", "", None), OPEN, is_closed=False)

    assert OPEN is memory.get(("GET", "/open", "", None))
    assert {} == memory.closed


def test_a_shared_throttle_needs_a_shared_secret():
    """Otherwise every process would count under its own names, even without keys."""
    fields = {"store": "redis://nowhere.invalid", "sources": ["bearer", "basic"], "keys": None}
    auth = Auth(configuration(**fields), directory=MemoryDirectory(), clock=now)

    with pytest.raises(ConfigurationError, match="secrets"):
        auth.wsgi(print)


def test_a_shared_secret_names_the_counters():
    """All processes count a name under the same digest; without a secret each uses its own."""
    without = {"sources": ["bearer", "basic"], "keys": None}
    auths = [
        Auth(configuration(**fields), directory=MemoryDirectory(), clock=now) for fields in ({}, {}, without, without)
    ]

    named = [auth._container.passwords._key() for auth in auths]

    assert named[0] == named[1]
    assert 3 == len(set(named))


class RecordingDict(dict):
    """A scope or an environ that records which of its keys are read."""

    def __init__(self, *words):
        super().__init__(*words)
        self.read_keys = set()

    def __getitem__(self, name):
        self.read_keys.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.read_keys.add(name)
        return super().get(name, default)


def reads_all(world, application, headers, method="GET"):
    """Send a request and return whether all of it was read, which the fast path does not do."""
    request = SentRequest(method, "/me", (("host", b"app.example"), *headers), "https")
    if world == "wsgi":
        environ = RecordingDict(wsgi_environ(request))
        seen = call_wsgi(application, environ)
        read_keys, slow_path_key = environ.read_keys, "wsgi.url_scheme"
    else:
        scope = RecordingDict(asgi_scope(request))
        seen = asyncio.run(call_asgi(application, scope))
        read_keys, slow_path_key = scope.read_keys, "client"
    assert 200 == seen.status
    return slow_path_key in read_keys


@both
def test_f1_a_request_that_was_seen_before_takes_the_fast_path(world):
    """This holds from the second request on, for as many tokens as may be remembered."""
    auth = Auth(configuration(tokens={"remembered": 40}), directory=MemoryDirectory(), clock=now)
    application = auth.wsgi(wsgi_application) if world == "wsgi" else auth.asgi(AsgiReport())
    carriers = [[("authorization", f"Bearer {mint(f'user-{number}')}".encode())] for number in range(40)]

    cold = [reads_all(world, application, headers) for headers in carriers]
    warm = [reads_all(world, application, headers) for _ in range(3) for headers in carriers]

    assert [True] * 40 == cold
    assert [False] * 120 == warm


@both
@pytest.mark.parametrize("fields", [{}, {"store": "none"}], ids=["memory", "no store"])
def test_what_was_proven_before_the_end_is_not_recalled_after_it(world, fields):
    """A closed ``Auth`` answers 503 on the fast path too, and calls no application."""
    auth = Auth(configuration(**fields), directory=MemoryDirectory(), clock=now)
    application = auth.wsgi(wsgi_application) if world == "wsgi" else auth.asgi(AsgiReport())
    # A route is remembered for the fast path with its second request.
    assert [True, True, False] == [reads_all(world, application, BEARER) for _ in range(3)]

    auth.close()
    request = SentRequest("GET", "/me", (("host", b"app.example"), *BEARER), "https")
    if world == "wsgi":
        seen = call_wsgi(application, wsgi_environ(request))
    else:
        seen = asyncio.run(call_asgi(application, asgi_scope(request)))

    assert (503, None) == (seen.status, seen.report)
    assert seen.values("retry-after")
    assert "unavailable" == json.loads(seen.body)["code"]
