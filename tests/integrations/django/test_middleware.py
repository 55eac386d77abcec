"""The middleware of Django: errors of views, paths, prefixes, layers around it, and streams."""

import asyncio

import pytest
from asgiref.sync import markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path, re_path
from django.views import View

from django_people import VIEWS, Project, ask_asgi, ask_wsgi, get, new_user, sign_in
from django_site import MIDDLEWARE, OF_A_PROJECT, handler
from safeconduct import principal, requires
from safeconduct.django import SafeconductMiddleware
from safeconduct.errors import InsufficientRights

KINDS = ("wsgi", "asgi")
needs_read = requires(scopes=["read"])


class ByClass(View):
    @needs_read
    def get(self, _request):
        return HttpResponse()


class Awaited(View):
    @needs_read
    async def get(self, _request):
        return HttpResponse()


class Template:
    def render(self, *_context):
        raise InsufficientRights(["read"])


def rendered(request):
    response = TemplateResponse(request, "none")
    response.resolve_template = lambda _name: Template()
    return response


def denied(_request):
    raise PermissionDenied


def own_cache(_request):
    return HttpResponse(headers={"Cache-Control": "max-age=60", "Vary": "Accept"})


ROUTES = (
    *VIEWS,
    path("class", ByClass.as_view()),
    path("class/async", Awaited.as_view()),
    path("rendered", rendered),
    path("principal", lambda _request: HttpResponse(principal().subject)),
    path("denied", denied),
    path("cache", own_cache),
    re_path("^echo/(.*)$", lambda request, _rest: HttpResponse(request.path_info.encode())),
)
ACCESS = {
    "default": "anonymous",
    "rules": [{"path": "/echo/{rest...}", "roles": ["admin"]}],
}


@pytest.fixture
def project():
    with Project(ROUTES, fields={"access": ACCESS}) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/scoped", "/class", "/class/async", "/rendered"])
def test_an_error_of_a_view_gets_its_answer(project, kind, target):
    """In production mode: 403, never 500; the handler for 500 and the signal of an exception see nothing."""
    answer = get(kind, target, **project.token("alice"))

    assert (403, "application/problem+json") == (answer.status_code, answer["content-type"])
    assert 'scope="read"' in answer["www-authenticate"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("project")
def test_nobody_gets_401_with_a_challenge(kind):
    answer = get(kind, "/principal")

    assert (401, 'Bearer realm="https://app.example"') == (answer.status_code, answer["www-authenticate"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("project")
def test_other_errors_are_django_s(kind):
    assert [403, 404] == [get(kind, target).status_code for target in ("/denied", "/nowhere")]


def test_the_test_client_raises_none_of_ours(project):
    """It raises what Django would answer with 500."""
    assert 403 == Client(raise_request_exception=True, headers=project.token("alice")).get("/scoped").status_code


class Teapot:
    """A middleware of the project that answers our errors itself."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, _request, error):
        return HttpResponse(status=418) if isinstance(error, InsufficientRights) else None


@pytest.mark.parametrize("kind", KINDS)
def test_a_middleware_of_the_project_sees_our_errors_first(kind):
    """Behind ASGI ours runs in a thread then, since that one is synchronous."""
    with Project(ROUTES, middleware=(MIDDLEWARE, f"{__name__}.Teapot")) as project:
        new_user()

        assert 418 == get(kind, "/scoped", **project.token("alice")).status_code
        assert "alice" == get(kind, "/named", **project.token("alice")).json()["user"]
        assert 401 == get(kind, "/named", Authorization="Bearer x").status_code


class AsyncOnly:
    """A middleware that is always awaited."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request):
        return await self.get_response(request)


def test_an_awaited_middleware_behind_wsgi():
    """Django runs a loop for each request then, and ours is awaited in it."""
    with Project(ROUTES, middleware=(MIDDLEWARE, f"{__name__}.AsyncOnly")) as project:
        new_user()

        assert "alice" == project.client("alice").get("/named").json()["user"]
        assert 401 == project.client().get("/named", headers={"Authorization": "Bearer x"}).status_code


def test_a_response_to_a_cookie_is_private(project):
    new_user()
    client = project.client()
    sign_in(client)

    plain, cached = client.get("/nothing", secure=True), client.get("/cache", secure=True)

    assert ("private", "Cookie") == (plain["cache-control"], plain["vary"])
    assert ("max-age=60", "Accept, Cookie") == (cached["cache-control"], cached["vary"])


@pytest.mark.parametrize("before", [(), (f"{__name__}.Reader",)], ids=["first", "read before"])
def test_our_secret_cookies_stay_with_us(before):
    """The views see neither the refresh cookie nor that of the device, though another middleware has looked before."""
    seen = []

    def look(request):
        seen.append((sorted(request.COOKIES), request.headers.get("cookie", "")))
        return HttpResponse()

    with Project((path("look", look),), middleware=(*before, *OF_A_PROJECT)) as project:
        new_user()
        client = project.client()
        sign_in(client, remember=True)
        assert "__Host-safeconduct-refresh" in client.cookies
        client.get("/look", secure=True)
        awaited = AsyncClient()
        awaited.cookies.load({"__Host-safeconduct-refresh": "x", "a": "1"})
        asyncio.run(awaited.get("/look"))

    assert [["__Host-safeconduct"], ["a"]] == [names for names, _ in seen]
    assert "refresh" not in seen[0][1] + seen[1][1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/%C3%A9", "/%C3%A9/"])
def test_a_path_is_read_as_django_reads_it(kind, target):
    """Django has decoded it in the environ, where PEP 3333 wants latin-1."""
    rules = [{"path": "/é", "roles": ["admin"]}]
    with Project(ROUTES, fields={"access": {"default": "anonymous", "rules": rules}}):
        got = (
            ask_wsgi(handler("wsgi", ROUTES), target).status
            if kind == "wsgi"
            else asyncio.run(ask_asgi(handler("asgi", ROUTES), target)).status
        )

    assert 401 == got


@pytest.mark.usefixtures("project")
def test_a_path_that_is_not_utf_8_is_refused():
    """Django would route it with ``%FF`` in it, which is another path."""
    assert 400 == ask_wsgi(handler("wsgi", ROUTES), "/nothing/%FF", RAW_URI="").status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("target", "status"), [("/shop/echo/1", 401), ("/shopecho/1", 400), ("/shop/nothing", 200)])
def test_a_forced_script_name_is_taken_off_as_django_does(kind, target, status):
    """Behind ASGI Django takes it off in the middle of a segment, too; that path is refused."""
    with Project(ROUTES, fields={"access": ACCESS}, FORCE_SCRIPT_NAME="/shop"):
        if kind == "wsgi":
            # The server has taken it off.
            got = ask_wsgi(
                handler("wsgi", ROUTES), target, path_info=target.removeprefix("/shop"), SCRIPT_NAME="/shop"
            ).status
        else:
            got = asyncio.run(ask_asgi(handler("asgi", ROUTES), target)).status

    assert status == got


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_around_django_and_the_middleware_inside(project, kind):
    """The inner one takes over what the outer has found, and serves no endpoints."""
    wrap = project.auth.wsgi if kind == "wsgi" else project.auth.asgi
    application = wrap(handler(kind, ROUTES))
    if kind == "wsgi":
        status = ask_wsgi(application, "/echo/1").status
    else:
        status = asyncio.run(ask_asgi(application, "/echo/1")).status

    assert 401 == status


def test_a_body_that_was_read_before_is_read_again():
    """A middleware before ours may have looked at it."""
    with Project(ROUTES, middleware=(f"{__name__}.Reader", *OF_A_PROJECT)) as project:
        new_user()

        assert 200 == sign_in(project.client()).status_code


class Reader:
    """A middleware that reads every body."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        assert request.body is not None
        assert request.COOKIES is not None
        assert request.headers
        return self.get_response(request)


def test_head_has_no_body(project):
    answer = project.client().head("/principal")

    assert (401, b"") == (answer.status_code, answer.content)


def test_a_request_of_a_factory_can_be_served(project):
    """As people test a view by itself."""
    request = RequestFactory().get("/", headers=project.token("alice"))

    SafeconductMiddleware(lambda request: HttpResponse(request.principal.subject))(request)

    assert "alice" == request.auth.subject


@pytest.mark.usefixtures("project")
def test_errors_without_the_middleware_are_not_ours():
    """``process_exception`` of a middleware whose request it has not seen."""
    middleware = SafeconductMiddleware(lambda _request: HttpResponse())

    assert None is middleware.process_exception(RequestFactory().get("/"), InsufficientRights())
