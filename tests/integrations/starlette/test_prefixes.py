"""Starlette: what is mounted at a prefix without a slash at its end, and a rule for what is below it."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL, prefix_auth, statuses
from safeconduct.starlette import install


async def page(_request):
    return PlainTextResponse("file")


@pytest.mark.parametrize("prefix", ["/vault", "/vault/"])
@pytest.mark.parametrize(
    "below",
    [
        lambda prefix: Mount(prefix, app=PlainTextResponse("file")),
        lambda prefix: Mount(prefix, routes=[Route("/{rest:path}", page)]),
        lambda prefix: Mount(prefix, app=Starlette(routes=[Route("/{rest:path}", page)])),
    ],
    ids=["application", "routes", "Starlette"],
)
def test_a_mount_begins_with_a_whole_segment(below, prefix):
    app = Starlette(routes=[below(prefix)])
    install(app, prefix_auth())

    assert CLOSED == statuses(app, INSIDE, kind="asgi")
    assert [200, 200] == statuses(app, INSIDE, kind="asgi", name="alice")
    assert OUTSIDE_OF_ALL == statuses(app, OUTSIDE, kind="asgi")


def test_static_files_begin_with_a_whole_segment(tmp_path):
    (tmp_path / "a").write_text("file")
    app = Starlette(routes=[Mount("/vault", StaticFiles(directory=tmp_path))])
    install(app, prefix_auth())

    assert CLOSED == statuses(app, INSIDE, kind="asgi")
    assert [200] == statuses(app, INSIDE[:1], kind="asgi", name="alice")
    assert OUTSIDE_OF_ALL == statuses(app, OUTSIDE, kind="asgi")
