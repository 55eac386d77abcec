"""
A thousand rounds of a hundred parallel refreshes, and as many of renewals, from four processes on one server.

Every caller must get the same successor, or be told that another was faster; the session must live, with one live
refresh token: the last hundred older ones are tried at the end, and each is refused.
``python benchmarks/bench_refresh_race.py [ROUNDS] [valkey|redis]``
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from racers import Racers, Runner
from servers import KINDS, Server

from safeconduct.errors import InvalidToken

STALE = "ReusedRefreshToken: another request rotated the refresh token just now"
OLDER = 100


def rounds(racers, verb, given, count):
    """Race again and again with what the round before gave; return all that was given, and count what was said."""
    said, past = Counter(), [given]
    for _ in range(count):
        answers = [str(answer) if verb == "refresh" else tuple(answer) for answer in racers.race(verb, past[-1])]
        won = {answer for answer in answers if answer != STALE}
        assert len(won) == 1, won
        said["same successor"] += sum(answer != STALE for answer in answers)
        said["stale"] += sum(answer == STALE for answer in answers)
        [winner] = won
        past.append(winner if verb == "refresh" else list(winner[:4]))
    return past, said


def refused(runner, values):
    """Count the tokens that are refused."""
    count = 0
    for value in values:
        try:
            runner.refresh(value)
        except InvalidToken:
            count += 1
    return count


def race(runner, racers, verb, count):
    tokens = runner.sign_in()
    first = tokens.refresh_token.value
    began = time.perf_counter()
    past, said = rounds(racers, verb, first if verb == "refresh" else runner.name_of(tokens)[:4], count)
    seconds = time.perf_counter() - began
    alive = runner.refresh(past[-1] if verb == "refresh" else first)
    # What was exchanged for the live one is answered with it, within the grace; whatever is older is refused.
    older = past[-1 - OLDER : -1] if verb == "refresh" else []
    assert refused(runner, older) == len(older)
    assert runner.refresh(alive).session_id == tokens.session_id
    print(f"{verb}: {count} rounds of 100, {dict(said)}, {seconds / count * 1000:.0f} ms a round; it lives", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=1000)
    parser.add_argument("server", choices=KINDS, nargs="?", default="valkey")
    given = parser.parse_args()
    server = Server(given.server)
    runner, racers = Runner(server.socket_url), Racers(server.socket_url)
    try:
        for verb in ("refresh", "renew"):
            race(runner, racers, verb, given.rounds)
    finally:
        racers.stop()
        runner.world.close()
        server.stop()


if __name__ == "__main__":
    main()
