"""A project inside another application, both behind one ``Auth``: the endpoints are outside."""

import asyncio

import pytest
from django.contrib import admin
from django.urls import path

from django_people import VIEWS, Project, ask_asgi, ask_wsgi
from django_site import OF_A_PROJECT, handler

PREFIX = "/shop"
ROUTES = (*VIEWS, path("admin/", admin.site.urls))
NAVIGATION = (
    ("sec-fetch-mode", b"navigate"),
    ("sec-fetch-dest", b"document"),
    ("accept", b"text/html"),
)


@pytest.fixture
def project():
    access = {"default": "anonymous", "rules": [{"path": "/nothing", "roles": ["clerk"]}]}
    with Project(ROUTES, fields={"access": access}) as made:
        yield made


def wsgi(auth):
    """Return the project in a WSGI application behind *auth*."""
    inner = handler("wsgi", ROUTES, middleware=OF_A_PROJECT, SAFECONDUCT_AUTH=auth)

    def mounted(environ, start_response):
        path_info = environ["PATH_INFO"].removeprefix(PREFIX)
        return inner({**environ, "PATH_INFO": path_info, "SCRIPT_NAME": PREFIX}, start_response)

    return auth.wsgi(mounted)


def asgi(auth):
    """Return the project in an ASGI application behind *auth*."""
    inner = handler("asgi", ROUTES, middleware=OF_A_PROJECT, SAFECONDUCT_AUTH=auth)

    async def mounted(scope, receive, send):
        await inner({**scope, "root_path": PREFIX}, receive, send)

    return auth.asgi(mounted)


def bridged(auth):
    """Return the project behind WSGI in an ASGI application behind *auth*, through a bridge such as a2wsgi."""
    inner = handler("wsgi", ROUTES, middleware=OF_A_PROJECT, SAFECONDUCT_AUTH=auth)

    def ask(scope):
        return ask_wsgi(
            inner,
            scope["path"],
            path_info=scope["path"].removeprefix(PREFIX),
            headers=tuple((name.decode(), value) for name, value in scope["headers"] if name != b"host"),
            SCRIPT_NAME=PREFIX,
            **{"asgi.scope": scope},
        )

    async def mounted(scope, _receive, send):
        response = await asyncio.to_thread(ask, scope)
        fields = [(name.encode(), value.encode()) for name, value in response.fields]
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": response.body})

    return auth.asgi(mounted)


def ask(nest, project, target):
    """Navigate to *target* without a credential."""
    if nest is wsgi:
        return ask_wsgi(nest(project.auth), target, headers=NAVIGATION)
    return asyncio.run(ask_asgi(nest(project.auth), target, headers=NAVIGATION))


@pytest.mark.parametrize("nest", [wsgi, asgi, bridged])
def test_a_person_is_led_to_the_page_outside(nest, project):
    response = ask(nest, project, PREFIX + "/nothing")

    assert (303, ("/auth/sign-in?next=/shop/nothing",)) == (response.status, response.values("location"))


@pytest.mark.parametrize("nest", [wsgi, asgi, bridged])
def test_the_admin_leads_there_too(nest, project):
    response = ask(nest, project, PREFIX + "/admin/login/")

    assert (302, ("/auth/sign-in?next=/shop/admin/",)) == (response.status, response.values("location"))


@pytest.mark.parametrize("nest", [wsgi, asgi, bridged])
def test_the_project_serves_no_endpoint_inside(nest, project):
    assert 404 == ask(nest, project, PREFIX + "/auth/sign-in").status
    assert 200 == ask(nest, project, "/auth/sign-in").status
