"""
A thousand rounds of a hundred parallel refreshes, and as many of renewals, from four processes on one server.

Every caller must get the same successor, or be told that another was faster; the session must live, with one live
token.
``python benchmarks/bench_refresh_race.py [ROUNDS]``
"""

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from racers import Racers, Runner
from servers import Server

STALE = "ReusedRefreshToken: another request rotated the refresh token just now"


def rounds(racers, verb, given, count, follows):
    """Race again and again with what the round before gave; count what was said."""
    said = Counter()
    for _ in range(count):
        answers = [str(answer) if verb == "refresh" else tuple(answer) for answer in racers.race(verb, given)]
        won = {answer for answer in answers if answer != STALE}
        assert len(won) == 1, won
        said["same successor"] += sum(answer != STALE for answer in answers)
        said["stale"] += sum(answer == STALE for answer in answers)
        [winner] = won
        given = follows(winner)
    return given, said


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    server = Server("valkey")
    runner, racers = Runner(server.socket_url), Racers(server.socket_url)
    try:
        for verb in ("refresh", "renew"):
            tokens = runner.sign_in()
            first = tokens.refresh_token.value if verb == "refresh" else runner.name_of(tokens)[:4]
            began = time.perf_counter()
            given, said = rounds(racers, verb, first, count, lambda won: won if isinstance(won, str) else list(won[:4]))
            seconds = time.perf_counter() - began
            alive = runner.refresh(given if verb == "refresh" else tokens)
            assert alive.session_id == tokens.session_id
            print(f"{verb}: {count} rounds of 100, {dict(said)}, {seconds / count * 1000:.0f} ms a round; it lives")
    finally:
        racers.stop()
        runner.world.close()
        server.stop()


if __name__ == "__main__":
    main()
