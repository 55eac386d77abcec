"""The command line, which needs the ``[cli]`` extra and says so in one sentence if that is missing."""

import importlib.util
import sys


def main() -> None:
    """Run the command line and exit: 0 if it is done, 1 if the answer is no, 2 if the command is wrong."""
    if importlib.util.find_spec("click") is None:
        sys.stderr.write('The command line needs click: pip install "safeconduct[cli]"\n')
        sys.exit(2)
    from safeconduct.cli.program import program  # noqa: PLC0415 - click is an extra

    program(prog_name="safeconduct")
