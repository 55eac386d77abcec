"""Django's cache of the whole site: what a principal gets is stored for nobody, and it answers nothing unjudged."""

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.middleware.cache import CacheMiddleware
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie

from django_people import VIEWS, Project, get, new_user, sign_in
from django_site import OF_A_PROJECT
from safeconduct import current
from safeconduct.django import SafeconductMiddleware
from safeconduct.django.checks import check_settings
from safeconduct.errors import ConfigurationError

KINDS = ("wsgi", "asgi")
STORES, ANSWERS = (f"django.middleware.cache.{name}Middleware" for name in ("UpdateCache", "FetchFromCache"))
CACHED = (OF_A_PROJECT[0], STORES, *OF_A_PROJECT[1:], ANSWERS)


class Cache(CacheMiddleware):
    """A subclass of a project's own."""


CACHE = f"{__name__}.Cache"


def asked(_request):
    """Answer with the identity, without a look at the user of Django."""
    asked.times += 1
    return HttpResponse(getattr(current(), "subject", "nobody"))


ROUTES = (*VIEWS, path("asked", asked), path("stored", cache_page(60)(vary_on_cookie(asked))))


@pytest.fixture(autouse=True)
def project():
    cache.clear()
    asked.times = 0
    with Project(ROUTES, middleware=CACHED) as made:
        yield made
    cache.clear()


def cookie_of(project, name):
    """Return the cookie of somebody who has signed in."""
    new_user(name)
    client = project.client()
    sign_in(client, name)
    access = project.auth.config.cookies.access
    return {"Cookie": f"{access}={client.cookies[access].value}"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/named", "/named/async", "/asked"])
def test_nobody_gets_the_page_of_somebody_else(project, kind, target):
    alice, bob = cookie_of(project, "alice"), cookie_of(project, "bob")

    pages = [get(kind, target, **headers) for headers in (alice, bob, project.token("alice"), {})]

    assert [True, True, True, False] == [
        name in page.content for name, page in zip((b"alice", b"bob", b"alice", b"alice"), pages, strict=True)
    ]
    assert "private" == pages[0]["Cache-Control"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_in_particular_gets_is_stored(kind):
    assert [b"nobody"] * 2 == [get(kind, "/asked").content for _ in range(2)]
    assert 1 == asked.times


def test_a_view_that_is_stored_by_name_stays_so(project):
    """Who decorates a view says what it depends on."""
    alice, bob = cookie_of(project, "alice"), cookie_of(project, "bob")

    assert [b"alice", b"bob", b"alice"] == [get("wsgi", "/stored", **who).content for who in (alice, bob, alice)]
    assert 2 == asked.times


@pytest.mark.parametrize("before", [STORES, ANSWERS, CACHE])
def test_a_cache_before_ours_is_refused(before):
    """By the check, and by the middleware itself: production servers run no checks."""
    with Project(middleware=(before, *OF_A_PROJECT)):
        assert ["safeconduct.E003"] == [message.id for message in check_settings()]
        with pytest.raises(ConfigurationError, match="nobody has judged"):
            SafeconductMiddleware(lambda _request: HttpResponse())
