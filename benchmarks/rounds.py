"""
How anything is measured here, on a machine that does other things too.

In each round every contender runs once, in a shuffled order.  The ratio to the reference is formed inside the round,
and the figure is the median over the rounds, so that what slows the machine for a while slows both sides of a ratio.
What is timed asks nobody, so its processor time is taken and not the wall's, and a round is shorter than a turn of the
scheduler.  ``quiet`` is the ratio of the fifth percentiles: what it costs while the machine is least disturbed.
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
"""Does its work so many times and returns how many seconds that took."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one contender cost."""

    #: The median of the time for one, for orientation only.
    micros: float
    #: The median of the ratio to the reference, and its quartiles.
    ratio: float
    low: float
    high: float
    quiet: float
    #: What the ratio must not exceed; None where nothing is promised.
    wanted: float | None = None


class Child:
    """A contender in a process of its own, so that it cannot disturb another; it speaks by ``serve``."""

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
    """Answer a ``Child`` until it closes."""
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(timed(int(line)), flush=True)


def measure(
    contenders: dict[str, Timed], *, reference: str, rounds: int, seconds: float, wanted: dict[str, float]
) -> dict[str, Figure]:
    """Return a figure for every contender, which works about so many *seconds* in a round."""
    counts = {name: _fitting(timed, seconds) for name, timed in contenders.items()}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            taken[name].append(contenders[name](counts[name]) / counts[name])
    return {name: _figure(times, taken[reference], wanted.get(name)) for name, times in taken.items()}


def _fitting(timed: Timed, seconds: float) -> int:
    count = 1
    while (took := timed(count)) < seconds / 4:
        count *= 4
    return max(1, int(count * seconds / took))


def _figure(times: list[float], floor: list[float], wanted: float | None) -> Figure:
    ratios = [mine / base for mine, base in zip(times, floor, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    quiet = statistics.quantiles(times, n=20)[0] / statistics.quantiles(floor, n=20)[0]
    return Figure(statistics.median(times) * 1e6, ratio, low, high, quiet, wanted)


def report(bench: str, title: str, figures: dict[str, Figure]) -> None:
    """Print a table for people and one line for programs."""
    began = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{title}; Python {platform.python_version()}, {os.cpu_count()} cores, load {began}")
    print(f"{'':34}{'us':>9}{'ratio':>8}{'quartiles':>14}{'quiet':>8}{'wanted':>8}")
    for name, each in figures.items():
        quartiles = f"{each.low:.3f}-{each.high:.3f}"
        told = "" if each.wanted is None else f"{each.wanted:8.2f}{'' if each.ratio <= each.wanted else '  not met'}"
        print(f"{name:34}{each.micros:9.2f}{each.ratio:8.3f}{quartiles:>14}{each.quiet:8.3f}{told}")
    data = {name: asdict(figure) for name, figure in figures.items()}
    print("JSON " + json.dumps({"bench": bench, "load": os.getloadavg(), "at": int(time.time()), "figures": data}))
