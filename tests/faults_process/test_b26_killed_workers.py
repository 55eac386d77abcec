"""Kill worker processes in the middle of a refresh and of a revocation, and restart them one by one (fault 26)."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from secrets import token_hex

import pytest

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from store_servers import Server
from worker_processes import ServedWorkers, children_of, fresh, wait_for

SHARDS = 3
#: The first exchange of a new connection introduces it.
STEPS = ["before 1", "after 1", "after 2", "response"]
REVOKING = ["before 1", *(f"after {number}" for number in range(1, SHARDS + 1))]


@pytest.fixture(scope="module")
def sharded_store():
    """Return a server of its own: the data of the other tests are in one shard."""
    server = Server("valkey")
    config = login_configuration(
        store={"url": server.url, "deadline_ms": 20_000, "shards": SHARDS}, revocation={"consistency": "strict"}
    )
    with Auth(config, directory=MemoryDirectory()) as made:
        # The epoch of each shard begins now.
        made.sessions.revoke_client("of nobody")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["gunicorn sync", "gunicorn asgi"])
def served(request, sharded_store, consistency):
    made = ServedWorkers(
        request.param,
        store_url=sharded_store.url,
        consistency=consistency,
        workers=2,
        PRELOAD="1",
        KILLABLE="1",
        SHARDS=str(SHARDS),
    )
    yield made
    made.close()


def post(served, target, values=None, **more):
    """Post JSON; return the status and the JSON of the response, or None if the worker died."""
    body = json.dumps(values or {}).encode()
    try:
        response = served.ask(target, method="POST", body=body, **{"content-type": "application/json"}, **more)
    except (OSError, HTTPException):
        return None
    return response.status, json.loads(response.body or "{}")


def retried(served, target, values=None, **more):
    """Post until a worker answers."""
    return wait_for(lambda: post(served, target, values, **more))


def signed_in(served):
    """Return the tokens of a new session."""
    status, tokens = retried(served, "/auth/login", {"username": "alice", "password": "wonder", "remember": True})
    assert 200 == status
    return tokens


def refresh(served, token, **more):
    """Refresh once."""
    return post(served, "/auth/refresh", {"refresh_token": token}, **more)


def asked(served, target, token):
    """Get until a worker answers, and return the response."""

    def ask():
        try:
            return served.ask(target, token)
        except (OSError, HTTPException):
            return None

    return wait_for(ask)


@pytest.mark.parametrize("step", STEPS)
def test_b26_a_refresh_that_kills_its_worker_is_repeated(served, step):
    """The retry gets the one successor, however often it is sent; of the chain only the newest token lives."""
    first = signed_in(served)["refresh_token"]

    killed = refresh(served, first, **{"x-kill": step})
    retries = [retried(served, "/auth/refresh", {"refresh_token": first}) for _ in range(2)]
    second = retries[0][1]
    status, third = retried(served, "/auth/refresh", {"refresh_token": second["refresh_token"]})
    late, _ = retried(served, "/auth/refresh", {"refresh_token": first})
    newest, _ = retried(served, "/auth/refresh", {"refresh_token": third["refresh_token"]})
    listed = json.loads(asked(served, "/auth/sessions", third["access_token"]).body)["sessions"]

    # A refresh may need fewer exchanges than the step counts.
    assert killed is None or (step.endswith("2") and killed[0] == 200)
    assert [200, 200, 200] == [*(each for each, _ in retries), status]
    assert 1 == len({tokens["refresh_token"] for _, tokens in retries} - {first})
    assert (401, 200) == (late, newest)
    assert 1 == len([each for each in listed if each["is_current"]])


@pytest.mark.parametrize("step", STEPS)
def test_b26_a_sign_out_that_kills_its_worker_is_repeated(served, step):
    """Whether or not the first attempt was done, nothing of the session lives after the second one."""
    tokens = signed_in(served)
    given = {"refresh_token": tokens["refresh_token"]}

    killed = post(served, "/auth/logout", given, **{"x-kill": step})
    status, _ = retried(served, "/auth/logout", given)
    refreshed, _ = retried(served, "/auth/refresh", given)
    wait_for(lambda: asked(served, "/me", tokens["access_token"]).status == 401)

    assert killed is None or (step.endswith("2") and killed[0] == 204)
    assert (204, 401) == (status, refreshed)


@pytest.mark.parametrize("step", REVOKING)
def test_b26_a_revocation_on_all_shards_that_kills_its_worker_is_repeated(served, step):
    """A client is revoked on each shard, one after the other; the second attempt writes what the first left."""
    client = token_hex(8)
    tokens = [fresh(f"user {number}", client_id=client) for number in range(2 * SHARDS)]
    before = {asked(served, "/me", token).status for token in tokens}

    with pytest.raises((OSError, HTTPException)):
        served.ask(f"/revoke?client={client}", fresh(), **{"x-kill": step})
    assert 200 == asked(served, f"/revoke?client={client}", fresh()).status
    for token in tokens:
        wait_for(lambda token=token: asked(served, "/me", token).status == 401)

    assert {200} == before


@pytest.mark.parametrize("served", ["gunicorn sync"], indirect=True, scope="module")
def test_b26_a_rolling_restart_loses_no_session_and_no_request(served):
    """Every worker is replaced, while three clients refresh and use what they get, each with one chain of tokens."""
    served.ask_all("/open")
    retired, has_ended = children_of(served.pid), threading.Event()

    def use(_):
        tokens, statuses = signed_in(served), []
        while not has_ended.is_set():
            status, tokens = refresh(served, tokens["refresh_token"])
            statuses += [status, served.ask("/me", tokens["access_token"]).status]
        return statuses

    with ThreadPoolExecutor(3) as clients:
        statuses = [clients.submit(use, number) for number in range(3)]
        try:
            os.kill(served.pid, signal.SIGHUP)
            wait_for(lambda: not (children_of(served.pid) & retired) and len(children_of(served.pid)) == served.count)
        finally:
            has_ended.set()
        seen = [status for each in statuses for status in each.result()]

    assert {200} == set(seen)
