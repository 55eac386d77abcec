"""Quart: refusals of hooks, and people who are sent to sign in, whatever handlers the application has."""

import asyncio

import pytest
from quart import Blueprint, Quart

from auth_setups import configuration
from safeconduct import Auth, requires
from safeconduct.quart import Safeconduct

ACCESS = {"public": ["/health"], "sign_in_url": "/sign-in"}


async def known():
    return "known"


@requires()
async def closed(*_):
    """Answer nobody who is not known."""


def get(app, **headers):
    Safeconduct(Auth(configuration(access=ACCESS, sources=["cookie"]))).init_app(app)
    return asyncio.run(app.test_client().get("/health", headers=headers))


@pytest.mark.parametrize("place", ["before_request", "after_request", "view"])
def test_a_blueprint_makes_no_fault_of_a_refusal(place):
    """It has a handler for every exception, which a refusal does not meet."""
    app, shop = Quart("application"), Blueprint("shop", __name__)
    shop.add_url_rule("/health", "health", closed if place == "view" else known)
    if place != "view":
        getattr(shop, place)(closed)
    shop.register_error_handler(Exception, lambda _: ("a fault", 500))
    app.register_blueprint(shop)

    assert 401 == get(app).status_code


def test_no_handler_keeps_a_person_from_the_sign_in_page():
    """The configuration says where they sign in."""
    app = Quart("application")
    app.add_url_rule("/health", "health", closed)
    app.register_error_handler(401, lambda _: ("a page without a form", 401))

    answer = get(app, **{"Sec-Fetch-Mode": "navigate"})

    assert (303, "/sign-in?next=/health") == (answer.status_code, answer.headers["Location"])
