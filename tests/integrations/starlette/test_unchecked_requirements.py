"""Starlette reports the routes that it got without ``requires``, before the first request."""

import logging
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

from safeconduct import requires
from safeconduct.events import HookFailed
from safeconduct.starlette import install
from unchecked_views import Heard, guard_in_vain


async def open_to_all(_request):
    return PlainTextResponse("served")


async def greet(websocket):
    await websocket.accept()
    await websocket.close()


@requires(roles=["admin"])
async def guarded(_request):
    return PlainTextResponse("never served")


guard_in_vain(open_to_all)
guard_in_vain(greet)


@pytest.fixture
def heard():
    return Heard()


def installed(heard, *routes):
    app = Starlette(routes=routes)
    install(app, heard.auth)
    return app


def test_each_route_is_reported_once_at_the_start(heard, caplog):
    app = installed(
        heard,
        Route("/a", open_to_all, methods=["GET", "POST"]),
        Route("/guarded", guarded),
        Mount("/below", routes=[Route("/{name}", open_to_all)]),
        Mount("/app", Starlette(routes=[WebSocketRoute("/socket", greet)])),
    )

    with caplog.at_level(logging.ERROR, "safeconduct"), TestClient(app) as client:
        at_start = heard.unchecked
        assert ["served", "served"] == [client.get(path).text for path in ("/a", "/below/b")]

    assert [("open_to_all", "/a"), ("open_to_all", "/below/{name}"), ("greet", "/app/socket")] == at_start
    assert at_start == heard.unchecked
    assert [(logging.ERROR, "/a"), (logging.ERROR, "/below/{name}"), (logging.ERROR, "/app/socket")] == [
        (record.levelno, record.route) for record in caplog.records
    ]


def test_without_a_lifespan_the_first_request_reports_it(heard):
    client = TestClient(installed(heard, Route("/a", open_to_all)))
    before = heard.unchecked

    client.get("/a")
    client.get("/a")

    assert ([], [("open_to_all", "/a")]) == (before, heard.unchecked)


def test_what_is_guarded_is_not_reported(heard):
    assert 401 == TestClient(installed(heard, Route("/guarded", guarded))).get("/guarded").status_code

    assert [] == heard.unchecked


def test_a_view_without_a_name_is_reported_by_its_class(heard):
    view = partial(open_to_all)
    guard_in_vain(view)

    TestClient(installed(heard, Route("/a", view))).get("/a")

    assert [("partial", "/a")] == heard.unchecked


def test_routes_that_cannot_be_read_break_no_request(heard):
    class Unreadable(BaseRoute):
        """A route of another library."""

        @property
        def path(self):
            raise ZeroDivisionError

        def matches(self, scope):
            return Route("/a", open_to_all).matches(scope)

        async def handle(self, scope, receive, send):
            await Route("/a", open_to_all).handle(scope, receive, send)

    client = TestClient(installed(heard, Unreadable()))

    assert "served" == client.get("/a").text
    assert [HookFailed(hook="routes", error="ZeroDivisionError")] == list(heard)
