"""
Import the application that an argument of the command line names.

The module is imported and the objects in it are read; nothing is served and nothing connects.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safeconduct._core.wrapped_app import described, may_be
from safeconduct._integrations.app_inspection import Application, inspect_application
from safeconduct.cli.output import UsageError
from safeconduct.errors import ConfigurationError


def load_application(location: str) -> Application:
    """
    Import ``module:attribute``, or call ``module:factory()``, and inspect it.

    Raises:
        UsageError: If it cannot be imported, called, or found.
    """
    module_name, colon, attribute = location.partition(":")
    if not module_name or not colon or not attribute:
        raise UsageError(f'APP must be "module:attribute" or "module:factory()", got {location!r}.')
    app = _find(module_name, attribute.removesuffix("()"))
    if attribute.endswith("()"):
        app = _attempt(f"{location} failed", app)
    if not callable(app):
        raise UsageError(f"{location} must be an application, got {type(app).__name__}.")
    if not (may_be(app, "asgi") or may_be(app, "wsgi")):
        hint = "" if attribute.endswith("()") else f'; if that makes it, write "{location}()"'
        raise UsageError(f"{location} must be an application, got {described(app)}{hint}.")
    return inspect_application(app)


def _find(module_name: str, path: str) -> Any:
    # As with `python -m`, modules in the working directory can be imported.
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    found = _attempt(f"{module_name} cannot be imported", lambda: importlib.import_module(module_name))
    for name in path.split("."):
        if not hasattr(found, name):
            hint = "; a factory is called without arguments" if "(" in path else ""
            raise UsageError(f"{module_name} has no {path!r}{hint}.")
        found = getattr(found, name)
    return found


def _attempt(failure: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's module may raise anything; one sentence reports it
        raise UsageError(f"{failure}: {type(error).__name__}: {error}") from None
