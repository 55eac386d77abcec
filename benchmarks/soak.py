"""
Mixed traffic on two workers and a real server, for as long as you say; what is left behind at the end?

Sign-ins, refreshes, renewals, step-ups, sign-outs, revocations, thefts, sockets, streams, cookies, both worlds, and
event loops that come and go.  Every answer has an expected status; one that has another is a wrong verdict and makes
the exit code 1.  503 and broken connections are errors, printed and not wrong.
``python benchmarks/soak.py [SECONDS] [--clients N] [--idle SECONDS] [--server valkey|redis]``
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from servers import KINDS, Server, free_port
from soak_visits import Visitor, unauthenticated, visit

from safeconduct import Auth, Config

OK = 200
#: Lives so short that what a session leaves behind is gone within minutes.
CONFIGURATION = """
[safeconduct]
issuer = "{site}"
audience = "{site}"
external_url = "{site}"
keys = "keys/"
sources = ["bearer", "cookie"]
[safeconduct.store]
url = "{store}"
deadline_ms = 2000
[safeconduct.access]
public = ["/hello"]
rules = [{{ path = "/admin", roles = ["admin"] }}, {{ path = "/danger", level = "explicit" }}]
[safeconduct.tokens]
access_lifetime_seconds = 20
max_lifetime_seconds = 60
leeway_seconds = 2
[safeconduct.sessions]
idle_lifetime_seconds = 60
absolute_lifetime_seconds = 120
short_absolute_lifetime_seconds = 60
refresh_grace_seconds = 1
explicit_lifetime_seconds = 5
[safeconduct.cookies]
access = "soak"
refresh = "soak-refresh"
device = "soak-device"
secure = false
[safeconduct.login]
failures_per_account_and_network = 1000000
failures_per_network = 1000000
failures_per_account = 1000000
"""


class Gauge:
    """What the workers and the server hold, at some moments."""

    COUNT = (
        "local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do local t = redis.call('TYPE', k).ok "
        "n = n + (t == 'hash' and redis.call('HLEN', k) or t == 'zset' and redis.call('ZCARD', k) "
        "or t == 'set' and redis.call('SCARD', k) or 1) end return n"
    )

    def __init__(self, parent, server):
        self._parent, self._server = parent, server
        columns = f"{'RSS KiB':>18} {'descriptors':>14} {'connections':>12} {'keys':>8} {'members':>8} {'bytes':>12}"
        print(f"{'':10} {columns}")

    def workers(self):
        """Return the workers: of the parent's children those that serve."""
        children = Path(f"/proc/{self._parent}/task/{self._parent}/children").read_text().split()
        return [pid for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def read(self, moment):
        pids = self.workers()
        status = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        sizes = [line.split()[1] for text in status for line in text.splitlines() if line.startswith("VmRSS:")]
        descriptors = [str(len(list(Path(f"/proc/{pid}/fd").iterdir()))) for pid in pids]
        # Our own connection, which asks, is not counted.
        connections = int(self._server.statistic("clients", "connected_clients")) - 1
        keys, members = (int(self._server.say(*words)[1:]) for words in (("DBSIZE",), ("EVAL", self.COUNT, "0")))
        octets = self._server.statistic("memory", "used_memory_dataset")
        told = f"{'+'.join(sizes):>18} {'+'.join(descriptors):>14} {connections:12} {keys:8} {members:8} {octets:>12}"
        print(f"{moment:10} {told}", flush=True)


async def soak(given, site, folder, gauge):
    """Drive the clients and read the gauge at the start, in the middle, at the end and after idling."""
    said = Counter()
    administrator = Auth(Config.load(folder / "safeconduct.toml"))
    began = time.monotonic()
    clients = [
        asyncio.create_task(visit(number, site, administrator, began + given.seconds, said))
        for number in range(given.clients)
    ]
    # The start is where every part was used for the first time.
    for moment, part in (("start", 0.15), ("middle", 0.5), ("end", 0.97)):
        await asyncio.sleep(max(0.0, began + part * given.seconds - time.monotonic()))
        gauge.read(moment)
    await asyncio.gather(*clients)
    await asyncio.sleep(given.idle)
    await administrator.aclose()
    # Whoever writes prunes what is over.
    await unauthenticated(Visitor(site, "last", said), administrator)
    gauge.read("idle")
    return said


def started(site_port, folder):
    """Start the workers and wait until they answer."""
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "soak_site:app",
        "--app-dir",
        str(Path(__file__).parent),
        "--workers",
        "2",
    ]
    command += ["--port", str(site_port), "--log-level", "critical", "--no-access-log"]
    environment = os.environ | {"SAFECONDUCT_CONFIG": str(folder / "safeconduct.toml")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
    for _ in range(300):
        try:
            if httpx2.get(f"http://127.0.0.1:{site_port}/hello").status_code == OK:
                return process
        except httpx2.TransportError:
            time.sleep(0.1)
    process.terminate()
    raise SystemExit("the workers did not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=int, nargs="?", default=600)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--idle", type=int, default=150, help="longer than the longest life, 120 s: then keys are gone")
    parser.add_argument("--server", choices=KINDS, default="valkey")
    given = parser.parse_args()
    server, port = Server(given.server), free_port()
    site = f"http://127.0.0.1:{port}"
    workers = None
    with tempfile.TemporaryDirectory(prefix="sc-soak-") as path:
        folder = Path(path)
        (folder / "safeconduct.toml").write_text(CONFIGURATION.format(site=site, store=server.url))
        try:
            subprocess.run(  # noqa: S603 - our own words
                [sys.executable, "-m", "safeconduct", "--config", folder / "safeconduct.toml", "keys", "new"],
                check=True,
                capture_output=True,
            )
            workers = started(port, folder)
            said = asyncio.run(soak(given, site, folder, Gauge(workers.pid, server)))
        finally:
            if workers is not None:
                workers.terminate()
                workers.wait()
            server.stop()
    for what, count in sorted(said.items()):
        print(f"{count:8} {what}")
    return int(any(what.startswith("WRONG") for what in said))


if __name__ == "__main__":
    sys.exit(main())
