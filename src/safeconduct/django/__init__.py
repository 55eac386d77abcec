"""
Integrate with Django: one middleware for WSGI and ASGI, `request.user`, the admin, REST framework, Ninja and Channels.

The names are loaded when they are first asked for, since Django imports this package before its models can be.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from safeconduct._integrations.extras import missing_extra

try:
    import_module("django")
except ImportError as missing:
    raise missing_extra("django", missing) from None

if TYPE_CHECKING:
    from safeconduct.django.directory import DjangoDirectory
    from safeconduct.django.middleware import SafeconductMiddleware
    from safeconduct.django.project import get_auth
    from safeconduct.django.sign_in_page import (
        acheck_password,
        aset_cookies,
        check_password,
        clear_cookies,
        set_cookies,
    )

__all__ = [
    "DjangoDirectory",
    "SafeconductMiddleware",
    "acheck_password",
    "aset_cookies",
    "check_password",
    "clear_cookies",
    "get_auth",
    "set_cookies",
]

_MODULES = {
    "DjangoDirectory": "directory",
    "SafeconductMiddleware": "middleware",
    "acheck_password": "sign_in_page",
    "aset_cookies": "sign_in_page",
    "check_password": "sign_in_page",
    "clear_cookies": "sign_in_page",
    "get_auth": "project",
    "set_cookies": "sign_in_page",
}


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
