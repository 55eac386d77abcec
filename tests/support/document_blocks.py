"""The code blocks of the documents, and how each language is run."""

import ast
import doctest
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

PROJECT = Path(__file__).parent.parent.parent
LOOKED_AT = frozenset(
    {
        "text",
        "http",
        "{eval-rst}",
        "{toctree}",
        "mermaid",
        "html",
        "ini",
        "nginx",
        "lua",
        "diff",
        "markdown",
        "javascript",
    }
)
_DIRECTIVE = re.compile(r"<!-- (?P<verb>file|append|not run): (?P<argument>\S.*?) -->\n\Z")
_FENCE = re.compile(r"^ *```(?P<language>[^\n`]*)$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ (?P<command>.*(?:\\\n.*)*)\n?(?P<output>(?:(?!\$ ).*\n?)*)", re.MULTILINE)


def python(example: Example) -> None:
    """Execute the block in the page's namespace; a traceback shows the line of the page."""
    tree = ast.parse(example.parsed, example.path)
    ast.increment_lineno(tree, example.line + example.parsed.line_offset)
    exec(compile(tree, example.path, "exec"), example.namespace)  # noqa: S102 - running the page is the test


def console(example: Example) -> None:
    """Run each command; compare what it prints with what the page shows, where the page shows something."""
    for match in _COMMAND.finditer(example.parsed):
        finished = bash(match["command"])
        printed = finished.stdout + finished.stderr
        message = f"{example.path}:{example.line}: {match['command']}\n"
        assert finished.returncode == 0, message + printed
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        if match["output"].strip() and not doctest.OutputChecker().check_output(match["output"], printed, flags):
            pytest.fail(
                f"{example.path}:{example.line}: {match['command']}\nshown:\n{match['output']}\nseen:\n{printed}"
            )


def bash(command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* with the tests' own interpreter and its scripts first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        env=dict(os.environ, PATH=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def toml(example: Example) -> None:
    """Read the block; a whole configuration is made into a ``Config``."""
    table = tomllib.loads(example.parsed)
    if "store" in table.get("safeconduct", {}):
        from safeconduct import Config  # noqa: PLC0415 - a page without configuration needs none

        Config.from_toml(example.parsed)


def as_json(example: Example) -> None:
    """Read the block as JSON."""
    json.loads(example.parsed)


def sh(example: Example) -> None:
    """Check the syntax of commands that only people and ``.ci/run`` run."""
    subprocess.run(["/bin/bash", "-n"], input=example.parsed, text=True, check=True, timeout=60)


RUN: dict[str, Callable[[Example], None]] = {
    "python": python,
    "console": console,
    "toml": toml,
    "json": as_json,
    "sh": sh,
}


def _directive(document: Document, region: Region) -> tuple[str, str] | None:
    """Return the verb and the argument of the comment right above *region*, if there is one."""
    match = _DIRECTIVE.search(document.text[: region.start])
    return None if match is None else (match["verb"], match["argument"])


def _blocks(document: Document) -> Iterable[Region]:
    """Yield every fenced block that is run, unless a comment excludes it."""
    for region in FencedCodeBlockLexer("[a-z]+")(document):
        directive = _directive(document, region)
        run = RUN.get(region.lexemes["language"])
        if directive is not None and directive[0] in {"file", "append"}:
            run = _writes(directive[1], mode="w" if directive[0] == "file" else "a")
        elif directive is not None:
            run = None
        if run is not None:
            yield Region(region.start, region.end, region.lexemes["source"], run)


def _writes(name: str, *, mode: str) -> Callable[[Example], None]:
    """Return a function that writes a block to the file *name* of the page's folder, or to its end."""

    def write(example: Example) -> None:
        file = Path.cwd() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode, encoding="utf-8") as written:
            written.write(example.parsed)

    return write


@dataclass(frozen=True, slots=True)
class Page:
    """One document and its blocks."""

    path: Path

    def __str__(self) -> str:
        """Return the page's name, from the project's folder."""
        return str(self.path.relative_to(PROJECT))

    def examples(self) -> Iterable[Example]:
        """Yield the blocks to run, in order, all with one namespace."""
        document = Sybil(parsers=[_blocks]).parse(self.path)
        document.namespace["__name__"] = "page"
        return document.examples()

    def run(self) -> None:
        """Run every block, in order; what a block imports and how it configures the log is undone afterwards."""
        before = set(sys.modules)
        here = str(Path.cwd())
        logger = logging.getLogger("safeconduct")
        level = logger.level
        try:
            for example in self.examples():
                example.evaluate()
        finally:
            logger.setLevel(level)
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(here):
                    del sys.modules[name]


def documents() -> list[Page]:
    """Return every document."""
    above = [file for file in PROJECT.glob("*.md") if file.is_file()]
    return [Page(file) for file in sorted([*above, *(PROJECT / "docs").rglob("*.md")])]


def languages(path: Path) -> set[str]:
    """Return the languages that *path* opens its fences with; a closing fence has none."""
    fences = [match["language"].strip() for match in _FENCE.finditer(path.read_text("utf-8"))]
    return set(fences[::2])
