"""Keep memory, threads and descriptors bounded under floods and many reconnects (fault 29)."""

import gc
import json
import types
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import pytest

from app_client import SentRequest, call_wsgi, wsgi_environ
from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import InvalidToken
from safeconduct.stores.redis import follower as follower_module
from served_processes import WsgiProcess, follower_of, followers
from worker_processes import fresh, wait_for

FEW, MANY, REQUESTS = 2_000, 200_000, 4_000
RECONNECTS = 1_000
#: Shared by the whole process, or referring to all of it.
_NOT_OURS = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType, types.FrameType)


def reachable(root):
    """Return how many objects *root* refers to, directly or not."""
    gc.collect()
    seen, found = {id(root)}, [root]
    while found:
        for each in gc.get_referents(found.pop()):
            if id(each) not in seen and not isinstance(each, _NOT_OURS):
                seen.add(id(each))
                found.append(each)
    return len(seen)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def segment(value):
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


FLOODS = {
    "tokens": lambda number: f"x.y.{number}",
    "kids": lambda number: f"{segment({'alg': 'ES256', 'typ': 'at+jwt', 'kid': f'k{number}'})}.e30.AAAA",
    "signatures": lambda number: f"{segment({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'own'})}.e30.{number:086d}",
}


def open_auth(valkey, **revocation):
    config = login_configuration(
        store={"url": valkey.url, "deadline_ms": 20_000}, revocation={"consistency": "bounded", **revocation}
    )
    return Auth(config, directory=MemoryDirectory())


@pytest.fixture
def flooded(valkey, auth):  # noqa: ARG001 - the store has begun
    """Return an ``Auth`` with a follower."""
    with open_auth(valkey) as made:
        made.verify(fresh())
        yield made


@pytest.mark.parametrize("kind", FLOODS)
def test_b29_a_flood_of_bad_tokens_leaves_nothing(kind, flooded):
    """Two hundred thousand tokens, each another one; a tenth as many where each is verified."""
    gate, bad = flooded.wsgi_gate(), FLOODS[kind]

    def flood(numbers):
        for number in numbers:
            with suppress(InvalidToken):
                run_sync(gate.verify(bad(number)))

    flood(range(FEW))
    before = reachable(gate)
    flood(range(FEW, MANY if kind != "signatures" else MANY // 10))

    # The follower may have learned of a revocation meanwhile.
    assert reachable(gate) - before < FEW


def test_b29_a_flood_of_requests_leaves_nothing(flooded, caplog):
    """Each has another token, another path, another cookie and another user."""
    caplog.set_level("CRITICAL", "safeconduct")
    application = WsgiProcess(flooded)

    def flood(numbers):
        for number in numbers:
            fields = [("host", b"app.example"), ("cookie", b"other=%d" % number)]
            fields += [("authorization", f"Bearer {FLOODS['kids'](number)}".encode())]
            response = call_wsgi(application, wsgi_environ(SentRequest("GET", f"/me/{number}", tuple(fields), "https")))
            assert 401 == response.status

    flood(range(REQUESTS // 2))
    before = reachable(flooded)
    flood(range(REQUESTS // 2, REQUESTS))

    assert reachable(flooded) - before < REQUESTS // 4


def test_b29_a_follower_that_reconnects_leaves_nothing(valkey, auth, monkeypatch):
    """A thousand times, each after it has followed; it is the same thread, and follows on."""
    monkeypatch.setattr(follower_module, "RETRY_SECONDS", 0)
    monkeypatch.setattr(follower_module, "BATCH_SECONDS", 0)
    # A round takes at most a quarter of this.
    with open_auth(valkey, staleness_seconds=0.004) as flooded:
        follower, connected = follower_of(flooded), []
        connect = follower.connect
        monkeypatch.setattr(follower, "connect", lambda: (connect(), connected.append(1)))
        flooded.verify(fresh())
        wait_for(lambda: connected)
        thread, before, opened = follower._thread, followers(), descriptors()

        for number in range(RECONNECTS):
            wait_for(lambda number=number: len(connected) > number)
            valkey.say("CLIENT", "KILL", "TYPE", "normal")
        wait_for(lambda: len(connected) > RECONNECTS)
        jti = token_hex(8)
        token = fresh(jti=jti)
        assert "alice" == flooded.verify(token).subject
        auth.sessions.revoke_token(jti)
        wait_for(lambda: is_refused(flooded, token))

        assert thread is follower._thread
        assert thread.is_alive()
        # Those of other tests may have ended meanwhile.
        assert set(followers()) <= set(before)
        assert descriptors() - opened < 10


def is_refused(auth, token):
    try:
        auth.verify(token)
    except InvalidToken:
        return True
    return False
