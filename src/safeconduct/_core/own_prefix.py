"""
Refuse to wrap an application that takes a prefix of its own off each path, which nothing around it can see.

``FastAPI(root_path="/api")`` and Django's ``FORCE_SCRIPT_NAME`` set the prefix inside: the application then reads
``/api/admin`` as ``/admin``, while the rules are asked about ``/api/admin``.
"""

import sys
from collections.abc import Iterator
from typing import Any

from safeconduct.config.shapes import is_table
from safeconduct.errors import ConfigurationError

_SERVERS = "give the prefix to the server (uvicorn --root-path, SCRIPT_NAME behind WSGI) instead"


def refuse_own_root_path(app: Any) -> None:
    """
    Look at an ASGI application, and at whatever its wrappers keep as ``app``.

    Raises:
        ConfigurationError: If one of them has a root path of its own, or Django's ``FORCE_SCRIPT_NAME`` is in effect.
    """
    refuse_forced_script_name(app)
    for layer in _layers(app):
        root_path = getattr(layer, "root_path", None)
        # The attribute of that name that Flask and Quart have is a folder; both have a name to be imported by.
        if isinstance(root_path, str) and root_path.strip("/") and not hasattr(layer, "import_name"):
            raise ConfigurationError(
                f"the application has a root path of its own, got {root_path!r}, wanted none where safeconduct stands "
                f"around it: app.add_middleware(AuthMiddleware, auth=auth) stands inside of it; or {_SERVERS}"
            )


def refuse_forced_script_name(app: Any) -> None:
    """
    Look at an application, and at whatever its wrappers keep as ``app``, for one of Django.

    Raises:
        ConfigurationError: If Django's setting ``FORCE_SCRIPT_NAME`` is in effect there.
    """
    # Not imported: where nobody did, the application is none of Django.
    handlers, conf = sys.modules.get("django.core.handlers.base"), sys.modules.get("django.conf")
    if handlers is None or conf is None:
        return
    forced: str | None = getattr(conf.settings, "FORCE_SCRIPT_NAME", None) if conf.settings.configured else None
    if forced and any(isinstance(layer, handlers.BaseHandler) for layer in _layers(app)):
        raise ConfigurationError(
            f"Django's FORCE_SCRIPT_NAME, got {forced!r}, wanted none: Django takes that prefix off by itself, and the "
            f"rules are asked about the whole path; {_SERVERS}"
        )


def _layers(app: Any) -> Iterator[Any]:
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        # Channels keeps what serves HTTP in a table.
        served = getattr(app, "application_mapping", None)
        app = served.get("http") if is_table(served) else getattr(app, "app", None)
