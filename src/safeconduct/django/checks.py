"""
Check the settings of a Django project, with ``manage.py check`` and at the start of ``runserver``.

=====================  ===========================================================================================
``safeconduct.E001``   our middleware is missing
``safeconduct.E002``   a middleware of Django's own sign-in is beside ours
``safeconduct.E003``   a cache is before our middleware: it would answer requests that nobody has judged
``safeconduct.E004``   the configuration, or what it names, is wrong
``safeconduct.E005``   ``FORCE_SCRIPT_NAME`` does not begin with a slash, or ends with one
``safeconduct.E006``   users cannot be created by ``SAFECONDUCT_USER_FIELD``
``safeconduct.E007``   two users may have the same value in ``SAFECONDUCT_USER_FIELD``
``safeconduct.W001``   another middleware is before ours
``safeconduct.W002``   Django believes a proxy about TLS that we do not know
``safeconduct.W003``   forms of signed-in users would be refused
``safeconduct.W004``   ``LOGIN_URL`` is not our sign-in page
``safeconduct.W005``   the admin has its own sign-in page
``safeconduct.W006``   there are no users who could sign in
=====================  ===========================================================================================
"""

from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name

from safeconduct.config import Config
from safeconduct.django.middleware_order import OURS, caches_before_ours, other_sign_ins
from safeconduct.django.project import get_auth, sign_in_url
from safeconduct.django.users import user_field
from safeconduct.errors import ConfigurationError

#: They answer nothing that a rule could protect: redirections, preflights, and files that are public anyway.
_MAY_BE_BEFORE: Final = (
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
)


def check_settings(**_which: object) -> list[CheckMessage]:
    """Return what is wrong with the settings."""
    found = [*_middlewares(), *_script_name(), *_users()]
    try:
        config = get_auth().config
    except ConfigurationError as error:
        return [*found, _error(4, str(error), "SAFECONDUCT has the fields of safeconduct.toml.")]
    return [*found, *_proxies(config), *_forms(config), *_sign_in(config)]


def _error(number: int, text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id=f"safeconduct.E{number:03}")


def _warning(number: int, text: str, hint: str) -> CheckMessage:
    return Warning(text, hint=hint, id=f"safeconduct.W{number:03}")


def _middlewares() -> Iterator[CheckMessage]:
    paths = list(settings.MIDDLEWARE)
    if OURS not in paths:
        yield _error(1, "MIDDLEWARE has no safeconduct: no request is judged.", f'Put "{OURS}" first.')
        return
    for path in other_sign_ins():
        yield _error(2, f"{path} sets request.user from Django's own session.", f"Remove it: {OURS} sets request.user.")
    caches = caches_before_ours()
    for path in paths[: paths.index(OURS)]:
        if path in caches:
            yield _error(
                3, f"{path} is before safeconduct, and answers requests that nobody has judged.", f'Put "{OURS}" first.'
            )
        elif path not in _MAY_BE_BEFORE:
            yield _warning(1, f"{path} is before safeconduct, and does not know who is asking.", f'Put "{OURS}" first.')


def _script_name() -> Iterator[CheckMessage]:
    forced: str | None = settings.FORCE_SCRIPT_NAME
    if forced and (not forced.startswith("/") or forced.endswith("/")):
        yield _error(5, f"FORCE_SCRIPT_NAME is {forced!r}.", "It begins with a slash and does not end with one.")


def _users() -> Iterator[CheckMessage]:
    if apps.is_installed("django.contrib.auth"):
        try:
            user_field()
        except ConfigurationError as error:
            yield _error(7, str(error), "Name a unique field, such as the user name, or make this one unique.")
    if (
        getattr(settings, "SAFECONDUCT_CREATE_USERS", False)
        and getattr(settings, "SAFECONDUCT_USER_FIELD", None) == "pk"
    ):
        yield _error(6, "SAFECONDUCT_CREATE_USERS cannot choose a primary key.", "Name another SAFECONDUCT_USER_FIELD.")


def _proxies(config: Config) -> Iterator[CheckMessage]:
    if settings.SECURE_PROXY_SSL_HEADER and not config.proxies.trusted:
        yield _warning(
            2,
            "SECURE_PROXY_SSL_HEADER believes a proxy that safeconduct does not know.",
            "Name its network in proxies.trusted, so that its word about TLS and the client counts for both.",
        )


def _forms(config: Config) -> Iterator[CheckMessage]:
    if "cookie" in config.sources and config.csrf.token != "fallback":  # noqa: S105 - a setting
        yield _warning(
            3,
            "A form cannot send X-CSRF-Token, so a POST of a signed-in user without a script is refused.",
            'Set csrf.token = "fallback" for a site of forms: the origin of the page is checked first.',
        )


def _sign_in(config: Config) -> Iterator[CheckMessage]:
    url = sign_in_url(config)
    if "cookie" not in config.sources or url is None:
        return
    if str(settings.LOGIN_URL) != url:
        yield _warning(4, f"LOGIN_URL is {str(settings.LOGIN_URL)!r}.", f"Set LOGIN_URL = {url!r}.")
    if config.access.sign_in_url is None and not _has_users(config):
        yield _warning(
            6,
            f"Nothing checks passwords, so there is no page at {url}.",
            'Set SAFECONDUCT_DIRECTORY = "safeconduct.django.DjangoDirectory", '
            "or access.sign_in_url if people sign in elsewhere.",
        )
    if apps.is_installed("django.contrib.admin") and not _has_our_admin():
        yield _warning(
            5,
            "The sign-in page of the admin starts a session of Django's own, which counts for nothing here.",
            'Replace "django.contrib.admin" by "safeconduct.django.admin.AdminConfig" in INSTALLED_APPS.',
        )


def _has_users(config: Config) -> bool:
    named = (getattr(settings, name, None) for name in ("SAFECONDUCT_DIRECTORY", "SAFECONDUCT_AUTH"))
    return config.login.users is not None or any(each is not None for each in named)


def _has_our_admin() -> bool:
    from django.contrib.admin import site  # noqa: PLC0415 - only where it is installed

    from safeconduct.django.admin import AdminSite  # noqa: PLC0415 - as above

    # The default site is made when something of it is read.
    default: Any = site
    return isinstance(default, AdminSite)
