"""Find the corpora: ours beside the tests, and those of others outside of the repository."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).parent.parent
_OWN = _TESTS / "corpora"
_BESIDE = _TESTS.parent.parent / "shared" / "corpora"


def _root_of_foreign() -> Path:
    """Return the folder of the corpora that may not be copied into this repository."""
    return Path(os.environ.get("SAFECONDUCT_CORPORA", _BESIDE))


def committed(name: str) -> Path:
    """Return the path of a committed corpus: ``attacks/jwt-attacks`` or, the same, ``attacks/jwt-attacks.json``."""
    return _OWN / (name if name.endswith(".json") else f"{name}.json")


@cache
def load(name: str) -> Any:
    """
    Return a committed corpus, read as JSON.

    The value is shared by all tests of a process: read it, never change it.
    """
    return json.loads(committed(name).read_text("utf-8"))


def cases(name: str) -> list[Any]:
    """Return the ``cases`` of a committed corpus; each has an ``id``."""
    rows: list[Any] = load(name)["cases"]
    return rows


def foreign(*parts: str) -> Path:
    """Return a path inside the corpora of others, or skip the test (or the module) where they are absent."""
    path = _root_of_foreign().joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"corpora/{'/'.join(parts)} may not be copied and is absent; set SAFECONDUCT_CORPORA",
            allow_module_level=True,
        )
    return path
