"""The project's own files agree with each other."""

import ast
import configparser
import importlib.metadata
import re
import sys
import tomllib

import pytest

from project_files import PROJECT, location, nodes, python_files

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LONGEST_NOTE = 40
#: What serves requests in the tests alone; the demo brings the other servers.
SERVERS = {"daphne", "gevent", "granian", "gunicorn", "httptools", "hypercorn"}
#: Dependencies of our dependencies, which are always installed with them.
COMES_ALONG = {"apispec", "coverage", "cryptography", "h2", "msgspec", "pydantic", "werkzeug"}
REQUIREMENT = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z0-9,]+\])?(>=(?P<lowest>[0-9.]+))?", re.IGNORECASE)


def lower_bounds() -> dict[str, str]:
    """Return the lower bound of every run-time dependency with extras, and of the servers in the tests."""
    project = PYPROJECT["project"]
    extras = [
        line
        for name, lines in project["optional-dependencies"].items()
        for line in lines
        if name not in {"test", "test-tools"} or REQUIREMENT.match(line)["name"] in SERVERS
    ]
    found = [REQUIREMENT.match(line) for line in [*project["dependencies"], *extras]]
    return {match["name"]: match["lowest"] for match in found if match["name"] != "safeconduct"}


def lowest_pins() -> dict[str, str]:
    """Return what the environment ``lowest`` installs."""
    lines = (PROJECT / "tests" / "lowest.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_the_lowest_environment_installs_the_lower_bounds():
    """Every lower bound is tested."""
    assert lower_bounds().items() <= lowest_pins().items()


def imported_by_tests() -> set[str]:
    """Return the top-level names of the modules that tests and examples import, without our own files."""
    names = set()
    for _, node in nodes("tests", "examples", "typing_tests"):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module.partition(".")[0])
    files = {file.stem for file in python_files("tests", "examples", "benchmarks")}
    return names - files - sys.stdlib_module_names - {"safeconduct"}


def test_the_extra_installs_all_that_the_tests_import():
    """The tests run on a machine where only the README's command was run."""
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    lines = [*PYPROJECT["project"]["dependencies"], *(line for lines in extras for line in lines)]
    installed = {REQUIREMENT.match(line)["name"].lower() for line in lines} | COMES_ALONG
    owners = importlib.metadata.packages_distributions()

    lacking = {
        name
        for name in imported_by_tests()
        if installed.isdisjoint(owner.lower().replace("_", "-") for owner in owners.get(name, [name]))
    }

    assert set() == lacking


def test_every_tested_interpreter_is_declared():
    """Classifiers name the interpreters that tox runs, and those only."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(PROJECT / "tox.ini")
    minors = re.search(r"py3\{([0-9, ]+)\}", tox["tox"]["env_list"])[1].split(", ")
    prefix = "Programming Language :: Python :: 3."
    declared = [line for line in PYPROJECT["project"]["classifiers"] if line.startswith(prefix)]

    assert [f"{prefix}{minor}" for minor in minors] == declared


@pytest.mark.parametrize("ending", ["safeconduct demo", "pytest -n auto"], ids=["demo", "tests"])
def test_the_readme_has_each_command_once(ending):
    """``.ci/run`` takes its two commands from the README, so they are one line each and unmistakable."""
    lines = (PROJECT / "README.md").read_text("utf-8").splitlines()

    commands = [line for line in lines if re.fullmatch(rf"python3 -m venv .*/{ending}", line)]

    assert 1 == len(commands)


def test_every_lint_exception_gives_its_reason():
    """Each rule that is switched off says why, on its line (style rule 35)."""
    text = (PROJECT / "pyproject.toml").read_text("utf-8")
    ruff = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.flake8")]

    silent = [line for line in ruff.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",', line) and "#" not in line]

    assert [] == silent


def test_every_silenced_line_gives_its_reason():
    """``noqa`` and ``pragma: no cover`` are followed by a code and a reason; ``type: ignore`` by its code."""
    silent = re.compile(
        r"#\s*noqa(?!: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \w)|#\s*pragma: no (cover|branch)(?! - \w)|type: ignore(?!\[)",
    )
    lines = [(file, line) for file in python_files("src") for line in file.read_text("utf-8").splitlines()]

    found = [f"{location(file)} {line.strip()}" for file, line in lines if silent.search(line)]

    assert [] == found


def test_g_every_design_note_is_listed_once_and_short():
    """Every design note is listed and has at most 40 lines (style rule 32)."""
    notes = sorted((PROJECT / "docs" / "design").glob("[0-9]*.md"))
    index = (PROJECT / "docs" / "design" / "README.md").read_text("utf-8")

    lost = [note.name for note in notes if index.count(f"]({note.name})") != 1]
    long = [note.name for note in notes if len(note.read_text("utf-8").splitlines()) > LONGEST_NOTE]

    assert [] == lost
    assert [] == long
