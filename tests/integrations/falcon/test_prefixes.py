"""Falcon: a sink or static files at a prefix without a slash at its end, and a rule for what is below it."""

import falcon
import falcon.asgi
import pytest

from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL, prefix_auth, statuses
from safeconduct.falcon import install

KINDS = ("wsgi", "asgi")


def site(kind, prefix, **how):
    """Return an application with a sink at *prefix*."""

    def serve(_req, resp):
        resp.text = "file"

    async def serve_awaited(_req, resp):
        resp.text = "file"

    auth = prefix_auth(**how)
    app = falcon.App() if kind == "wsgi" else falcon.asgi.App()
    app.add_sink(serve if kind == "wsgi" else serve_awaited, prefix)
    install(app, auth)
    return auth.wsgi(app) if kind == "wsgi" else auth.asgi(app)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sink_with_a_slash_serves_what_the_rule_covers(kind):
    application = site(kind, "/vault/")

    assert CLOSED == statuses(application, INSIDE, kind=kind)
    assert [200, 200] == statuses(application, INSIDE, kind=kind, name="alice")
    assert OUTSIDE_OF_ALL == statuses(application, OUTSIDE, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sink_without_a_slash_serves_other_paths_too(kind):
    """Falcon compares the beginning of the path alone, so that a rule for what is below it is not enough."""
    application = site(kind, "/vault")

    assert CLOSED == statuses(application, INSIDE, kind=kind)
    assert [200] * len(OUTSIDE) == statuses(application, OUTSIDE, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_where_everything_is_closed_the_other_paths_are_too(kind):
    application = site(kind, "/vault", default="authenticated")

    assert [401] * len(OUTSIDE) == statuses(application, OUTSIDE, kind=kind)


def test_static_files_begin_with_a_whole_segment(tmp_path):
    (tmp_path / "a").write_text("file")
    auth = prefix_auth()
    app = falcon.App()
    app.add_static_route("/vault", str(tmp_path))
    install(app, auth)
    application = auth.wsgi(app)

    assert CLOSED == statuses(application, INSIDE)
    assert [200] == statuses(application, INSIDE[:1], name="alice")
    assert OUTSIDE_OF_ALL == statuses(application, OUTSIDE)
