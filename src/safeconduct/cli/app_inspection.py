"""
An application as its author built it: what stands around it, who guards it, which routes it has.

Nothing is served and nothing connects: the module is imported, and what it made is looked at.
"""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from safeconduct import asgi, wsgi
from safeconduct._core.access_rules import Policy
from safeconduct._core.gate import Gate
from safeconduct.auth import Auth
from safeconduct.cli.output import UsageError
from safeconduct.errors import ConfigurationError

Framework = Literal["starlette", "flask"]
#: How a guard was put up: a bare line around the application, or the face that its framework has.
Manner = Literal["line", "face"]
CorsPlace = Literal["outside", "inside"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One middleware of ours around an application."""

    manner: Manner
    auth: Auth = field(repr=False)
    gate: Gate = field(repr=False)

    @property
    def has_static_directory(self) -> bool:
        """Whether its users cannot be asked for again."""
        return self.auth._container.passwords.is_static  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - as below

    @property
    def policy(self) -> Policy:
        """The access rules that it holds."""
        # The command line shows what a gate keeps to itself.
        return self.gate._policy  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - see above


@dataclass(frozen=True, slots=True)
class Application:
    """What was found at the place that an author named."""

    #: None for an application of no framework that is known here.
    framework: Framework | None
    app: Any = field(repr=False)
    guards: tuple[Guard, ...]
    #: Where Starlette's CORS middleware stands, seen from our face; None where one of them is missing.
    cors: CorsPlace | None = None


def load_application(place: str) -> Application:
    """
    Import ``module:attribute``, or call ``module:factory()``, and look at it.

    Raises:
        Complaint: If it cannot be found or made.
    """
    module_name, colon, attribute = place.partition(":")
    if not module_name or not colon or not attribute:
        raise UsageError(f'APP must be "module:attribute" or "module:factory()", got {place!r}.')
    found = _find(module_name, attribute.removesuffix("()"))
    if attribute.endswith("()"):
        found = _attempt(f"{place} failed", found)
    if not callable(found):
        raise UsageError(f"{place} is no application but {type(found).__name__}.")
    return inspect_application(found)


def inspect_application(app: Any) -> Application:
    """Look through what stands around *app*, outermost first."""
    guards: list[Guard] = []
    for layer in layers(app):
        if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware):
            guards.append(_guard("line", layer))
        if is_of("starlette.applications", "Starlette", layer):
            faces, cors = _starlette_face(layer)
            return Application("starlette", layer, (*guards, *faces), cors)
        if is_of("flask", "Flask", layer):
            return Application("flask", layer, (*guards, *_flask_face(layer)))
    return Application(None, app, tuple(guards))


def layers(app: Any) -> Iterator[Any]:
    """Yield *app* and whatever its wrappers keep as ``app``, up to an application of a framework."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = getattr(app, "app", None)


def is_of(module_name: str, class_name: str, value: object) -> bool:
    """Say whether *value* is of a framework's class, without importing a framework that nobody else imported."""
    module = sys.modules.get(module_name)
    return module is not None and isinstance(value, getattr(module, class_name))


def _find(module_name: str, path: str) -> Any:
    # As `python -m` has it: what lies in the working directory can be named.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    found = _attempt(f"{module_name} cannot be imported", lambda: importlib.import_module(module_name))
    for name in path.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{module_name} has no {path!r}.")
        found = getattr(found, name)
    return found


def _attempt(failure: str, make: Any) -> Any:
    try:
        return make()
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - an author's module may raise anything, and a sentence tells it
        raise UsageError(f"{failure}: {type(error).__name__}: {error}") from None


def _guard(manner: Manner, middleware: asgi.AuthMiddleware | wsgi.AuthMiddleware) -> Guard:
    # Whoever wraps an application does it by an ``Auth``; that it is asked for less is for the adapters' tests.
    auth = cast("Auth", middleware.auth)
    return Guard(manner, auth, middleware._gate)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - as in Guard.policy


def _starlette_face(app: Any) -> tuple[list[Guard], CorsPlace | None]:
    guards: list[Guard] = []
    ours: int | None = None
    cors: int | None = None
    # The first is the outermost.
    for place, middleware in enumerate(app.user_middleware):
        if middleware.cls is asgi.AuthMiddleware:
            ours = place
            auth = middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]
            guards.append(Guard("face", auth, auth.asgi_gate()))
        elif getattr(middleware.cls, "__name__", "") == "CORSMiddleware":
            cors = place
    if ours is None or cors is None:
        return guards, None
    return guards, "outside" if cors < ours else "inside"


def _flask_face(app: Any) -> list[Guard]:
    manner: Manner = "face" if "safeconduct" in app.extensions else "line"
    return [_guard(manner, layer) for layer in layers(app.wsgi_app) if isinstance(layer, wsgi.AuthMiddleware)]
