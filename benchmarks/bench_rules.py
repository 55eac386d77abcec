"""
Measure how long the requirement of a new path takes to look up, by the number of access rules.

    python benchmarks/bench_rules.py

Prints, for 10, 100, 1,000 and 10,000 rules, the median of the slowest path in microseconds, its ratio to that with 10
rules, and how long the rules and as many public entries take to compile.  Wanted is at most 50 µs with 10,000.
"""

import statistics
import time

from safeconduct._core.access_rules import Policy
from safeconduct.config import Rule

SHAPES = (
    "/api/r{0}/{{id}}", "/api/r{0}/{{id}}/parts/{{part}}", "/r{0}/{{rest...}}", "/api/v{0}/", "/{{t}}/r{0}",
)  # fmt: skip
PATHS = ("/api/r5/7", "/api/r6/7/parts/8", "/r7/a/b", "/api/v8", "/x/r9", "/n/o/n/e")
ROUNDS = 15
CALLS = 200


def policy_of(count: int) -> tuple[Policy, float]:
    rules = [Rule(path=SHAPES[number % len(SHAPES)].format(number), roles=("clerk",)) for number in range(count)]
    public = [f"/public/{number}" for number in range(count)]
    started = time.perf_counter()
    policy = Policy(public, rules)
    return policy, time.perf_counter() - started


def microseconds(policy: Policy, path: str) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            policy.requirement("GET", path)
        rounds.append((time.perf_counter() - started) / CALLS)
    return statistics.median(rounds) * 1e6


def main() -> None:
    reference = None
    for count in (10, 100, 1_000, 10_000):
        policy, compiled = policy_of(count)
        assert policy.requirement("GET", "/x/r9").role_sets == (frozenset({"clerk"}),)
        slowest = max(microseconds(policy, path) for path in PATHS)
        reference = reference or slowest
        print(f"{count:6} rules: {slowest:6.1f} µs  ratio {slowest / reference:5.2f}  compiled in {compiled:6.3f} s")


if __name__ == "__main__":
    main()
