"""
Check that one framework is installed, and no other: ``python one_framework.py py313-falcon-lowest``.

A script and no test, since it says whether the tests of that framework show anything: ``tox -e py313-falcon``.
"""

import importlib.util
import sys

#: What a framework brings along is no other framework.
BROUGHT = {
    "bottle": {"bottle"},
    "django": {"django"},
    "falcon": {"falcon"},
    "fastapi": {"fastapi", "starlette"},
    "flask": {"flask", "werkzeug"},
    "litestar": {"litestar"},
    "pyramid": {"pyramid"},
    "quart": {"quart", "flask", "werkzeug"},
    "starlette": {"starlette"},
}


def main(environment: str) -> None:
    """Fail if the framework that *environment* names is missing, or another can be imported."""
    [wanted] = BROUGHT.keys() & set(environment.split("-"))
    present = {name for name in set().union(*BROUGHT.values()) if importlib.util.find_spec(name)}
    assert BROUGHT[wanted] == present, f"{environment}: wanted {sorted(BROUGHT[wanted])}, found {sorted(present)}"


main(sys.argv[1])
