"""Streams of Django see the identity, and end with the credential that they depend on."""

import asyncio
import threading
from pathlib import Path
from wsgiref.util import FileWrapper

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

from app_client import SentRequest, wsgi_environ
from django_people import Project, get
from django_site import handler
from safeconduct import current

KINDS = ("wsgi", "asgi")


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


ROUTES = (
    path("lines", lines),
    path("lines/async", awaited_lines),
    path("events", events),
    path("events/async", awaited_events),
    path("file", lambda _request: FileResponse(Path(__file__).open("rb"))),  # noqa: SIM115 - the response closes it
    path("kept/lines", lines),
)
ACCESS = {"default": "anonymous", "rules": [{"path": "/kept/{rest...}", "long_lived": True}]}


@pytest.fixture
def project():
    with Project(ROUTES, fields={"access": ACCESS}) as made:
        yield made


# Django reads the other two pairs to their ends at once, and warns.
@pytest.mark.parametrize(("kind", "target"), [("wsgi", "/lines"), ("asgi", "/lines/async")])
def test_a_stream_sees_the_identity(project, kind, target):
    """Each step of it, and nothing outside of it."""
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

    assert (b"data: 1\n\n", []) == (go() if kind == "wsgi" else asyncio.run(go_on()))


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
