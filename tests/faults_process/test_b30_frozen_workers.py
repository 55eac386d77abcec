"""Give a worker no processor time for longer than a view may be old (fault 30)."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest

from worker_processes import ServedWorkers, children_of, fresh, wait_for

STALENESS_SECONDS = 0.1
TIMES = 6


@pytest.fixture(scope="module", params=["uvicorn", "gunicorn sync"])
def served(request, auth, valkey, consistency):  # noqa: ARG001 - the store has begun
    made = ServedWorkers(
        request.param, store_url=valkey.url, consistency=consistency, workers=1,
        STALENESS_SECONDS=str(STALENESS_SECONDS),
    )  # fmt: skip
    yield made
    made.close()


def test_b30_a_worker_that_was_frozen_believes_nothing_old(served, auth):
    """Its follower has not run either: what was revoked meanwhile is refused, and nothing else is."""
    valid, seen = fresh(), []
    for _ in range(TIMES):
        jti = token_hex(8)
        revoked = fresh(jti=jti)
        before = served.ask("/me", revoked).status, served.ask("/me", valid).status
        [worker] = children_of(served.pid) or {served.pid}
        os.kill(worker, signal.SIGSTOP)
        frozen_at = time.monotonic()
        with ThreadPoolExecutor(2) as clients:
            auth.sessions.revoke_token(jti)
            answers = [clients.submit(served.ask, "/me", token) for token in (revoked, valid)]
            # The fault itself takes this long.
            wait_for(lambda frozen_at=frozen_at: time.monotonic() > frozen_at + STALENESS_SECONDS)
            os.kill(worker, signal.SIGCONT)
            seen.append((before, tuple(answer.result().status for answer in answers)))

    assert [((200, 200), (401, 200))] * TIMES == seen
