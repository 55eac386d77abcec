"""Flask: applications and blueprints at a prefix without a slash at its end, and a rule for what is below it."""

import pytest
from flask import Blueprint, Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL, prefix_auth, statuses
from safeconduct.flask import Safeconduct


def inner_app():
    app = Flask("inner", static_folder=None)
    app.add_url_rule("/<path:rest>", view_func=lambda rest: rest, endpoint="file")
    return app


def outside(auth):
    """Put the gate around the dispatcher."""
    return auth.wsgi(DispatcherMiddleware(Flask("outer", static_folder=None), {"/vault": inner_app()}))


def dispatched(auth):
    """Let the outer application dispatch inside of its gate."""
    app = Flask("outer", static_folder=None)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/vault": inner_app()})
    Safeconduct(auth).init_app(app)
    return app


def blueprint(auth):
    app, part = Flask("app", static_folder=None), Blueprint("vault", "vault", url_prefix="/vault")
    part.add_url_rule("/<path:rest>", view_func=lambda rest: rest, endpoint="file")
    app.register_blueprint(part)
    Safeconduct(auth).init_app(app)
    return app


@pytest.mark.parametrize("make", [outside, dispatched, blueprint])
def test_a_prefix_ends_with_a_whole_segment(make):
    application = make(prefix_auth())

    assert CLOSED == statuses(application, INSIDE)
    assert [200, 200] == statuses(application, INSIDE, name="alice")
    assert OUTSIDE_OF_ALL == statuses(application, OUTSIDE)
