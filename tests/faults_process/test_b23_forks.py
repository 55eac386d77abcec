"""Fork worker processes from a parent that has used its ``Auth`` (fault 23)."""

import os
import signal
from secrets import token_hex

import pytest

from worker_processes import ServedWorkers, children_of, connections_of, fresh, report_of, wait_for

WORKERS = 4
PRELOADING = ["gunicorn sync", "gunicorn gthread", "gunicorn asgi"]
preloading = pytest.mark.parametrize("served", PRELOADING, indirect=True, scope="module")
every_server = pytest.mark.parametrize("served", [*PRELOADING, "uvicorn workers"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def served(request, auth, valkey, consistency):  # noqa: ARG001 - the store has begun
    more = {"PRELOAD": "1"} if request.param in PRELOADING else {}
    made = ServedWorkers(request.param, store_url=valkey.url, consistency=consistency, workers=WORKERS, **more)
    yield made
    made.close()


def refused_by_all(served, *tokens):
    """Wait until every worker refuses each of *tokens*, which with strict consistency they do at once."""
    for token in tokens:
        if served.consistency == "strict":
            assert {401} == set(served.statuses(token).values())
        wait_for(lambda token=token: set(served.statuses(token).values()) == {401})


def commands_on(valkey, ports):
    """Return how many commands came from each of *ports*."""
    lines = valkey.say("CLIENT", "LIST", "TYPE", "normal").splitlines()
    clients = [dict(word.partition("=")[::2] for word in line.split()) for line in lines if " addr=" in line]
    counts = {int(client["addr"].rpartition(":")[2] or 0): int(client["tot-cmds"]) for client in clients}
    return {port: counts[port] for port in ports}


@every_server
def test_b23_what_is_revoked_anywhere_is_refused_by_every_worker(served, auth, consistency):
    """Each worker has one follower of its own with bounded consistency, and none without."""
    names = token_hex(8), token_hex(8)
    (outside, inside), other = (fresh(jti=name) for name in names), fresh()
    before = served.statuses(outside) | served.statuses(inside)

    auth.sessions.revoke_token(names[0])
    revoking = served.ask(f"/revoke?token={names[1]}", other)
    refused_by_all(served, outside, inside)
    after = served.ask_all("/me", other)

    assert WORKERS == len(before)
    assert {200} == {*before.values(), revoking.status, *(response.status for response in after.values())}
    assert {("alice", int(consistency == "bounded"))} == {
        (report["who"], report["followers"]) for report in map(report_of, after.values())
    }


@preloading
def test_b23_no_worker_uses_what_it_inherited(served, valkey, consistency):
    """Each opens its own connections; those of the parent carry nothing, but what its own follower asks."""
    served.ask_all("/me", fresh())
    parent = connections_of(served.pid, valkey.port)
    before = commands_on(valkey, parent)

    workers = [process for _ in range(3) for process in served.ask_all("/me", fresh())]
    own = [connections_of(process, valkey.port) - parent for process in set(workers)]
    after = commands_on(valkey, parent)

    # Of the parent's blocking world, of its loop, and of its follower.
    assert (3 if consistency == "bounded" else 2) == len(parent)
    assert WORKERS == len(own)
    assert all(own)
    assert sum(map(len, own)) == len(set.union(*own))
    assert sum(before[port] != after[port] for port in parent) <= int(consistency == "bounded")


@preloading
def test_b23_workers_are_forked_while_revocations_arrive(served, auth):
    """The parent's follower may be anywhere when a worker is forked, and the worker knows what it has to."""
    served.ask_all("/me", fresh())
    ended = []
    for number in range(4):
        jti = token_hex(8)
        ended.append(fresh(jti=jti))
        before = children_of(served.pid)
        for worker in sorted(before)[number % 2 :: 2]:
            os.kill(worker, signal.SIGKILL)
        auth.sessions.revoke_token(jti)
        wait_for(lambda before=before: len(children_of(served.pid) - before) >= WORKERS // 2)

    refused_by_all(served, *ended)
    after = served.ask_all("/me", fresh())

    assert {("alice", 200)} == {(report_of(response)["who"], response.status) for response in after.values()}
