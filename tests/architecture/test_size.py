"""Files and functions stay small enough to be read at once (style rule 1)."""

import ast

from project_files import FOLDERS, location, nodes, python_files

LONGEST_FILE = 300
#: A table, or the scenarios of one subject, may be longer.
LONGEST_TEST_FILE = 400
LONGEST_FUNCTION = 45


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of *function* from ``def`` on, without its docstring."""
    total = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return total
    summary = function.body[0]
    return total - (summary.end_lineno - summary.lineno + 1)


def test_no_file_is_too_long():
    """A file is about one concept."""
    lengths = {location(file): len(file.read_text("utf-8").splitlines()) for file in python_files(*FOLDERS)}

    too_long = {
        name: length
        for name, length in lengths.items()
        if length > (LONGEST_TEST_FILE if name.startswith("tests/") else LONGEST_FILE)
    }

    assert {} == too_long


def test_no_function_is_too_long():
    """A long function should be several."""
    functions = [
        (location(file, node), lines_of_code(node))
        for file, node in nodes(*FOLDERS)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    too_long = {name: length for name, length in functions if length > LONGEST_FUNCTION}

    assert {} == too_long
