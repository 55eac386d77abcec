"""
Put seeded faults into the pure parts of the package, one at a time, and print those that no test notices.

This is neither mutmut nor cosmic-ray.  cosmic-ray starts pytest for each fault, which takes longer than the tests that
matter.  mutmut rewrites every function into a trampoline, in a copy of the tree: decorated functions get no fault, and
tests that read the source, count steps or compare identities see the trampoline.  Neither draws a seeded sample.
Here the tests are collected once; for each fault a fork replaces the code of the functions concerned, in place, and
runs the tests that pass through its lines, the cheapest of each kind first, until one fails.

What runs at import (constants, defaults, fields of dataclasses) gets no fault.
"""

import argparse
import contextlib
import gc
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutations import Mutation, mutations

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src" / "safeconduct"
TESTS = (
    "access_rules", "adapters", "conformance", "connections", "directories", "endpoints", "gate", "guard", "http_text",
    "keys", "passwords", "revocation", "sessions", "stores", "testing", "tokens",
)  # fmt: skip
#: Without the plugins that reorder, cache or print.
PYTEST = ["-o", "addopts=--import-mode=importlib", "-s"]
PYTEST += [word for name in ("randomly", "cacheprovider", "cov", "xdist", "terminal") for word in ("-p", f"no:{name}")]
MISSED = "MISSED"
#: A test that takes a second is run as late as this row of a parametrized quick test.
ROWS_A_SECOND = 50
MEMORY_BYTES = 4 << 30


@dataclass
class Map:
    """Which tests pass through which lines, and how long each takes."""

    names: list[str]
    seconds: list[float]
    #: For each line of each file, the numbers of the tests that run it.
    lines: dict[str, dict[str, list[int]]]

    @classmethod
    def of(cls, data: coverage.CoverageData, seconds: dict[str, float]) -> "Map":
        """Number the tests of a recording, whose contexts are their names."""
        numbers = {name: number for number, name in enumerate(seconds)}
        lines = {
            file: {
                str(line): [numbers[name] for name in names if name in numbers]
                for line, names in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return cls(list(numbers), list(seconds.values()), lines)

    def tests_of(self, mutation: Mutation) -> set[int]:
        """Return the numbers of the tests that pass through the lines of a fault."""
        lines = self.lines.get(str(mutation.path), {})
        found = (lines.get(str(number), ()) for number in range(mutation.first, mutation.last + 1))
        return {number for numbers in found for number in numbers}

    def chosen(self, mutation: Mutation, limit_seconds: float) -> list[int]:
        """Choose the tests to run within the time: cheap ones first, spread over the test functions."""
        kinds: dict[str, int] = defaultdict(int)
        order = []
        for number in sorted(self.tests_of(mutation), key=lambda number: (self.seconds[number], self.names[number])):
            kind = self.names[number].partition("[")[0]
            order.append((kinds[kind] + ROWS_A_SECOND * self.seconds[number], number))
            kinds[kind] += 1
        chosen = []
        for _, number in sorted(order):
            limit_seconds -= self.seconds[number]
            if chosen and limit_seconds < 0:
                break
            chosen.append(number)
        # File by file for the sake of module fixtures, with the most expensive file last.
        of_file: dict[str, float] = defaultdict(float)
        for number in chosen:
            of_file[self._file(number)] += self.seconds[number]
        return sorted(chosen, key=lambda number: (of_file[self._file(number)], self._file(number)))

    def _file(self, number: int) -> str:
        return self.names[number].partition("::")[0]


class Mutants:
    """A pytest plugin that runs the collected tests once for a map and then for each fault."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._file = options.map or folder / "map.json"
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._ends_at_first = False
        self.outcomes: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record how long a test took; with a fault, the first failing test ends the fork."""
        self._seconds[report.nodeid] += report.duration
        if report.failed:
            if self._ends_at_first:
                os._exit(1)
            self._failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Draw the map, then try each fault."""
        items = {item.nodeid: item for item in session.items}
        if not self._file.exists():
            _forked(lambda: self._draw_map(session.items), 3600)
        functions = [thing for thing in gc.get_objects() if isinstance(thing, FunctionType)]
        tests = Map(*json.loads(self._file.read_text()))
        for count, mutation in enumerate(self._sample(tests), 1):
            chosen = tests.chosen(mutation, self._options.seconds)
            limit = 20 + 10 * sum(tests.seconds[number] for number in chosen)
            outcome, took = self._outcome(mutation, [items[tests.names[number]] for number in chosen], functions, limit)
            self.outcomes[outcome] += 1
            location = f"{mutation.path.relative_to(SOURCE)}:{mutation.first}"
            summary = f"{count:4} {outcome:8} {location:45} {mutation.kind:40} {len(chosen):4} tests {took:5.1f} s"
            print(summary, flush=True)
        return True

    def _draw_map(self, items: list[pytest.Item]) -> None:
        """Run every test once, and record its lines and its duration."""
        recorder = coverage.Coverage(data_file=None, include=[f"{SOURCE}/*"], config_file=False)
        recorder.start()
        _run(items, before=recorder.switch_context)
        recorder.stop()
        # A test that fails without a fault would detect every one.
        sound = {name: seconds for name, seconds in self._seconds.items() if name not in self._failed}
        self._file.write_text(json.dumps(list(vars(Map.of(recorder.get_data(), sound)).values())))

    def _sample(self, tests: Map) -> list[Mutation]:
        """Draw faults of lines that some test runs, the same ones for the same seed."""
        folders = [SOURCE / name for name in self._options.folders]
        files = sorted(file for folder in folders for file in ([folder] if folder.is_file() else folder.rglob("*.py")))
        found = [fault for file in files for fault in mutations(file)]
        random.Random(self._options.seed).shuffle(found)
        tried = [fault for fault in found if tests.tests_of(fault)]
        print(f"{len(found)} faults, {len(tried)} of them in lines that some test runs", flush=True)
        return tried[: self._options.count]

    def _outcome(
        self, mutation: Mutation, items: list[pytest.Item], functions: list[FunctionType], limit_seconds: float
    ) -> tuple[str, float]:
        def work() -> None:
            self._ends_at_first = True
            # A fault may cause an endless loop that allocates memory.
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            if not _put_in(mutation, functions):
                os._exit(3)
            _run(items)

        code, took = _forked(work, limit_seconds)
        return {0: MISSED, 2: "broke", 3: "no fault", None: "late"}.get(code, "noticed"), took


def _run(items: list[pytest.Item], before: Callable[[str], object] = lambda _: None) -> None:
    for item, following in zip(items, [*items[1:], None], strict=True):
        before(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _put_in(mutation: Mutation, functions: list[FunctionType]) -> bool:
    """Give every live function its code of the changed module, and return whether that changed any."""
    is_in = False
    changed: dict[tuple[str, int], CodeType] = {}
    waiting = [compile(mutation.tree(), str(mutation.path), "exec")]
    while waiting:
        code = waiting.pop()
        changed[code.co_qualname, code.co_firstlineno] = code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    for function in functions:
        if function.__code__.co_filename == str(mutation.path):
            code = changed.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
            # A fault that removes the only use of an outer name changes the size of a closure, and is skipped.
            if code is not None and code != function.__code__ and code.co_freevars == function.__code__.co_freevars:
                function.__code__ = code
                is_in = True
    return is_in


def _forked(work: Callable[[], None], limit_seconds: float) -> tuple[int | None, float]:
    """Run *work* in a fork, silently, and return its exit code, None where it took too long, and its seconds."""
    began = time.monotonic()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever a fault brings about was noticed
            os._exit(2)
        os._exit(0)
    code = None
    while code is None and time.monotonic() - began < limit_seconds:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        # This ends the servers that its tests started, too.
        os.killpg(pid, signal.SIGKILL)
    if code is None:
        os.waitpid(pid, 0)
    return code, time.monotonic() - began


def main() -> int:
    """Run the faults; the exit code says whether one was missed."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folders", nargs="*", default=["_http", "_tokens", "_core"], help="below src/safeconduct")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="of tests for one fault, at most")
    parser.add_argument("--map", type=Path, help="keep the map of tests here, and take it from here the next time")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sc-mutants-"))
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    plugin = Mutants(options, folder)
    wanted = [str(PROJECT / "tests" / name) for name in TESTS]
    try:
        pytest.main([*PYTEST, *wanted], plugins=[plugin])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in plugin.outcomes.most_common()))
    return int(plugin.outcomes[MISSED] > 0 or not plugin.outcomes)


if __name__ == "__main__":
    sys.exit(main())
