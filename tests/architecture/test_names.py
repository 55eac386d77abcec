"""No file, class, function or variable has a name that says nothing (style rule 7)."""

import ast
from collections import Counter
from itertools import chain

import pytest

from project_files import PACKAGE, PROJECT, location, nodes, parsed, python_files
from vocabulary import names, words

NEVER = frozenset({"util", "utils", "helper", "helpers", "manager", "handler", "payload", "misc", "stuff"})
NEVER_A_FILE = NEVER | {"common", "base", "core", "tools"}

ALLOWED = {
    "PayloadTooLarge": "the design's name for 413, whose phrase this was before RFC 9110",
    "operation_helper": "the name by which apispec calls its plugins",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("TokenReader", {"token", "reader"}), ("JSONUtil", {"json", "util"}), ("_read_key2", {"read", "key2"})],
    ids=["two", "capitals", "digit"],
)
def test_a_name_is_read_word_by_word(name, expected):
    """``base64`` is not ``base``, and ``JWTManager`` is a manager."""
    assert expected == set(words(name))


def test_no_file_has_a_name_that_says_nothing():
    """The name of a file is a noun that tells what is in it."""
    stems = {location(file): set(words(file.stem)) for file in python_files("src", "tests", "examples")}

    forbidden = {place_: found & NEVER_A_FILE for place_, found in stems.items() if found & NEVER_A_FILE}

    assert {} == forbidden


def test_nothing_has_a_name_that_says_nothing():
    """No name has a word of the list, except those with a reason."""
    forbidden = [
        f"{location(file)}:{line} {name}"
        for file in python_files("src")
        for line, name in names(parsed(file))
        if not NEVER.isdisjoint(words(name)) and name not in ALLOWED
    ]

    assert [] == forbidden


def test_every_folder_of_the_package_is_a_package():
    """A folder without ``__init__.py`` is seen neither by import-linter nor by pyright's completeness."""
    folders = {file.parent for file in PACKAGE.rglob("*.py")}

    missing = sorted(location(folder) for folder in folders if not (folder / "__init__.py").exists())

    assert [] == missing


def test_no_folder_of_tests_is_a_package():
    """In importlib mode a test module needs no package, and one with the name of a library would shadow it."""
    assert [] == sorted(location(file) for file in (PROJECT / "tests").rglob("__init__.py"))


def classes_by_name() -> dict[str, ast.ClassDef]:
    """Return every class in the tests: a `Test…` by its file and name, a contract by its name alone."""
    found = [(file, node) for file, node in nodes("src", "tests") if isinstance(node, ast.ClassDef)]
    return {
        f"{location(file)} {node.name}" if node.name.startswith("Test") else node.name: node for file, node in found
    }


def kept_by(node: ast.ClassDef, contracts: dict[str, ast.ClassDef]) -> dict[str, list[str]]:
    """Return the tests of a class and of each contract that it keeps."""
    own = [item.name for item in node.body if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")]
    tests = {node.name: own}
    for name in map(ast.unparse, node.bases):
        if name in contracts:
            tests |= kept_by(contracts[name], contracts)
    return tests


def test_no_test_hides_one_of_the_same_name():
    """A class that keeps two contracts runs only one of two tests with the same name."""
    classes = classes_by_name()
    counted = {label: Counter(chain(*kept_by(node, classes).values())) for label, node in classes.items()}

    hidden = [f"{label}.{name}" for label, names in counted.items() for name, times in names.items() if times > 1]

    assert [] == hidden
