"""
The one configuration of Django in this process, for every test that needs Django.

Whichever module comes first imports this; tests change settings by ``override_settings`` and routes by a handler's own.
"""

import threading
from typing import ClassVar

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db.backends.signals import connection_created
from django.test import override_settings

MIDDLEWARE = "safeconduct.django.SafeconductMiddleware"
#: Those of a new project, ours in place of Django's own sign-in.
OF_A_PROJECT = (
    MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)
APPS = (
    "safeconduct.django",
    "safeconduct.django.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "drf_spectacular",
)
#: Shared by the threads of the process, as long as one connection is open.
DATABASE = "file:of-the-tests?mode=memory&cache=shared"
CONTEXT = (
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "safeconduct.django.context_processors.identity",
)
#: Used by ``frameworks`` too, whose applications have no middleware of Django.
SETTINGS = {
    "ALLOWED_HOSTS": ["*"],
    "SECRET_KEY": "of the tests",
    "ROOT_URLCONF": (),
    "INSTALLED_APPS": list(APPS),
    "MIDDLEWARE": [],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE, "OPTIONS": {"uri": True}}},
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    # The hasher is Django's; a fast one for tests.
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "MESSAGE_STORAGE": "django.contrib.messages.storage.cookie.CookieStorage",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": list(CONTEXT)},
        }
    ],
    "STATIC_URL": "/static/",
    "LOGIN_URL": "/auth/sign-in",
    "REST_FRAMEWORK": {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"},
    "LOGGING_CONFIG": None,
}

if not settings.configured:
    settings.configure(**SETTINGS)
    django.setup()


class Database:
    """The tables of the tests, made when the first test needs them, and the connections of other threads."""

    is_made = False
    others: ClassVar[list] = []


def _note_connection(connection, **_signal):
    if threading.current_thread() is not threading.main_thread():
        Database.others.append(connection)


connection_created.connect(_note_connection)


def make_tables():
    """Make the tables once; the connection of the main thread stays open, without which they would be gone."""
    if not Database.is_made:
        Database.is_made = True
        call_command("migrate", verbosity=0, interactive=False)


def close_connections():
    """Close the connections of threads that ended, which the test clients of Django leave open."""
    for other in Database.others:
        if other.connection is not None:
            # ``close`` does nothing for a database in memory.
            other.connection.close()
            other.connection = None
    Database.others.clear()


def handler(kind, urlpatterns, *, middleware=(MIDDLEWARE,), **changed):
    """Return a handler of Django for *kind*, "wsgi" or "asgi", with its own routes and middlewares."""
    patterns = tuple(urlpatterns)

    class Wsgi(WSGIHandler):
        def get_response(self, request):
            request.urlconf = patterns
            return super().get_response(request)

    class Asgi(ASGIHandler):
        async def get_response_async(self, request):
            request.urlconf = patterns
            return await super().get_response_async(request)

    with override_settings(MIDDLEWARE=list(middleware), **changed):
        return Asgi() if kind == "asgi" else Wsgi()
