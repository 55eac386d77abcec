"""The list of public names is sorted and complete."""

import importlib
import inspect

import safeconduct
from project_files import PACKAGE
from safeconduct.directories import CallableDirectory

#: Modules whose public classes and functions are all names of the package; `errors` and `events` are read as modules.
SPOKEN_FOR = ("auth", "config", "guard", "principal", "sessions", "tokens")
#: Public in its module, for the other modules of the package only.
INSIDE = {
    "Decorator": "what `requires` returns; a user writes the decorator and never the class",
    "NeverRead": "keeps frameworks from making a Principal; a user never makes one of them",
    "check": "what `requires` does at a call, for the guards of the integrations",
    "new_requirement": "reads the arguments of `requires`, for the guards of the integrations",
    "operator_access": "for the command line and `safeconduct.testing`; a user has the methods of `Auth`",
    "rank": "an order of levels, for rules and steps; a user compares nothing",
    "run": "finishes a verb; a user calls the verb",
}


def kind_and_name(name: str) -> tuple[int, str]:
    """Return the key of ruff's order: constants, then classes, then functions (RUF022)."""
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


def defined_in(module_name: str) -> set[str]:
    """Return the public classes and functions that the module, or a part of it, defines."""
    module = importlib.import_module(f"safeconduct.{module_name}")
    return {
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and not name.startswith("_")
        and value.__module__.startswith(module.__name__)
    }


def test_the_list_is_sorted():
    """A sorted list is easy to search."""
    assert sorted(safeconduct.__all__, key=kind_and_name) == list(safeconduct.__all__)


def test_the_list_names_nothing_twice():
    """No name is listed twice."""
    assert len(set(safeconduct.__all__)) == len(safeconduct.__all__)


def test_every_listed_name_is_there():
    """``from safeconduct import *`` works for every name."""
    missing = [name for name in safeconduct.__all__ if not hasattr(safeconduct, name)]

    assert [] == missing


def test_the_list_is_complete():
    """Every public name of a public module can be imported from the package."""
    offered = set().union(*(defined_in(module) for module in SPOKEN_FOR))

    assert set() == offered - set(safeconduct.__all__) - set(INSIDE)


def test_what_an_auth_hands_out_or_takes_has_a_name():
    """A user can annotate a function with public names only."""
    config = safeconduct.Config(store="memory://", sources=["basic"])
    auth = safeconduct.Auth(config, directory=CallableDirectory(lambda _username, _password: None))

    assert isinstance(auth.sessions, safeconduct.Sessions)
    assert isinstance(auth.async_sessions, safeconduct.AsyncSessions)
    assert isinstance(auth.tokens, safeconduct.TokenFactory)
    assert isinstance(auth.async_tokens, safeconduct.AsyncTokenFactory)
    assert isinstance(
        auth.sessions.revoke_subject("alice", issuer="https://idp.example"), safeconduct.RevocationReceipt
    )
    assert (
        "StoreProvider | None" == str(inspect.signature(safeconduct.Auth).parameters["store"].annotation).split(".")[-1]
    )


def test_principal_is_the_function():
    """``safeconduct.principal()`` is not hidden by the module of that name, which stays importable."""
    module = importlib.import_module("safeconduct.principal")

    assert inspect.isfunction(safeconduct.principal)
    assert module.Principal is safeconduct.Principal


def test_every_public_module_says_what_it_is_for():
    """A module's docstring begins with one sentence of purpose (style rule 22)."""
    silent = [file.name for file in PACKAGE.glob("*.py") if not file.read_text("utf-8").startswith('"""')]

    assert [] == silent
