"""
Measure ``import safeconduct`` against ``import joserfc.jwt``, which it requires.

    python benchmarks/bench_import.py [--quick]

Each import runs in a new interpreter, which times it.  Starting the interpreter and compiling are not counted: the
bytecode is written before.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import rounds

CODE = "import time; started = time.process_time(); import {}; print(time.process_time() - started)"
REFERENCE = "joserfc.jwt"
CONTENDERS = (REFERENCE, "safeconduct", "safeconduct.asgi", "safeconduct.wsgi", "authlib.jose", "jwt")
WANTED = 1.10


def importing(module, bytecode):
    """Return a function that times the import of *module*, with its bytecode in the folder *bytecode*."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}

    def timed(times):
        command = [sys.executable, "-W", "ignore", "-c", CODE.format(module)]
        runs = [_run(command, environment) for _ in range(times)]
        return sum(float(run.stdout) for run in runs)

    return timed


def _run(command, environment):
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603 - our own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as bytecode:
        figures = rounds.measure(
            {name: importing(name, bytecode) for name in CONTENDERS},
            reference=REFERENCE,
            rounds=5 if quick else 25,
            seconds=0.0001,
            wanted={"safeconduct": WANTED},
        )
    rounds.report("import", "An import", figures)


if __name__ == "__main__":
    main()
