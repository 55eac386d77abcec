"""
Measure what a warm request costs in a process that knows a million revocations, beside one that knows a thousand.

Once the view does not change, and once it changes before each request, so that each looks everything up; in reality it
changes at most every four milliseconds.  Both applications follow a Valkey of their own, in one process.

``python benchmarks/bench_view_growth.py [--ids 1000000]``
"""

# ruff: noqa: SLF001 - the view is changed, which the store hides

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from bench_local_view import fill, open_stores

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Account, Auth
from store_servers import Server

ROUNDS, REQUESTS = 300, 300


def nothing(_environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def measure_growth(server, count):
    """Print what a warm request costs with *count* revocations beside one with a thousand, in one process."""
    other = Server("valkey", "--maxmemory-policy", "noeviction")
    contenders = {}
    try:
        for each, revocations in ((other, 1000), (server, count)):
            each.say("FLUSHALL")
            stores = open_stores(each.url, keeps_view=True)
            auth = Auth(login_configuration(), directory=MemoryDirectory(), store=stores)
            token = auth.sessions.sign_in(Account("alice")).access_token
            fill(each, revocations, b"s")
            contenders[revocations] = (auth.wsgi(nothing), token, stores)
        for change in (False, True):
            times = {revocations: [] for revocations in contenders}
            for number in range(ROUNDS):
                for revocations in sorted(contenders, reverse=number % 2 == 0):
                    times[revocations].append(request_seconds(*contenders[revocations], change=change))
            few, many = times.values()
            ratio = statistics.median(map(float.__truediv__, many, few))
            name = "changed before each request" if change else "unchanged"
            print(
                f"warm request, view {name}: {ratio:.3f} of one with a thousand ({statistics.median(few) * 1e6:.1f} us)"
            )
    finally:
        for _, _, stores in contenders.values():
            stores.end()
        other.stop()


def request_seconds(application, token, stores, *, change):
    """Return the median time of a warm request."""
    view = stores._follower.view
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.1",
    }  # fmt: skip
    times, statuses = [], set()

    def start_response(status, _headers, _exc_info=None):
        statuses.add(status)

    def send():
        request = {**environ, "HTTP_AUTHORIZATION": f"Bearer {token}"}
        began = time.perf_counter()
        b"".join(application(request, start_response))
        return time.perf_counter() - began

    while not view.shards:
        send()
        time.sleep(0.01)
    statuses.clear()
    for _ in range(REQUESTS):
        if change:
            view.change()
        times.append(send())
    assert statuses == {"200 OK"}, statuses
    return statistics.median(times)


def main():
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=1_000_000)
    server = Server("valkey", "--maxmemory-policy", "noeviction")
    try:
        measure_growth(server, parser.parse_args().ids)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
