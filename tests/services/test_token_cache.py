"""A token is fetched once for all who need it, ahead of its end, and dropped when a server refuses it."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from http_callers import CALLERS
from safeconduct.service import ClientCredentials, Options, TokenEndpointUnavailable, TokenRequestRefused
from token_server import CannedResponse, token_answer

SECRET = "k3Jf8sLq0vXz7Rt2Wm5Yp9Ab4Cd6Ef1G-x"
BLOCKING, AWAITING, REQUESTS = CALLERS
MANY = 50


def asking(server, clock, **more):
    """Return the auth of the service *reports* at the token endpoint of *server*."""
    options = Options(clock=clock, **more)
    return ClientCredentials("reports", SECRET, token_url=server.token_url, options=options)


def bearers(server):
    """Return the tokens that the resource got."""
    return [asked.token for asked in server.asked if asked.path != "/token"]


def test_fifty_callers_make_one_token_request(server, clock, caller):
    """Threads and tasks alike, counted by the server."""
    auth = asking(server, clock)

    answers = caller.call_at_once(MANY, f"{server.origin}/api", auth=auth)

    assert [(200, "resource")] * MANY == answers
    assert 1 == len(server.token_requests)
    assert ["token-1"] * MANY == bearers(server)


def test_threads_and_tasks_share_one_token_request(server, clock):
    """One caller fetches and the others wait for it: a thread for a task and a task for a thread."""
    auth = asking(server, clock)
    server.gate.clear()

    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(each.call_at_once, 10, f"{server.origin}/api", auth=auth) for each in CALLERS]
        server.arrived.wait(30)
        server.gate.set()
        answers = [answer for call in calls for answer in call.result()]

    assert [(200, "resource")] * 30 == answers
    assert 1 == len(server.token_requests)


def test_fifty_callers_renew_once(server, clock, caller):
    """The token is still valid, so at most one of them waits for the next one."""
    auth = asking(server, clock)
    caller.call("GET", server.origin, auth=auth)
    clock.advance(seconds=245)

    answers = caller.call_at_once(MANY, f"{server.origin}/api", auth=auth)

    assert [(200, "resource")] * MANY == answers
    assert 2 == len(server.token_requests)


def test_nobody_waits_for_a_renewal_while_the_token_is_valid(server, clock, caller):
    """One caller renews; the others go on with the token at hand."""
    auth = asking(server, clock)
    caller.call("GET", server.origin, auth=auth)
    clock.advance(seconds=245)
    server.gate.clear()
    server.arrived.clear()

    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(caller.call, "GET", server.origin, auth=auth)
        server.arrived.wait(30)
        caller.call("GET", server.origin, auth=auth)
        server.gate.set()
        renewing.result()

    assert ["token-1", "token-1", "token-2"] == bearers(server)


@pytest.mark.parametrize(
    "fault", [CannedResponse(503), CannedResponse(400, {"error": "invalid_client"}), CannedResponse(200, b"no JSON")]
)
def test_a_failed_early_renewal_keeps_the_valid_token(server, clock, caller, fault):
    """It counts until its end, and another attempt is made after five seconds."""
    auth = asking(server, clock)
    caller.call("GET", server.origin, auth=auth)
    server.tokens = lambda *_: fault
    attempts = []

    for seconds in (245, 1, 5):
        clock.advance(seconds=seconds)
        assert (200, "resource") == caller.call("GET", server.origin, auth=auth)
        attempts.append(len(server.token_requests))
    server.tokens = lambda number, _: token_answer(f"token-{number}")
    clock.advance(seconds=5)
    caller.call("GET", server.origin, auth=auth)

    assert [2, 2, 3] == attempts
    assert ["token-1"] * 4 + ["token-4"] == bearers(server)


def test_a_failed_renewal_after_the_end_is_an_error(server, clock, caller):
    auth = asking(server, clock)
    caller.call("GET", server.origin, auth=auth)
    server.tokens = lambda *_: CannedResponse(503, headers={"Retry-After": "7"})
    clock.advance(seconds=296)

    with pytest.raises(TokenEndpointUnavailable) as caught:
        caller.call("GET", server.origin, auth=auth)

    assert (503, 7) == (caught.value.status, caught.value.retry_after_seconds)
    assert ["token-1"] == bearers(server)


def test_all_who_wait_get_the_error_of_the_one_request(server, clock, caller):
    """No second caller tries at once what the first one was just refused; each has an exception of its own."""
    auth = asking(server, clock)
    server.gate.clear()
    server.tokens = lambda *_: CannedResponse(400, {"error": "invalid_client"})
    waiting = threading.Barrier(2)

    def open_gate():
        waiting.wait()
        server.arrived.wait(30)
        _until_waiting(auth, MANY - 1)
        server.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    waiting.wait()
    errors = caller.call_at_once(MANY, f"{server.origin}/api", auth=auth)
    opener.join()

    assert {TokenRequestRefused} == {type(error) for error in errors}
    assert MANY == len({id(error) for error in errors})
    assert 1 == len(server.token_requests)


def _until_waiting(auth, number):
    """Wait until so many callers wait for the fetch that is under way."""
    result = auth._tokens()._fetch.result
    while len(result._done_callbacks) + _blocked(result) < number:
        os.sched_yield()


def _blocked(result):
    return len(result._condition._waiters)


def test_fifty_refusals_drop_a_token_once(server, clock, caller):
    """A late 401 for the old token does not drop the new one."""
    auth = asking(server, clock)
    server.resource = lambda asked: CannedResponse(401 if asked.token == "token-1" else 200, b"resource")

    answers = caller.call_at_once(MANY, f"{server.origin}/api", auth=auth)

    assert [(200, "resource")] * MANY == answers
    assert 2 == len(server.token_requests)


def test_a_late_refusal_of_the_old_token_keeps_the_new_one(server, clock):
    """Another request was sent with the old one before it was dropped."""
    tokens = asking(server, clock)._tokens()
    old = tokens.get()
    tokens.reject(old)
    new = tokens.get()

    tokens.reject(old)

    assert tokens.get() is new
    assert 2 == len(server.token_requests)


def test_a_cancelled_task_leaves_the_fetch_to_the_next(server, clock):
    """The one who fetches is cancelled: another one fetches, and nobody waits for ever."""
    auth = asking(server, clock)
    server.gate.clear()

    async def cancel_the_first():
        async with httpx2.AsyncClient(auth=auth) as client:
            first = asyncio.create_task(client.get(server.origin))
            await asyncio.to_thread(server.arrived.wait, 30)
            others = [asyncio.create_task(client.get(server.origin)) for _ in range(5)]
            await asyncio.to_thread(_until_waiting, auth, 5)
            others[0].cancel()
            first.cancel()
            await asyncio.gather(first, others[0], return_exceptions=True)
            server.gate.set()
            return [response.status_code for response in await asyncio.gather(*others[1:])]

    assert [200] * 4 == asyncio.run(cancel_the_first())
    assert 2 == len(server.token_requests)


def test_a_blocking_call_within_the_loop_does_not_wait_for_a_task_of_it(server, clock):
    """It would wait for ever, since it keeps the loop from running: it fetches for itself."""
    auth = asking(server, clock)
    server.gate.clear()

    async def block():
        async with httpx2.AsyncClient(auth=auth) as client:
            task = asyncio.create_task(client.get(server.origin))
            await asyncio.to_thread(server.arrived.wait, 30)
            server.gate.set()
            status, _ = BLOCKING.call("GET", server.origin, auth=auth)
            return status, (await task).status_code

    assert (200, 200) == asyncio.run(block())
    assert 2 == len(server.token_requests)


@pytest.mark.parametrize("waiting", [BLOCKING, AWAITING], ids=lambda each: each.name)
def test_waiting_for_the_fetch_of_another_caller_has_a_limit(server, clock, waiting):
    """The one who fetches is stuck; the next caller tries for itself."""
    auth = asking(server, clock)
    tokens = auth._tokens()
    tokens._patience_seconds = 0.01
    tokens._next(is_blocking=True)  # a fetch that never ends

    with pytest.raises(TokenEndpointUnavailable, match="timeout"):
        waiting.call("GET", server.origin, auth=auth)
    assert 200 == waiting.call("GET", server.origin, auth=auth)[0]


def test_b23_a_forked_child_does_not_wait_for_a_fetch_of_its_parent(server, clock):
    auth = asking(server, clock)
    tokens = auth._tokens()
    tokens._next(is_blocking=True)
    tokens._lock.acquire()

    tokens.drop_inherited()

    assert 200 == BLOCKING.call("GET", server.origin, auth=auth)[0]


def test_a_fault_of_the_client_is_not_mistaken_for_an_answer(server, clock, caller):
    """What a factory raises goes to the caller, and the next one tries again."""

    def no_client():
        raise OSError("no certificate")

    auth = asking(server, clock, new_client=no_client, new_async_client=no_client)

    for _ in range(2):
        with pytest.raises(OSError, match="no certificate"):
            caller.call("GET", server.origin, auth=auth)


def test_a_blocking_caller_fetches_if_the_one_it_waited_for_gave_up(server, clock):
    """A fault of one caller is not an error for the others."""
    made = []

    def new_client():
        made.append(httpx2.Client())
        if len(made) == 1:
            _until_waiting(auth, 1)
            raise OSError("no certificate")
        return made[-1]

    auth = asking(server, clock, new_client=new_client)

    outcomes = BLOCKING.call_at_once(2, server.origin, auth=auth)

    assert {OSError, tuple} == {type(outcome) for outcome in outcomes}
    assert 1 == len(server.token_requests)
