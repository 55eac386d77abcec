"""Find the tests that a table names."""

import ast
from functools import cache

import request_table
from project_files import PROJECT

ROWS = {row.name for row in request_table.ROWS}


@cache
def functions_of(file):
    """Return the names of the tests in a file below ``tests``."""
    tree = ast.parse((PROJECT / "tests" / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
