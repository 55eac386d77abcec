"""The middleware of Django: errors of views, paths, prefixes, layers around it, and streams."""

import asyncio
import threading
from pathlib import Path
from wsgiref.util import FileWrapper

import pytest
from asgiref.sync import markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path, re_path
from django.views import View

from app_client import SentRequest, asgi_scope, call_wsgi, wsgi_environ
from django_people import FULL, VIEWS, Project, get, new_user, sign_in
from django_site import MIDDLEWARE, handler
from safeconduct import current, principal, requires
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


def lines(_request):
    return StreamingHttpResponse(f"{current().remote_user}\n" for _ in range(3))


async def awaited_lines(_request):
    async def each():
        for _ in range(3):
            await asyncio.sleep(0)
            yield f"{current().remote_user}\n"

    return StreamingHttpResponse(each())


def events(_request):
    return StreamingHttpResponse((b"data: 1\n\n" for _ in range(9)), content_type="text/event-stream")


async def awaited_events(_request):
    async def each():
        for _ in range(9):
            yield b"data: 1\n\n"

    return StreamingHttpResponse(each(), content_type="text/event-stream")


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
    path("lines", lines),
    path("lines/async", awaited_lines),
    path("events", events),
    path("events/async", awaited_events),
    path("file", lambda _request: FileResponse(Path(__file__).open("rb"))),  # noqa: SIM115 - the response closes it
    path("denied", denied),
    path("cache", own_cache),
    path("kept/whole", lambda _request: HttpResponse("whole")),
    path("kept/lines", lines),
    re_path("^echo/(.*)$", lambda request, _rest: HttpResponse(request.path_info.encode())),
)
ACCESS = {
    "default": "anonymous",
    "rules": [{"path": "/kept/{rest...}", "long_lived": True}, {"path": "/echo/{rest...}", "roles": ["admin"]}],
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/lines", "/lines/async"])
def test_a_stream_sees_the_identity(project, kind, target):
    """Each step of it, and nothing outside of it."""
    if kind == "wsgi" and target == "/lines/async":
        pytest.skip("Django reads it to its end in a loop of its own, and warns")
    if kind == "asgi" and target == "/lines":
        pytest.skip("the same the other way round")
    answer = get(kind, target, **project.token("alice"))
    chunks = read(answer) if kind == "wsgi" else asyncio.run(read_awaited(answer))

    assert b"alice\n" * 3 == chunks
    with pytest.raises(LookupError):
        current()


def read(answer):
    return b"".join(answer.streaming_content)


async def read_awaited(answer):
    return b"".join([chunk async for chunk in answer.streaming_content])


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_events_ends_when_its_user_is_revoked(project, kind):
    answer = get(kind, "/events" if kind == "wsgi" else "/events/async", **project.token("alice"))
    chunks = answer.streaming_content

    async def go_on():
        first = await anext(chunks)
        revoke(project)
        return first, [chunk async for chunk in chunks]

    def go():
        first = next(chunks)
        revoke(project)
        return first, list(chunks)

    assert (b"data: 1\n\n", []) == (go() if kind == "wsgi" else asyncio.run(in_thread(go_on)))


async def in_thread(go_on):
    return await go_on()


def revoke(project):
    """Revoke in a thread: a loop may run in this one."""
    thread = threading.Thread(target=project.auth.sessions.revoke_subject, args=("alice",))
    thread.start()
    thread.join()
    project.clock.advance(seconds=5)


def test_a_watched_response_breaks_off(project):
    """Half of it must not be taken for the whole."""
    chunks = get("wsgi", "/kept/lines", **project.token("alice")).streaming_content
    next(chunks)
    revoke(project)

    with pytest.raises(Exception, match="revoked"):
        next(chunks)


def test_a_watched_response_ends_with_its_token(project):
    chunks = get("wsgi", "/events", **project.token("alice")).streaming_content
    next(chunks)
    project.clock.advance(seconds=100_000)

    assert [] == list(chunks)


def end_and_answer(_request):
    revoke(end_and_answer.project)
    return HttpResponse("secret")


def test_a_whole_response_is_checked_once_more():
    """Under a rule with ``long_lived``; the credential may have ended while the view worked."""
    with Project((path("kept/slow", end_and_answer),), fields={"access": ACCESS}) as project:
        end_and_answer.project = project
        answer = get("wsgi", "/kept/slow", **project.token("alice"))

    assert (401, False) == (answer.status_code, b"secret" in answer.content)


@pytest.mark.usefixtures("project")
def test_an_anonymous_stream_is_not_watched():
    assert 9 == len(list(get("wsgi", "/events").streaming_content))


@pytest.mark.usefixtures("project")
def test_a_file_stays_one():
    """The server recognizes its own wrapper, and sends the file itself."""
    request = SentRequest("GET", "/file", (("host", b"app.example"),), "https")
    environ = wsgi_environ(request) | {"wsgi.file_wrapper": FileWrapper}

    body = handler("wsgi", ROUTES)(environ, lambda *_started: None)

    assert isinstance(body, FileWrapper)
    body.close()


def test_a_response_to_a_cookie_is_private(project):
    new_user()
    client = project.client()
    sign_in(client)

    plain, cached = client.get("/nothing", secure=True), client.get("/cache", secure=True)

    assert ("private", "Cookie") == (plain["cache-control"], plain["vary"])
    assert ("max-age=60", "Accept, Cookie") == (cached["cache-control"], cached["vary"])


def test_our_secret_cookies_stay_with_us():
    """The views see neither the refresh cookie nor that of the device."""
    seen = []

    def look(request):
        seen.append((sorted(request.COOKIES), request.headers.get("cookie", "")))
        return HttpResponse()

    with Project((path("look", look),)) as project:
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
        got = ask_wsgi(target).status if kind == "wsgi" else asyncio.run(ask_asgi(handler("asgi", ROUTES), target))

    assert 401 == got


def ask_wsgi(target, *, path_info=None, **environ):
    request = SentRequest("GET", target, (("host", b"app.example"),), "https")
    raw = {} if path_info is None else {"PATH_INFO": path_info}
    return call_wsgi(handler("wsgi", ROUTES), wsgi_environ(request, **raw, **environ))


@pytest.mark.usefixtures("project")
def test_a_path_that_is_not_utf_8_is_refused():
    """Django would route it with ``%FF`` in it, which is another path."""
    assert 400 == ask_wsgi("/nothing/%FF", RAW_URI="").status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("target", "status"), [("/shop/echo/1", 401), ("/shopecho/1", 400), ("/shop/nothing", 200)])
def test_a_forced_script_name_is_taken_off_as_django_does(kind, target, status):
    """Behind ASGI Django takes it off in the middle of a segment, too; that path is refused."""
    with Project(ROUTES, fields={"access": ACCESS}, FORCE_SCRIPT_NAME="/shop"):
        if kind == "wsgi":
            # The server has taken it off.
            got = ask_wsgi(target, path_info=target.removeprefix("/shop"), SCRIPT_NAME="/shop").status
        else:
            got = asyncio.run(ask_asgi(handler("asgi", ROUTES), target))

    assert status == got


async def ask_asgi(application, target, **more):
    scope, sent = asgi_scope(SentRequest("GET", target, (("host", b"app.example"),), "https"), **more), []
    bodies = [{"type": "http.request"}]

    async def receive():
        if not bodies:
            await asyncio.Event().wait()
        return bodies.pop()

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_around_django_and_the_middleware_inside(project, kind):
    """The inner one takes over what the outer has found, and serves no endpoints."""
    wrap = project.auth.wsgi if kind == "wsgi" else project.auth.asgi
    application = wrap(handler(kind, ROUTES))
    if kind == "wsgi":
        request = SentRequest("GET", "/echo/1", (("host", b"app.example"),), "https")
        status = call_wsgi(application, wsgi_environ(request)).status
    else:
        status = asyncio.run(ask_asgi(application, "/echo/1"))

    assert 401 == status


def test_a_body_that_was_read_before_is_read_again():
    """A middleware before ours may have looked at it."""
    with Project(ROUTES, middleware=(f"{__name__}.Reader", *FULL)) as project:
        new_user()

        assert 200 == sign_in(project.client()).status_code


class Reader:
    """A middleware that reads every body."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        assert request.body is not None
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
