"""Make the one ``Auth`` of a Django project from its settings, and tell what follows from its configuration."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from safeconduct._core.pages.settings import SIGN_IN
from safeconduct._core.wrapped_app import described
from safeconduct._wiring.settings import allows_sign_in_page
from safeconduct.auth import Auth
from safeconduct.config import Config
from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError


class _Project:
    """Keep the ``Auth`` of the settings until one of them changes, which happens only in tests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._auth: Auth | None = None

    def auth(self) -> Auth:
        """Return it; make it if there is none."""
        with self._lock:
            if self._auth is None:
                self._auth = _new_auth()
            return self._auth

    def forget(self, *, setting: str, **_more: object) -> None:
        """Make another one after one of our settings has changed."""
        if setting.startswith("SAFECONDUCT"):
            with self._lock:
                self._auth = None


_PROJECT = _Project()
setting_changed.connect(_PROJECT.forget)


def get_auth() -> Auth:
    """
    Return the ``Auth`` of this project, the same at each call.

    It is made from ``SAFECONDUCT``, ``SAFECONDUCT_DIRECTORY`` and ``SAFECONDUCT_AUTH`` in the settings; without the
    first, from ``safeconduct.toml``.

    Raises:
        ConfigurationError: If one of them is wrong.
    """
    return _PROJECT.auth()


def get_config() -> Config:
    """
    Return the configuration that the settings describe.

    Raises:
        ConfigurationError: If it is wrong.
    """
    given: object = getattr(settings, "SAFECONDUCT", None)
    if given is None:
        return Config.load()
    if isinstance(given, Config):
        return given
    if not is_table(given):
        raise ConfigurationError(f"SAFECONDUCT: got {described(given)}, wanted a dict of the fields of Config")
    return Config.from_mapping(cast("Mapping[str, Any]", given), base=getattr(settings, "BASE_DIR", None))


def sign_in_url(config: Config) -> str | None:
    """Return the path of the sign-in page; None where people do not sign in here."""
    if config.access.sign_in_url is not None:
        return config.access.sign_in_url
    return f"{config.endpoints.prefix}/{SIGN_IN}" if allows_sign_in_page(config) else None


def _new_auth() -> Auth:
    made: object = getattr(settings, "SAFECONDUCT_AUTH", None)
    directory: object = getattr(settings, "SAFECONDUCT_DIRECTORY", None)
    if made is None:
        return Auth(get_config(), directory=cast("Any", _made_of(directory)))
    if directory is not None:
        raise ConfigurationError("SAFECONDUCT_DIRECTORY: got one beside SAFECONDUCT_AUTH, wanted only one of the two")
    if isinstance(made, str):
        made = _imported("SAFECONDUCT_AUTH", made)
    if callable(made):
        made = cast("Callable[[Config], object]", made)(get_config())
    if not isinstance(made, Auth):
        raise ConfigurationError(
            f"SAFECONDUCT_AUTH: got {described(made)}, wanted a function of a Config that returns an Auth"
        )
    return made


def _made_of(directory: object) -> object:
    """Return the directory that a setting names: an instance, or what a class or a function makes."""
    found = _imported("SAFECONDUCT_DIRECTORY", directory) if isinstance(directory, str) else directory
    is_instance = any(hasattr(found, name) for name in ("check", "acheck")) and not isinstance(found, type)
    return found() if callable(found) and not is_instance else found


def _imported(name: str, path: str) -> object:
    try:
        return cast("object", import_string(path))
    except ImportError as error:
        raise ConfigurationError(f"{name}: got {path!r}, wanted a name that can be imported: {error}") from error
