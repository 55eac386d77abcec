"""FastAPI reports the routes that it got without ``requires``, before the first request."""

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from safeconduct import requires
from safeconduct.fastapi import install
from unchecked_views import Heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def client(heard):
    app, router, nested = FastAPI(), APIRouter(prefix="/orders"), APIRouter(prefix="/old")

    @requires(roles=["admin"])
    @app.get("/report")
    def report():
        return "served"

    @app.get("/guarded")
    @requires(roles=["admin"])
    def guarded():
        return "never served"

    @requires(roles=["admin"])
    @router.get("/{number}")
    async def order(number: int):
        return number

    @requires()
    @nested.post("/")
    async def old_order():
        return "served"

    router.include_router(nested)
    app.include_router(router)
    install(app, heard.auth)
    return TestClient(app)


def test_each_route_is_reported_once_at_the_start(heard, client):
    before = heard.unchecked
    with client:
        at_start = heard.unchecked
        assert ("served", 7) == (client.get("/report").json(), client.get("/orders/7").json())

    expected = [("report", "/report"), ("order", "/orders/{number}"), ("old_order", "/orders/old/")]
    assert ([], expected, expected) == (before, at_start, heard.unchecked)


def test_without_a_lifespan_the_first_request_reports_it(heard, client):
    assert 401 == client.get("/guarded").status_code

    assert ["report", "order", "old_order"] == [view for view, _ in heard.unchecked]
