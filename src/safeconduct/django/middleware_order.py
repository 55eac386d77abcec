"""Say which middlewares of Django must not stand beside ours, and which may stand before it."""

from typing import Final

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from safeconduct.errors import ConfigurationError

OURS: Final = "safeconduct.django.SafeconductMiddleware"
#: Their subclasses, too.
OTHER_SIGN_INS: Final = (
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.RemoteUserMiddleware",
)
_STORES: Final = "django.middleware.cache.UpdateCacheMiddleware"
_ANSWERS: Final = "django.middleware.cache.FetchFromCacheMiddleware"


def other_sign_ins() -> list[str]:
    """Return the middlewares of the settings that set ``request.user`` from Django's own session."""
    if not apps.is_installed("django.contrib.auth"):
        return []
    ours, others = _class(OURS), tuple(_class(path) for path in OTHER_SIGN_INS)
    found = {path: _class(path) for path in settings.MIDDLEWARE}
    return [path for path, kind in found.items() if issubclass(kind, others) and not issubclass(kind, ours)]


def refuse_other_sign_ins() -> None:
    """
    Return if nothing but our middleware sets ``request.user``.

    Raises:
        ConfigurationError: If a sign-in of Django's own would go on after a sign-out here.
    """
    found = other_sign_ins()
    if found:
        raise ConfigurationError(
            f"MIDDLEWARE: got {', '.join(found)} beside {OURS}, wanted {OURS} alone, which sets request.user: a "
            "sign-in by Django's own session would go on after a sign-out"
        )


def caches_before_ours() -> list[str]:
    """Return the caches that answer requests, or store responses, before our middleware has judged or marked them."""
    paths = list(settings.MIDDLEWARE)
    caches = _class(_STORES), _class(_ANSWERS)
    return [path for path in paths[: _place_of_ours(paths)] if issubclass(_class(path), caches)]


def refuse_caches_before_ours() -> None:
    """
    Return if no cache of Django is before our middleware.

    Raises:
        ConfigurationError: If one would answer requests that nobody has judged.
    """
    found = caches_before_ours()
    if found:
        raise ConfigurationError(
            f"MIDDLEWARE: got {', '.join(found)} before {OURS}, wanted {OURS} first: a cache answers requests that "
            "nobody has judged"
        )


def _place_of_ours(paths: list[str]) -> int:
    ours = _class(OURS)
    return next((index for index, path in enumerate(paths) if issubclass(_class(path), ours)), 0)


def _class(path: str) -> type:
    """Return the class of a middleware; a function, which sets no user, counts as ``object``."""
    found: object = import_string(path)
    return found if isinstance(found, type) else object
