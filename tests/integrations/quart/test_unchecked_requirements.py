"""Quart reports the routes that it got without ``requires``, when it starts or at the first request."""

import asyncio

import pytest
from quart import Blueprint, Quart

from safeconduct import requires
from safeconduct.quart import Safeconduct
from unchecked_views import Heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def app(heard):
    made, orders = Quart("application"), Blueprint("orders", "orders", url_prefix="/orders")
    Safeconduct(heard.auth).init_app(made)

    @requires(roles=["admin"])
    @made.route("/report")
    async def report():
        return "served"

    @requires(roles=["admin"])
    @orders.websocket("/<int:number>")
    async def order(number):
        """Serve nothing."""

    @made.route("/guarded")
    @requires(roles=["admin"])
    async def guarded():
        return "never served"

    made.register_blueprint(orders)
    return made


EXPECTED = [("order", "/orders/<int:number>"), ("report", "/report")]


def test_each_route_is_reported_once_at_the_start(heard, app):
    async def serve():
        async with app.test_app() as served:
            return heard.unchecked, await (await served.test_client().get("/report")).get_data(as_text=True)

    at_start, answer = asyncio.run(serve())

    assert (EXPECTED, "served", EXPECTED) == (at_start, answer, heard.unchecked)


def test_without_a_lifespan_the_first_request_reports_it(heard, app):
    async def serve():
        return [(await app.test_client().get(path)).status_code for path in ("/guarded", "/report")]

    before = heard.unchecked
    statuses = asyncio.run(serve())

    assert [401, 200] == statuses
    assert ([], EXPECTED) == (before, heard.unchecked)
