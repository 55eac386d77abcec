"""
Whether the time of an answer tells who has an account: unknown users against wrong passwords.

    python benchmarks/bench_enumeration.py [--tries 2000] [--world wsgi|asgi]

Each try goes through ``POST /auth/login`` in this process, over a users file at the default cost, with the throttle's
limits raised to their greatest.  Both kinds take turns in a shuffled order and spread over as many names, so that what
slows the machine, and what the throttle remembers of a name, slows both.  The medians must be within 5 %.
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

from visiting import Place

from safeconduct.directories import UsersFile

NAMES = 50
WANTED = 0.05
UNAUTHORIZED = 401
LIMITS = {f"failures_per_{whose}": 1_000_000 for whose in ("account", "network", "account_and_network")}
FIELDS = [("content-type", "application/json")]
KINDS = {"wrong password": "user", "unknown user": "none"}


def tried(place, kind, number):
    """Return how long one try takes: by the wall, and by this process's processors."""
    said = json.dumps({"username": f"{KINDS[kind]}{number % NAMES:02}", "password": f"wrong horse {number:06}"})
    wall, work = time.perf_counter(), time.process_time()
    seen = place.ask("POST", "/auth/login", FIELDS, said.encode())
    taken = time.perf_counter() - wall, time.process_time() - work
    assert seen.status == UNAUTHORIZED
    return taken


def measure(place, tries):
    taken = {kind: [] for kind in KINDS}
    for number in range(tries):
        for kind in random.sample(list(KINDS), len(KINDS)):
            taken[kind].append(tried(place, kind, number))
    return taken


def tell(taken, world):
    figures = {}
    for index, of in enumerate(("wall", "processor")):
        medians = {kind: statistics.median(each[index] for each in taken[kind]) * 1e3 for kind in KINDS}
        wrong, unknown = medians.values()
        figures[of] = {"wrong_ms": wrong, "unknown_ms": unknown, "apart": unknown / wrong - 1}
        print(f"{of}: wrong password {wrong:.2f} ms, unknown user {unknown:.2f} ms, {unknown / wrong - 1:+.2%} apart")
    verdict = "met" if abs(figures["wall"]["apart"]) <= WANTED else "not met"
    print(f"{world}, {len(taken['unknown user'])} tries each; wanted {WANTED:.0%} by the wall: {verdict}")
    print("JSON " + json.dumps({"bench": "enumeration", "world": world, "figures": figures}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=2000, help="of each kind")
    parser.add_argument("--world", choices=["wsgi", "asgi"], default="wsgi")
    given = parser.parse_args()
    # Thousands of failures are told there.
    logging.getLogger("safeconduct").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        users = UsersFile.create(Path(folder) / "users.json")
        for number in range(NAMES):
            users.add(f"user{number:02}", "correct horse battery staple")
        place = Place(given.world, folk=users, login=LIMITS)
        measure(place, 5)
        tell(measure(place, given.tries), given.world)
        place.close()


if __name__ == "__main__":
    main()
