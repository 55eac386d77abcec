"""
Measure whether the response time reveals who has an account: unknown users against wrong passwords.

    python benchmarks/bench_enumeration.py [--attempts 2000] [--world wsgi|asgi]

Each attempt is a ``POST /auth/login`` in this process, with a users file at the default cost and the throttle's limits
at their maximum.  Both kinds alternate in a random order and use the same number of names, so that load on the machine,
and what the throttle remembers of a name, slows both.  The medians must be within 5 %.
"""

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from login_site import LoginSite
from safeconduct.directories import UsersFile

NAMES = 50
WANTED = 0.05
UNAUTHORIZED = 401
LIMITS = {f"failures_per_{subject}": 1_000_000 for subject in ("account", "network", "account_and_network")}
FIELDS = [("content-type", "application/json")]
KINDS = {"wrong password": "user", "unknown user": "none"}


def time_attempt(site, kind, number):
    """Return how long one attempt takes: in wall-clock time, and in processor time of this process."""
    body = json.dumps({"username": f"{KINDS[kind]}{number % NAMES:02}", "password": f"wrong horse {number:06}"})
    wall, processor = time.perf_counter(), time.process_time()
    response = site.request("POST", "/auth/login", FIELDS, body.encode())
    times = time.perf_counter() - wall, time.process_time() - processor
    assert response.status == UNAUTHORIZED
    return times


def measure(site, attempts):
    times = {kind: [] for kind in KINDS}
    for number in range(attempts):
        for kind in random.sample(list(KINDS), len(KINDS)):
            times[kind].append(time_attempt(site, kind, number))
    return times


def report(times, world):
    figures = {}
    for index, clock in enumerate(("wall", "processor")):
        medians = {kind: statistics.median(each[index] for each in times[kind]) * 1e3 for kind in KINDS}
        wrong, unknown = medians.values()
        figures[clock] = {"wrong_ms": wrong, "unknown_ms": unknown, "difference": unknown / wrong - 1}
        difference = f"{unknown / wrong - 1:+.2%}"
        print(f"{clock}: wrong password {wrong:.2f} ms, unknown user {unknown:.2f} ms, difference {difference}")
    verdict = "met" if abs(figures["wall"]["difference"]) <= WANTED else "not met"
    print(f"{world}, {len(times['unknown user'])} attempts each; wanted {WANTED:.0%} in wall-clock time: {verdict}")
    print("JSON " + json.dumps({"bench": "enumeration", "world": world, "figures": figures}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=2000, help="of each kind")
    parser.add_argument("--world", choices=["wsgi", "asgi"], default="wsgi")
    options = parser.parse_args()
    # It would log thousands of failures.
    logging.getLogger("safeconduct").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        users = UsersFile.create(Path(folder) / "users.json")
        for number in range(NAMES):
            users.add(f"user{number:02}", "correct horse battery staple")
        site = LoginSite(options.world, directory=users, login=LIMITS)
        # The first attempts load what they need.
        measure(site, 5)
        report(measure(site, options.attempts), options.world)
        site.close()


if __name__ == "__main__":
    main()
