"""See how real servers hand on a prefix: the rules meet the path below it, however the server writes it."""

import pytest

from table_tokens import tokens
from web_servers import WebServer

#: What the application sees as prefix and path where a proxy removed the prefix, and where it is still there.  None:
#: the server refuses the request, or hands on what we refuse.
PREFIXED, WITHOUT, BELOW = "/root /root/admin", "/root /admin", None
SERVERS = {
    "uvicorn": (PREFIXED, "/root /root/root/admin"),
    "uvicorn httptools": (PREFIXED, "/root /root/root/admin"),
    "hypercorn": (WITHOUT, PREFIXED),
    "granian asgi": (WITHOUT, PREFIXED),
    "daphne": (WITHOUT, PREFIXED),
    "gunicorn asgi": (WITHOUT, PREFIXED),
    "gunicorn sync": (BELOW, WITHOUT),
    "gunicorn gthread": (BELOW, WITHOUT),
    "gunicorn gevent": (BELOW, WITHOUT),
    "waitress": (WITHOUT, WITHOUT),
    "granian wsgi": (BELOW, WITHOUT),
}


@pytest.fixture(scope="module", params=SERVERS)
def served(request):
    is_asgi = request.param in {"uvicorn", "uvicorn httptools", "hypercorn", "daphne"} or "asgi" in request.param
    server = WebServer(request.param, f"served_apps:paths_{'asgi' if is_asgi else 'wsgi'}", ROOT_PATH="/root")
    yield server
    server.close()


def ask(served, target, name):
    """Return the status, and what the application saw."""
    lines = [f"GET {target} HTTP/1.1", "Host: app.example", f"Authorization: Bearer {tokens()[name]}"]
    seen = served.say("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    return seen.status, seen.values("x-path")


@pytest.mark.parametrize("at", [0, 1], ids=["removed", "kept"])
def test_a_rule_below_a_prefix_holds(served, at):
    """``/admin`` wants a role, by whichever of its names the application is asked for it."""
    target, path = ("/admin", "/root/admin")[at], SERVERS[served.kind][at]

    status, seen = ask(served, target, "admin")

    if path is None:
        assert status in {400, 500}
        assert () == seen
    else:
        assert (200, (path,)) == (status, seen)
    is_admin = path in {PREFIXED, WITHOUT}
    expected = (403, ()) if is_admin else (status, seen)
    assert expected == ask(served, target, "alice")


def test_daphne_takes_a_prefix_from_the_client():
    """The documentation warns of it: the rules see ``/``, and an application that keeps the prefix sees ``/admin``."""
    server = WebServer("daphne", "served_apps:paths_asgi", ROOT_PATH="")
    lines = ["GET /admin HTTP/1.1", "Host: app.example", f"Authorization: Bearer {tokens()['alice']}"]
    try:
        plain, prefixed = (
            server.say("\r\n".join([*lines, *more, "Connection: close", "", ""]).encode())
            for more in ((), ("Daphne-Root-Path: /admin",))
        )
    finally:
        server.close()

    assert [403, 200] == [plain.status, prefixed.status]
    assert ("/admin /admin",) == prefixed.values("x-path")
