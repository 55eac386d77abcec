"""
Send mixed traffic to two workers and a real server, and measure what they hold at the end.

There are sign-ins, refreshes, renewals, step-ups, sign-outs, revocations, stolen tokens, WebSockets, streams, cookies,
ASGI and WSGI, and short event loops.  Every response has an expected status; any other one is printed as WRONG and
makes the exit code 1.  503 and broken connections are counted as errors, which are not wrong.
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

from soak_clients import Client, run_client, unauthenticated

from safeconduct import Auth, Config
from store_servers import KINDS, Server, free_port

OK = 200
#: The lifetimes are so short that the keys of a session expire within minutes.
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
    """Prints what the workers and the server hold."""

    COUNT = (
        "local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do local t = redis.call('TYPE', k).ok "
        "n = n + (t == 'hash' and redis.call('HLEN', k) or t == 'zset' and redis.call('ZCARD', k) "
        "or t == 'set' and redis.call('SCARD', k) or 1) end return n"
    )

    def __init__(self, parent, server):
        self._parent, self._server = parent, server
        columns = f"{'RSS KiB':>18} {'descriptors':>14} {'connections':>12} {'keys':>8} {'entries':>8} {'bytes':>12}"
        print(f"{'':10} {columns}")

    def workers(self):
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self._parent}/task/{self._parent}/children").read_text().split()
        return [pid for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def read(self, moment):
        pids = self.workers()
        status = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        sizes = [line.split()[1] for text in status for line in text.splitlines() if line.startswith("VmRSS:")]
        descriptors = [str(len(list(Path(f"/proc/{pid}/fd").iterdir()))) for pid in pids]
        # This process's own connection is not counted.
        connections = int(self._server.statistic("clients", "connected_clients")) - 1
        keys, entries = (int(self._server.say(*words)[1:]) for words in (("DBSIZE",), ("EVAL", self.COUNT, "0")))
        octets = self._server.statistic("memory", "used_memory_dataset")
        values = f"{'+'.join(sizes):>18} {'+'.join(descriptors):>14} {connections:12} {keys:8} {entries:8} {octets:>12}"
        print(f"{moment:10} {values}", flush=True)


async def soak(options, site, folder, gauge):
    """Run the clients, and read the gauge at the start, in the middle, at the end and after idling."""
    results = Counter()
    admin = Auth(Config.load(folder / "safeconduct.toml"))
    started_at = time.monotonic()
    clients = [
        asyncio.create_task(run_client(number, site, admin, started_at + options.seconds, results))
        for number in range(options.clients)
    ]
    # By then every part has been used for the first time.
    for moment, part in (("start", 0.15), ("middle", 0.5), ("end", 0.97)):
        await asyncio.sleep(max(0.0, started_at + part * options.seconds - time.monotonic()))
        gauge.read(moment)
    await asyncio.gather(*clients)
    await asyncio.sleep(options.idle)
    await admin.aclose()
    # Each write also removes entries that have expired.
    await unauthenticated(Client(site, "last", results), admin)
    gauge.read("idle")
    return results


def start_workers(site_port, folder):
    """Start the workers, and wait until they answer."""
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "soak_app:app",
        "--app-dir",
        str(Path(__file__).parent),
        "--workers",
        "2",
    ]
    command += ["--port", str(site_port), "--log-level", "critical", "--no-access-log"]
    environment = os.environ | {"SAFECONDUCT_CONFIG": str(folder / "safeconduct.toml")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own arguments
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
    parser.add_argument("--idle", type=int, default=150, help="longer than the longest lifetime of 120 s")
    parser.add_argument("--server", choices=KINDS, default="valkey")
    options = parser.parse_args()
    server, port = Server(options.server), free_port()
    site = f"http://127.0.0.1:{port}"
    workers = None
    with tempfile.TemporaryDirectory(prefix="sc-soak-") as path:
        folder = Path(path)
        (folder / "safeconduct.toml").write_text(CONFIGURATION.format(site=site, store=server.url))
        try:
            subprocess.run(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "safeconduct", "--config", folder / "safeconduct.toml", "keys", "new"],
                check=True,
                capture_output=True,
            )
            workers = start_workers(port, folder)
            results = asyncio.run(soak(options, site, folder, Gauge(workers.pid, server)))
        finally:
            if workers is not None:
                workers.terminate()
                workers.wait()
            server.stop()
    for result, count in sorted(results.items()):
        print(f"{count:8} {result}")
    return int(any(result.startswith("WRONG") for result in results))


if __name__ == "__main__":
    sys.exit(main())
