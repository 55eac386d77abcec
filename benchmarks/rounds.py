"""
Compare contenders on a machine that does other work too.

In each round every contender runs once, in a random order.  The ratio to the reference is taken within the round, and
the figure is the median over the rounds, so that load on the machine slows both sides of a ratio.  The contenders wait
for nothing, so processor time is measured, and a round is shorter than a time slice of the scheduler.  ``quiet`` is the
ratio of the fifth percentiles: the cost while the machine has the least other work.
"""

import gc
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

Timed = Callable[[int], float]
"""Does its work a number of times, and returns how many seconds it took."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The cost of one contender."""

    #: The median time of one run, for orientation only.
    micros: float
    #: The median of the ratio to the reference, and its quartiles.
    ratio: float
    low: float
    high: float
    quiet: float
    #: The largest ratio that is wanted; None if none is.
    wanted: float | None = None


class Child:
    """A contender in its own process, which runs ``serve``, so that it cannot disturb another."""

    def __init__(self, *arguments: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, *arguments]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603 - our own arguments
        self(200)

    def __call__(self, times: int) -> float:
        print(times, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def serve(timed: Timed) -> None:
    """Run *timed* as a ``Child`` asks, until it closes."""
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(timed(int(line)), flush=True)


def measure(
    contenders: dict[str, Timed], *, reference: str, rounds: int, seconds: float, wanted: dict[str, float]
) -> dict[str, Figure]:
    """Return a figure for every contender; each works for about *seconds* in a round."""
    counts = {name: _repeats(timed, seconds) for name, timed in contenders.items()}
    times_by_name: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            times_by_name[name].append(contenders[name](counts[name]) / counts[name])
    return {name: _figure(times, times_by_name[reference], wanted.get(name)) for name, times in times_by_name.items()}


def _repeats(timed: Timed, seconds: float) -> int:
    count = 1
    while (took := timed(count)) < seconds / 4:
        count *= 4
    return max(1, int(count * seconds / took))


def _figure(times: list[float], reference: list[float], wanted: float | None) -> Figure:
    ratios = [own / other for own, other in zip(times, reference, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    quiet = statistics.quantiles(times, n=20)[0] / statistics.quantiles(reference, n=20)[0]
    return Figure(statistics.median(times) * 1e6, ratio, low, high, quiet, wanted)


def report(bench: str, title: str, figures: dict[str, Figure]) -> None:
    """Print a table for people and one line for programs."""
    load_average = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{title}; Python {platform.python_version()}, {os.cpu_count()} cores, load {load_average}")
    print(f"{'':34}{'us':>9}{'ratio':>8}{'quartiles':>14}{'quiet':>8}{'wanted':>8}")
    for name, each in figures.items():
        quartiles = f"{each.low:.3f}-{each.high:.3f}"
        wanted = "" if each.wanted is None else f"{each.wanted:8.2f}{'' if each.ratio <= each.wanted else '  not met'}"
        print(f"{name:34}{each.micros:9.2f}{each.ratio:8.3f}{quartiles:>14}{each.quiet:8.3f}{wanted}")
    data = {name: asdict(figure) for name, figure in figures.items()}
    print("JSON " + json.dumps({"bench": bench, "load": os.getloadavg(), "at": int(time.time()), "figures": data}))
