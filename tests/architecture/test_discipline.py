"""Rules that no linter checks: reading the environment, comparing secrets, writing to the log."""

import ast
import re

from project_files import PACKAGE, location, nodes, parsed, python_files

#: `Config.load` and the command line read the environment (style rule 13), and what resolves `keys = "env:NAME"`.
READERS_OF_THE_ENVIRONMENT = {"config", "cli", "_keys"}
SECRET = re.compile(r"(^|_)(secret|password|digest|signature|mac|tag|nonce|verifier_value)$")


def top_module(file) -> str:
    """Return the name of the module or folder of the package that *file* is or is in."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_of_the_contract(file) -> bool:
    """Tell whether *file* is part of the contract of stores, which is a suite of tests."""
    return file.parent.name == "store_contract"


def name_of(node: ast.expr) -> str:
    """Return the last name in *node*: ``digest`` for ``entry.digest``, nothing for what has no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return name_of(function)
        case _:
            return ""


def compares_a_secret(node: ast.AST) -> bool:
    """Tell whether *node* is ``==`` or ``!=`` between a secret and something that is no literal."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    operands = [node.left, *node.comparators]
    if any(isinstance(operand, ast.Constant) for operand in operands):
        return False
    return any(SECRET.search(name_of(operand)) for operand in operands)


def test_a_comparison_of_secrets_is_seen():
    """The check finds comparisons of secrets and passes harmless ones."""
    caught = [compares_a_secret(ast.parse(text, mode="eval").body) for text in ("a.digest == b", "password != given()")]
    passed = [compares_a_secret(ast.parse(text, mode="eval").body) for text in ("digest == b''", "kid == other")]

    assert [True, True] == caught
    assert [False, False] == passed


def test_secrets_are_compared_in_constant_time():
    """Only ``hmac.compare_digest`` compares what an attacker may not learn byte by byte (style rule 20)."""
    found = [
        location(file, node) for file, node in nodes("src") if compares_a_secret(node) and not is_of_the_contract(file)
    ]

    assert [] == found


def reads_the_environment(node: ast.AST) -> bool:
    """Tell whether *node* is ``os.environ`` or ``os.getenv``, or imports one of them."""
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv"):
            return True
        case ast.ImportFrom(module="os", names=names):
            return any(alias.name in {"environ", "getenv"} for alias in names)
        case _:
            return False


def test_the_environment_is_read_in_one_place():
    """Configuration is constructor arguments; a library that reads variables cannot be run twice in a process."""
    readers = {top_module(file) for file, node in nodes("src") if reads_the_environment(node)}

    assert set() == readers - READERS_OF_THE_ENVIRONMENT


def writes_to_a_logger(node: ast.AST) -> bool:
    """Tell whether *node* calls a method of what is named like a logger, or writes a line of ``logging`` itself."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=method)):
            is_logger = name_of(value).lower().strip("_") in {"logger", "log", "logging"}
            return is_logger and method in {"debug", "info", "warning", "error", "exception", "critical", "log"}
        case _:
            return False


def test_e11_a_call_of_a_logger_is_seen():
    caught = [
        writes_to_a_logger(ast.parse(text, mode="eval").body) for text in ("_LOGGER.log(1, x)", "logging.info(x)")
    ]
    passed = [writes_to_a_logger(ast.parse(text, mode="eval").body) for text in ("write_log(logger, 1)", "math.log(x)")]

    assert [True, True] == caught
    assert [False, False] == passed


def test_e11_one_function_writes_to_the_log():
    """A handler may raise, which ``write_log`` catches.  The configuration is read before the first request."""
    found = {file.relative_to(PACKAGE).as_posix() for file, node in nodes("src") if writes_to_a_logger(node)}

    assert {"_core/event_dispatcher.py", "config/loading.py"} == found


def test_nothing_is_done_by_an_assertion():
    """``python -O`` removes asserts, and no check may go with them."""
    found = [
        location(file, node)
        for file, node in nodes("src")
        if isinstance(node, ast.Assert) and not is_of_the_contract(file)
    ]

    assert [] == found


def test_all_of_the_package_is_read():
    """The architecture tests see the package's files."""
    files = python_files("src")

    assert PACKAGE / "__init__.py" in files
    assert all(isinstance(parsed(file), ast.Module) for file in files)
