"""Serve from green threads, and from threads that another language made (fault 25)."""

from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest

from worker_processes import ServedWorkers, fresh, report_of, wait_for

WORKERS, AT_ONCE, TIMES = 2, 8, 25


@pytest.fixture(params=["gunicorn gevent", "uwsgi threads", "uwsgi without threads"])
def served(request, auth, valkey):  # noqa: ARG001 - the store has begun
    package = "gevent" if "gevent" in request.param else "pyuwsgi"
    pytest.importorskip(package, reason=f"{package} is not installed")
    # uWSGI forks without the interpreter's lock, so that no thread may run in its parent process.  None does before the
    # first request.
    made = ServedWorkers(request.param, store_url=valkey.url, consistency="bounded", workers=WORKERS)
    yield made
    made.close()


def test_b25_requests_share_what_a_process_knows(served, auth):
    """Many at once, in each worker: a revoked token is refused by all from then on, and no reply is another's."""
    jti = token_hex(8)
    revoked, users = fresh(jti=jti), {name: fresh(name) for name in map("user {}".format, range(AT_ONCE))}
    before = served.statuses(revoked)

    def use(name):
        return {report_of(served.ask("/me", users[name]))["who"] for _ in range(TIMES)}

    auth.sessions.revoke_token(jti)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        seen = dict(zip(users, threads.map(use, users), strict=True))
    wait_for(lambda: set(served.statuses(revoked).values()) == {401})
    after = [served.ask("/me", revoked).status for _ in range(TIMES)]

    assert {200} == set(before.values())
    assert {name: {name} for name in users} == seen
    assert {401} == set(after)
