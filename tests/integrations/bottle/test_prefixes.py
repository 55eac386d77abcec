"""Bottle: an application mounted at a prefix without a slash at its end, and a rule for what is below it."""

import bottle
import pytest

from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL, prefix_auth, statuses
from safeconduct.bottle import install


def page(**_parts):
    return "file"


def of_bottle():
    inner = bottle.Bottle()
    inner.route("/<rest:path>", "GET", page)
    return inner


def of_wsgi():
    def serve(_environ, start_response):
        start_response("200 OK", [("content-type", "text/plain")])
        return [b"file"]

    return serve


# A prefix without a slash is older than Bottle's own mounts, and still taken.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("prefix", ["/vault", "/vault/"])
@pytest.mark.parametrize("inner", [of_bottle, of_wsgi])
def test_a_mount_begins_with_a_whole_segment(inner, prefix):
    auth, app = prefix_auth(), bottle.Bottle()
    app.mount(prefix, inner())
    install(app, auth)
    application = auth.wsgi(app)

    assert CLOSED == statuses(application, INSIDE)
    assert [200, 200] == statuses(application, INSIDE, name="alice")
    assert OUTSIDE_OF_ALL == statuses(application, OUTSIDE)
