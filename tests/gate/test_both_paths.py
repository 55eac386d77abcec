"""The fast path and the slow path give the same answer to every row of the request table, and to its variations."""

from dataclasses import replace

import pytest

from app_client import SentRequest
from app_reports import WORLDS
from auth_setups import auth_for
from request_table import ROWS
from two_paths import TwoPaths

_MADE = {}
#: What a row needs that one application in this process does not offer.
_NEEDS = {"asgi": {"wsgi", "joins", "says"}, "wsgi": {"asgi", "asgi-only"}}
#: The rows of the endpoints change what is stored, and never take the fast path.
CASES = [
    pytest.param(world, row, id=f"{world}-{row.name}")
    for world in WORLDS
    for row in ROWS
    if row.setup != "life" and not row.needs & _NEEDS[world]
]


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    for paths in _MADE.values():
        paths.close()
    _MADE.clear()


def paths_of(world, setup):
    """Return both applications of a setup, which stay warm from row to row."""
    if (world, setup) not in _MADE:
        auth = auth_for.__wrapped__(setup)
        _MADE[world, setup] = TwoPaths(world, auth)
    return _MADE[world, setup]


@pytest.mark.parametrize(("world", "row"), CASES)
def test_both_paths_answer_a_row_alike(world, row):
    """Each row is sent three times, since a route is remembered for the fast path with its second request."""
    paths = paths_of(world, row.setup)

    for _ in range(3):
        quick, slow = paths.send(SentRequest.of(row))

        assert slow == quick
    assert row.status == quick.status


def as_cookies(row):
    """Return the header fields of *row* with each bearer token in a cookie among others, from one of our pages."""
    fields = [("origin", "https://app.example"), ("x-csrf-token", "A" * 43)]
    for name, value in row.headers:
        scheme, _, token = value.partition(" ")
        is_bearer = name == "authorization" and scheme == "Bearer"
        cookies = f"theme=dark; __Host-safeconduct={token}; __Host-safeconduct-refresh=r"
        fields.append(("cookie", cookies) if is_bearer else (name, value))
    return tuple(fields)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("world", "row"), CASES)
def test_both_paths_answer_a_row_with_cookies_alike(world, row, method):
    """What a page may send with a cookie is decided in the same way."""
    paths = paths_of(world, row.setup)
    variation = replace(row, method=method, headers=as_cookies(row), body=b"")

    for _ in range(3):
        quick, slow = paths.send(SentRequest.of(variation))

        assert slow == quick


@pytest.mark.parametrize("world", WORLDS)
def test_the_table_takes_the_fast_path_where_it_may(world):
    """Otherwise the comparison would compare the slow path with itself."""
    rows = [row for row in ROWS if row.setup == "main" and not row.needs & _NEEDS[world]]
    paths = paths_of(world, "main")

    fast = set()
    for row in rows:
        for _ in range(3):
            paths.send(SentRequest.of(row))
        fast |= {row.name} if paths.is_fast else set()

    schemes = {"authorization Bearer", "authorization Basic", "cookie"}
    seen = {
        name if name == "cookie" else f"{name} {value.split()[0]}"
        for row in rows
        if row.name in fast
        for name, value in row.headers
        if name in {"authorization", "cookie"}
    }
    assert schemes <= seen
