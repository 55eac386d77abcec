"""Let the command line inspect a project of Django, whose settings are those of the tests' process."""

import sys
from contextlib import contextmanager

from django.test import RequestFactory, override_settings

import django_site  # noqa: F401 - configures Django for this process
from inspected_apps import loaded

MIDDLEWARE = ("safeconduct.django.SafeconductMiddleware",)


@contextmanager
def project(folder, target, *, middleware=MIDDLEWARE, **settings):
    """Let the module of *target*, in *folder*, be the URLconf of a project with our middleware."""
    settings = {"SAFECONDUCT": None, **settings}
    sys.path.insert(0, str(folder))
    try:
        with override_settings(ROOT_URLCONF=target.partition(":")[0], MIDDLEWARE=list(middleware), **settings):
            yield
    finally:
        sys.path.remove(str(folder))


def statuses(target, requests):
    """Return the status of each anonymous request, a method and a path, within the project of *target*."""
    app = loaded(target)
    app.load_middleware()
    made = {(method, path): RequestFactory().generic(method, path) for method, path in requests}
    return {key: app.get_response(request).status_code for key, request in made.items()}
