"""Use one ``Auth`` in several event loops and threads (fault 24)."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from login_site import login_configuration
from memory_directory import MemoryDirectory
from project_files import PROJECT
from safeconduct import Auth
from safeconduct.events import Fault
from served_processes import AsgiProcess, WsgiProcess, followers
from worker_processes import fresh, patiently, wait_for

TIMES = 20
EACH = 3


@pytest.mark.usefixtures("auth")
def test_b24_the_first_requests_of_a_process_may_come_at_once(valkey, consistency):
    """Each thread and each loop loads the driver that it needs, and none meets half of the other one."""
    support = PROJECT / "tests" / "support"

    done = subprocess.run(
        [sys.executable, str(support / "first_requests.py"), valkey.url, consistency],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert (f"{[(0,)] * 6} []\n", "") == (done.stdout, done.stderr)


class SharedAuth:
    """One ``Auth`` behind an ASGI and a WSGI application of this process."""

    def __init__(self, url, consistency):
        self.heard, self.before = [], followers()
        config = login_configuration(
            store={"url": url, "deadline_ms": 20_000}, revocation={"consistency": consistency, "staleness_seconds": 4}
        )
        self.auth = Auth(config, directory=MemoryDirectory(), listeners=[self.heard.append])
        self.asgi, self.wsgi = AsgiProcess(self.auth), WsgiProcess(self.auth)

    def followers(self):
        """Return its own threads that follow the store."""
        return [thread for thread in followers() if thread not in self.before]

    def ask_awaited(self, token):
        """Return the coroutine of one request."""
        return call_asgi(self.asgi, asgi_scope(_request(token)))

    def by_thread(self, token):
        """Ask in this thread."""
        return call_wsgi(self.wsgi, wsgi_environ(_request(token))).status

    def by_run(self, token):
        """Ask in an event loop that ends in an orderly way."""
        return asyncio.run(self.ask_awaited(token)).status

    def by_loop(self, token):
        """Ask in a loop as pytest makes one for each test."""
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self.ask_awaited(token)).status
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


def _request(token):
    return SentRequest("GET", "/me", (("host", b"app.example"), ("authorization", f"Bearer {token}".encode())), "https")


@pytest.fixture
def shared(auth, valkey, consistency):  # noqa: ARG001 - the store has begun
    made = SharedAuth(valkey.url, consistency)
    yield made
    made.auth.close()
    # Its follower ends after its present wait.
    for thread in made.followers():
        thread.join()


def test_b24_loops_and_threads_agree_and_share_one_follower(shared, auth, consistency):
    """Each of them refuses what another process revoked, from the first time on, and nothing else."""
    valid, ended, jti = fresh(), fresh(jti="ended before"), token_hex(8)
    auth.sessions.revoke_token("ended before")
    revoked, started = fresh(jti=jti), threading.Barrier(3 * EACH + 1)
    ways = [shared.by_thread, shared.by_run, shared.by_loop] * EACH

    def use(ask):
        wait_for(lambda: ask(ended) == 401)
        before = ask(valid), ask(revoked)
        started.wait()
        started.wait()
        answers = patiently(lambda: (ask(valid), ask(ended), ask(revoked)))
        seen = [next(answers)]
        while seen[-1][2] != 401:
            seen.append(next(answers))
        return before, [*seen, *(next(answers) for _ in range(TIMES))]

    with ThreadPoolExecutor(len(ways)) as threads:
        futures = [threads.submit(use, ask) for ask in ways]
        started.wait()
        auth.sessions.revoke_token(jti)
        started.wait()
        results = [future.result() for future in futures]

    assert {(200, 200)} == {before for before, _ in results}
    assert {(200, 401)} == {answer[:2] for _, answers in results for answer in answers}
    assert {401} == {answer[2] for _, answers in results for answer in answers[-TIMES:]}
    assert consistency == "bounded" or {401} == {answers[0][2] for _, answers in results}
    assert (consistency == "bounded") == len(shared.followers())
    assert [] == [event for event in shared.heard if isinstance(event, Fault)]


def test_b24_a_loop_for_each_test_leaves_no_connection(shared, valkey, consistency):
    """Sixty loops, two of them in one ``asyncio.run`` after the other; with bounded consistency they send nothing."""
    token = fresh()
    shared.by_run(token)
    view = shared.auth._container.store("asgi").bounded_view
    if consistency == "bounded":
        wait_for(lambda: shared.by_run(token) == 200 and view.age_seconds < 1)
    # A strict request reads the state of its shard, and so do followers from time to time; a bounded one would run a
    # script.
    counted = ("cmdstat_eval",) if consistency == "bounded" else ("cmdstat_eval", "cmdstat_hmget")
    connected, before = _connections(valkey), _calls(valkey, counted)

    answers = [ask(token) for _ in range(TIMES) for ask in (shared.by_run, shared.by_run, shared.by_loop)]

    assert [200] * (3 * TIMES) == answers
    assert _connections(valkey) <= connected + 1
    sent = _calls(valkey, counted) - before
    assert (sent == 0) if consistency == "bounded" else (sent >= 3 * TIMES)


def _connections(valkey):
    return valkey.say("CLIENT", "LIST", "TYPE", "normal").count(" addr=")


def _calls(valkey, commands):
    lines = valkey.say("INFO", "commandstats").splitlines()
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines if line.startswith(commands))
