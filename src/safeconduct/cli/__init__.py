"""The command line; everything in it needs the ``[cli]`` extra, and says so in one sentence where that is missing."""

import importlib.util
import sys


def main() -> None:
    """Run the command line and leave the process: 0 done, 1 the answer is no, 2 asked in a wrong way."""
    if importlib.util.find_spec("click") is None:
        sys.stderr.write('The command line needs click: pip install "safeconduct[cli]"\n')
        sys.exit(2)
    from safeconduct.cli.program import program  # noqa: PLC0415 - click is an extra

    program(prog_name="safeconduct")
