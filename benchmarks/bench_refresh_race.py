"""
Run a thousand rounds of a hundred parallel refreshes, then of renewals, from four processes on one server.

Every caller must get the same successor, or the error that another was faster.  The session must be alive at the end,
with one valid refresh token: the last hundred older ones are tried, and each must be refused.
``python benchmarks/bench_refresh_race.py [ROUNDS] [valkey|redis]``
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from racing_processes import RacingClient, RacingProcesses
from safeconduct.errors import InvalidToken
from store_servers import KINDS, Server

STALE = "ReusedRefreshToken: another request rotated the refresh token just now"
OLDER = 100


def run_rounds(processes, verb, credential, count):
    """Race *count* times, each with the credential from the round before; return all of them, and count the results."""
    results, used = Counter(), [credential]
    for _ in range(count):
        answers = [str(answer) if verb == "refresh" else tuple(answer) for answer in processes.race(verb, used[-1])]
        successors = {answer for answer in answers if answer != STALE}
        assert len(successors) == 1, successors
        results["same successor"] += sum(answer != STALE for answer in answers)
        results["stale"] += sum(answer == STALE for answer in answers)
        [successor] = successors
        used.append(successor if verb == "refresh" else list(successor[:4]))
    return used, results


def count_refused(client, tokens):
    """Return how many of the refresh tokens are refused."""
    count = 0
    for token in tokens:
        try:
            client.refresh(token)
        except InvalidToken:
            count += 1
    return count


def race(client, processes, verb, count):
    tokens = client.sign_in()
    first = tokens.refresh_token.value
    started = time.perf_counter()
    used, results = run_rounds(processes, verb, first if verb == "refresh" else client.name_of(tokens)[:4], count)
    seconds = time.perf_counter() - started
    valid = client.refresh(used[-1] if verb == "refresh" else first)
    # Within the grace, the predecessor of the valid token gets it again; older ones are refused.
    older = used[-1 - OLDER : -1] if verb == "refresh" else []
    assert count_refused(client, older) == len(older)
    assert client.refresh(valid).session_id == tokens.session_id
    pace = f"{seconds / count * 1000:.0f} ms a round"
    print(f"{verb}: {count} rounds of 100, {dict(results)}, {pace}; the session is alive", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=1000)
    parser.add_argument("server", choices=KINDS, nargs="?", default="valkey")
    options = parser.parse_args()
    server = Server(options.server)
    client, processes = RacingClient(server.socket_url), RacingProcesses(server.socket_url)
    try:
        for verb in ("refresh", "renew"):
            race(client, processes, verb, options.rounds)
    finally:
        processes.stop()
        client.world.close()
        server.stop()


if __name__ == "__main__":
    main()
