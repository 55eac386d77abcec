"""The project's own files, as the tests of its architecture read them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
PACKAGE = PROJECT / "src" / "safeconduct"
FOLDERS = ("src", "tests", "typing_tests", "examples", "benchmarks")


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below the *folders* of the project, sorted."""
    return sorted(file for folder in folders for file in (PROJECT / folder).rglob("*.py"))


@cache
def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of *file*; it is shared, read it only."""
    return ast.parse(file.read_text("utf-8"), str(file))


def location(file: Path, node: ast.AST | None = None) -> str:
    """Return the location of *node*, as ``src/safeconduct/auth.py:12``."""
    name = str(file.relative_to(PROJECT))
    line = getattr(node, "lineno", None)
    return name if line is None else f"{name}:{line}"


def nodes(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Yield every syntax node of every file below *folders*, with its file."""
    for file in python_files(*folders):
        for node in ast.walk(parsed(file)):
            yield file, node
