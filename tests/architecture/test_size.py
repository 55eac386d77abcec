"""Files, functions and imports stay small enough to be read at once (style rule 1)."""

import ast

import pytest
from measure_structure import SMALL_FILE, file_lengths, function_lengths, import_depth, imported_modules

from project_files import FOLDERS, location, nodes, python_files

LONGEST_FILE = 300
#: A table, or the scenarios of one subject, may be longer.
LONGEST_TEST_FILE = 400
#: The lines of a function of the package, its docstring counted.
LONGEST_FUNCTION = 45
#: The lines of a function of the tests, the benchmarks and the examples.
LONGEST_TEST_FUNCTION = 45
#: The modules of the package that one of them imports.
MOST_IMPORTS = 20
#: The longest chain of imports within the package: the demo, an integration and what it shares are the first nine.
DEEPEST_IMPORTS = 27
#: Those of ``SMALL_FILES``, and the ``__init__`` of packages.
MOST_SMALL_FILES = 42
#: A file of at most 40 lines, and why it is not part of another one.
SMALL_FILES = {
    "__main__.py": "Python runs it by this name",
    "_integrations/extras.py": "what every integration needs, whatever else is missing",
    "_core/run_sync.py": "the one place that runs a coroutine without a loop",
    "django/channels.py": "imported only where Channels is installed",
    "django/context_processors.py": "Django finds it by this name",
    "django/templatetags/safeconduct.py": "Django finds it by this name",
    "events/records.py": "it reads every event, and defines none",
    "_wiring/readiness.py": "asked by a load balancer, and not on the way of a request",
    "testing/clock.py": "a public name, imported without the rest of the helpers",
    "testing/keys.py": "a public name, imported without the rest of the helpers",
    "testing/plugin.py": "imported by pytest alone",
}


def test_no_file_is_too_long():
    """A file is about one concept."""
    lengths = {location(file): len(file.read_text("utf-8").splitlines()) for file in python_files(*FOLDERS)}

    too_long = {
        name: length
        for name, length in lengths.items()
        if length > (LONGEST_TEST_FILE if name.startswith("tests/") else LONGEST_FILE)
    }

    assert {} == too_long


def test_every_small_file_has_a_reason():
    """Code that is only read together stands in one file; an ``__init__`` may be short."""
    small = {name for name, length in file_lengths().items() if length <= SMALL_FILE}

    assert SMALL_FILES.keys() == {name for name in small if not name.endswith("__init__.py")}
    assert len(small) <= MOST_SMALL_FILES


def test_no_function_is_too_long():
    """A long function should be several."""
    too_long = {
        f"{file} {name}": length
        for file, functions in function_lengths().items()
        for name, length in functions.items()
        if length > LONGEST_FUNCTION
    }

    assert {} == too_long


def test_no_function_outside_of_the_package_is_too_long():
    """A test or a benchmark is read like the package."""
    too_long = {
        location(file, node): node.end_lineno - node.lineno + 1
        for file, node in nodes(*FOLDERS[1:])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= LONGEST_TEST_FUNCTION
    }

    assert {} == too_long


def test_no_module_imports_too_many():
    """A module that needs many others does the work of several."""
    too_many = {module: len(imports) for module, imports in imported_modules().items() if len(imports) > MOST_IMPORTS}

    assert {} == too_many


def test_no_chain_of_imports_is_too_deep():
    """A reader of one module meets few layers below it."""
    assert import_depth(imported_modules()) <= DEEPEST_IMPORTS


@pytest.mark.parametrize(
    ("imports", "expected"),
    [({"a": set()}, 1), ({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"c"}}, 3), ({"a": {"b"}, "b": {"a"}}, 2)],
    ids=["one", "chain", "cycle"],
)
def test_the_depth_of_imports_is_that_of_the_longest_chain(imports, expected):
    assert expected == import_depth(imports)


def test_the_whole_package_is_measured():
    """The measures see every module, its functions and its imports."""
    assert {"auth.py", "_core/gate.py"} <= file_lengths().keys() == function_lengths().keys()
    assert any(name.startswith("close:") for name in function_lengths()["auth.py"])
    assert "safeconduct.errors" in imported_modules()["safeconduct.auth"] | imported_modules()["safeconduct.guard"]
