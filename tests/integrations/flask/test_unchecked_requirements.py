"""Flask reports the routes that it got without ``requires``, at the first request."""

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import Rule

from safeconduct import requires
from safeconduct.events import HookFailed
from safeconduct.flask import Safeconduct
from unchecked_views import Heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def app(heard):
    made = Flask("application")
    Safeconduct(heard.auth).init_app(made)
    orders, old = Blueprint("orders", "orders", url_prefix="/orders"), Blueprint("old", "old", url_prefix="/old")

    @requires(roles=["admin"])
    @made.route("/report", methods=["GET", "POST"])
    def report():
        return "served"

    @made.route("/guarded")
    @requires(roles=["admin"])
    def guarded():
        return "never served"

    @requires(roles=["admin"])
    @old.route("/<int:number>")
    def order(number):
        return str(number)

    orders.register_blueprint(old)
    made.register_blueprint(orders)
    return made


EXPECTED = [("order", "/orders/old/<int:number>"), ("report", "/report")]


def test_each_route_is_reported_once_at_the_first_request(heard, app):
    client, before = app.test_client(), heard.unchecked

    assert ("served", "7") == (client.get("/report").text, client.get("/orders/old/7").text)
    assert 401 == client.get("/guarded").status_code
    assert ([], EXPECTED) == (before, heard.unchecked)


def test_later_requests_do_not_pass_the_report(app):
    wrapped = app.wsgi_app.app
    wrapped_by_flask = wrapped.app

    app.test_client().get("/report")

    assert wrapped is not wrapped_by_flask
    assert wrapped_by_flask == app.wsgi_app.app


def test_two_first_requests_make_one_report(heard, app):
    """A request that found the report in its place, and calls it when another one has made it, is served too."""
    report, answers = app.wsgi_app.app, []

    for _ in range(2):
        with app.test_request_context("/report") as context:
            answers.append(b"".join(report(context.request.environ, lambda *_: None)))

    assert [b"served", b"served"] == answers
    assert EXPECTED == heard.unchecked


def test_a_rule_for_every_method_is_read(heard, app):
    app.url_map.add(Rule("/zz", endpoint="report"))

    assert "served" == app.test_client().delete("/zz").text
    assert [*EXPECTED, ("report", "/zz")] == heard.unchecked


def test_routes_that_cannot_be_read_break_no_request(heard, app):
    class Unreadable(dict):
        """What an extension may have put in the place of the views."""

        def get(self, *_):
            raise ZeroDivisionError

    app.view_functions = Unreadable(app.view_functions)

    assert "served" == app.test_client().get("/report").text
    assert [HookFailed(hook="routes", error="ZeroDivisionError")] == list(heard)
