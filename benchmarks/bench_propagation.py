"""
Measure how long it takes until every worker process of a real server refuses what was revoked, and whether any forgets.

1. Four workers of uvicorn and of gunicorn follow one Valkey, to which another process writes 300 revocations a second.
   Of some of them it is measured, over a kept connection to each worker, when the last worker refuses: idle, and with a
   fifth of a core burnt in each worker.
2. The server cuts every connection, is killed and started again, and fails over to its replica.  Afterwards each
   revocation that was acknowledged, and that the server still has, must be refused by every worker.

``python benchmarks/bench_propagation.py [--probes 300] [--rate 300] [--cuts 50] [--restarts 10] [--failovers 10]``
"""

import argparse
import multiprocessing
import os
import random
import selectors
import statistics
import sys
import time
from pathlib import Path
from secrets import token_hex

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from faulty_connections import Proxy
from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.errors import Unavailable
from store_servers import Server
from worker_processes import ServedWorkers, fresh, wait_for

WORKERS, PROBES_A_SECOND = 4, 15
SERVERS = ("uvicorn workers", "gunicorn gthread")
REVOKED_AT_ONCE = 10
#: The greatest age of a view by default.
STALENESS_SECONDS = 1.0
PASSES, REFUSED = 200, 401


def open_auth(url):
    config = login_configuration(store={"url": url, "deadline_ms": 2000}, revocation={"consistency": "strict"})
    return Auth(config, directory=MemoryDirectory())


class WorkerConnection:
    """A kept connection to one worker."""

    def __init__(self, served):
        self.socket = served.connect()
        self._received = b""
        self.send(fresh())
        self.process = self.receive()[1]

    def send(self, token):
        self.socket.sendall(f"GET /me HTTP/1.1\r\nhost: app.example\r\nauthorization: Bearer {token}\r\n\r\n".encode())

    def receive(self):
        """Return status, process and when the worker answered."""
        while True:
            head, end, body = self._received.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in lines[1:])
            length = int(fields.get(b"content-length", 0))
            if end and len(body) >= length:
                self._received = body[length:]
                return int(lines[0].split()[1]), int(fields[b"x-process"]), int(fields[b"x-began-ns"])
            octets = self.socket.recv(1 << 16)
            if not octets:
                raise ConnectionError("the worker closed the connection")
            self._received += octets

    def ask(self, token):
        self.send(token)
        return self.receive()[0]


def connections_to_workers(served):
    """Connect until every worker has a connection."""
    found = {}
    while len(found) < WORKERS:
        made = WorkerConnection(served)
        if found.setdefault(made.process, made) is not made:
            made.socket.close()
    return list(found.values())


def revoke_at(rate, url, has_ended):
    """Revoke in a process of its own, as often as *rate* says."""
    auth, draw = open_auth(url), random.Random(1)  # noqa: S311 - the same each time
    due_at = time.perf_counter()
    while not has_ended.is_set():
        auth.sessions.revoke_token(token_hex(8))
        due_at += draw.expovariate(rate)
        time.sleep(max(0.0, due_at - time.perf_counter()))
    auth.close()


def probe(auth, workers, selector):
    """Revoke one token; return until when the last worker refused it, and how long the write took, in ms."""
    jti = token_hex(8)
    token = fresh(jti=jti)
    assert {PASSES} == {worker.ask(token) for worker in workers}
    began_ns = time.monotonic_ns()
    auth.sessions.revoke_token(jti)
    write_ms = (time.monotonic_ns() - began_ns) / 1e6
    for worker in workers:
        worker.send(token)
    refused_ns = []
    while len(refused_ns) < WORKERS:
        for key, _ in selector.select():
            status, _, at_ns = key.data.receive()
            if status == PASSES:
                key.data.send(token)
            else:
                assert status == REFUSED, status
                refused_ns.append(at_ns)
    return (max(refused_ns) - began_ns) / 1e6, write_ms


def measure_propagation(kind, url, *, load, probes, rate):
    """Print how long it takes until the last of the workers refuses."""
    auth = open_auth(url)
    auth.sessions.revoke_token("of nobody")
    served = ServedWorkers(
        kind, store_url=url, consistency="bounded", workers=WORKERS, module="served_under_load", LOAD=str(load),
        # It closes a connection after two seconds without a request, and probes on a busy machine are further apart.
        GUNICORN_CMD_ARGS="--keep-alive 75",
    )  # fmt: skip
    has_ended = multiprocessing.Event()
    writer = multiprocessing.Process(target=revoke_at, args=(rate - PROBES_A_SECOND, url, has_ended), daemon=True)
    try:
        workers = connections_to_workers(served)
        selector = selectors.DefaultSelector()
        for worker in workers:
            selector.register(worker.socket, selectors.EVENT_READ, worker)
        writer.start()
        measured, draw = [], random.Random(2)  # noqa: S311 - the same each time
        for number in range(-20, probes):
            found = probe(auth, workers, selector)
            if number >= 0:
                measured.append(found)
            time.sleep(draw.expovariate(PROBES_A_SECOND))
    finally:
        has_ended.set()
        served.close()
        auth.close()
    writer.join()
    delays, writes = (sorted(column) for column in zip(*measured, strict=True))
    p50, p99 = (delays[int(len(delays) * part)] for part in (0.5, 0.99))
    write = statistics.median(writes)
    print(
        f"{kind}, load {load}: to the last of {WORKERS} workers p50 {p50:.2f} ms ({p50 / write:.1f} writes of "
        f"{write:.2f} ms), p99 {p99:.2f} ms, most {delays[-1]:.2f} ms"
    )


class Loss:
    """Revoke around a fault, and count what the workers let pass afterwards although the server has it."""

    def __init__(self, kind, url):
        self._auth = open_auth(url)
        wait_for(lambda: self._revoke("of nobody"))
        self._served = ServedWorkers(
            kind, store_url=url, consistency="bounded", workers=WORKERS, module="served_under_load", LOAD="0",
            DEADLINE_MS="2000",
        )  # fmt: skip
        self.acknowledged = self.lost = self.kept = 0

    def _revoke(self, jti):
        try:
            return self._auth.sessions.revoke_token(jti)
        except Unavailable:
            return None

    def around(self, fault):
        """Revoke before, during and after *fault*."""
        control, names = fresh(), [token_hex(8) for _ in range(3 * REVOKED_AT_ONCE)]
        tokens = {jti: fresh(jti=jti) for jti in names}
        for token in (control, *tokens.values()):
            wait_for(lambda token=token: self._all_say(PASSES, token))
        acknowledged = [jti for jti in names[:REVOKED_AT_ONCE] if self._revoke(jti)]
        during = iter(names[REVOKED_AT_ONCE : 2 * REVOKED_AT_ONCE])
        for _ in fault():
            acknowledged += [jti for jti in [next(during)] if self._revoke(jti)]
        wait_for(lambda: self._revoke(token_hex(8)))
        acknowledged += [jti for jti in names[2 * REVOKED_AT_ONCE :] if self._revoke(jti)]
        late_at = time.monotonic() + STALENESS_SECONDS
        wait_for(lambda: self._all_say(PASSES, fresh()))
        self.acknowledged += len(acknowledged)
        self.lost += sum(not self._is_refused(tokens[jti], late_at) for jti in acknowledged)
        self.kept += self._all_say(PASSES, control)

    def _is_refused(self, token, late_at):
        """Say whether every worker refuses *token*, those that were asked before *late_at* at a later time."""
        while not self._all_say(REFUSED, token):
            if time.monotonic() > late_at:
                return self._all_say(REFUSED, token)
        return True

    def _all_say(self, status, token):
        return set(self._served.statuses(token).values()) == {status}

    def close(self):
        self._served.close()
        self._auth.close()


class FaultyServer:
    """A server whose faults happen step by step; clients reach it at an address that follows it to its replica."""

    def __init__(self):
        self.server = self._new_server()
        self.proxy = Proxy(self.server.port)

    def _new_server(self):
        server = Server("valkey", "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0")
        server.keep_changes("always")
        return server

    def cut(self):
        for _ in range(3):
            self.server.say("CLIENT", "KILL", "TYPE", "normal")
            yield

    def restart(self):
        self.server.kill()
        yield
        self.server.start()
        yield

    def fail_over(self):
        replica = self._new_server()
        replica.say("REPLICAOF", "127.0.0.1", self.server.port)
        wait_for(lambda: replica.statistic("replication", "master_link_status") == "up")
        yield
        yield
        self.server.stop()
        yield
        replica.say("REPLICAOF", "NO", "ONE")
        self.server, self.proxy._target = replica, replica.port  # noqa: SLF001 - as a floating address would
        yield

    def stop(self):
        self.proxy.stop()
        self.server.stop()


def measure_losses(kind, *, cuts, restarts, failovers):
    """Print how many acknowledged revocations a worker let pass after each kind of fault."""
    faulty = FaultyServer()
    loss = Loss(kind, faulty.proxy.url)
    faults = {"cuts": (faulty.cut, cuts), "restarts": (faulty.restart, restarts)}
    faults["failovers"] = faulty.fail_over, failovers
    try:
        for name, (fault, times) in faults.items():
            loss.acknowledged = loss.lost = loss.kept = 0
            for _ in range(times):
                loss.around(fault)
            print(
                f"{kind}, {times} {name}: {loss.acknowledged} acknowledged revocations, {loss.lost} lost; a valid "
                f"token still passed after {loss.kept}"
            )
    finally:
        loss.close()
        faulty.stop()


def main():
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", type=int, default=300)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--failovers", type=int, default=10)
    arguments = parser.parse_args()
    # The workers import the applications from here.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    multiprocessing.set_start_method("spawn")
    server = Server("valkey", "--maxmemory-policy", "noeviction")
    try:
        for kind in SERVERS:
            for load in (0.0, 0.2):
                measure_propagation(kind, server.url, load=load, probes=arguments.probes, rate=arguments.rate)
    finally:
        server.stop()
    for kind in SERVERS:
        measure_losses(kind, cuts=arguments.cuts, restarts=arguments.restarts, failovers=arguments.failovers)


if __name__ == "__main__":
    main()
