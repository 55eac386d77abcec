"""Below a server's own prefix, each application sees its path, and no spelling passes the rules of either."""

import asyncio
import json

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

from app_client import asgi_scope, call_asgi, call_wsgi, wsgi_environ
from counted_auth import counted
from mixed_apps import ASGI_NESTS, NESTS, PREFIX, WSGI_NESTS, flask_app, request_for
from table_tokens import tokens

SERVER = "/srv"
RULES = {
    "inner": {"public": [], "rules": [{"path": "/admin", "roles": ["admin"]}]},
    "outer": {"public": [], "rules": [{"path": PREFIX + "/admin", "roles": ["admin"]}]},
}
OPEN = {"public": [], "rules": []}


def nest(name, holder):
    """Return a nest with a rule for its mounted ``/admin`` in the inner or in the outer ``Auth``."""
    outer, _, _ = counted(access=RULES["outer"] if holder == "outer" else OPEN)
    inner, _, _ = counted(access=RULES["inner"] if holder == "inner" else OPEN)
    return NESTS[name](outer, inner)


def ask_below(name, app, path, user, *, root=SERVER, is_prefixed=True):
    """Ask as a server with a prefix of its own does; some put it in front of an ASGI path, and some do not."""
    sent = request_for(path, tokens()[user])
    if name in WSGI_NESTS:
        return call_wsgi(app, wsgi_environ(sent, SCRIPT_NAME=root))
    whole = root + path if is_prefixed else path
    scope = asgi_scope(request_for(whole, tokens()[user]), root_path=root)
    return asyncio.run(call_asgi(app, scope))


@pytest.mark.parametrize("name", NESTS)
@pytest.mark.parametrize("holder", RULES)
def test_the_rules_hold_below_the_prefix_of_the_server(name, holder):
    app = nest(name, holder)

    alice, admin = (ask_below(name, app, PREFIX + "/admin", user) for user in ("alice", "admin"))

    assert (403, 200, "inside root") == (alice.status, admin.status, admin.body.decode().strip('"'))


@pytest.mark.parametrize("name", NESTS)
def test_the_mounted_application_sees_both_prefixes(name):
    app = nest(name, "inner")

    seen = json.loads(ask_below(name, app, PREFIX + "/where", "alice").body)

    assert [SERVER + PREFIX, "/where"] == seen


@pytest.mark.parametrize("name", ASGI_NESTS)
@pytest.mark.parametrize("holder", RULES)
@pytest.mark.parametrize("root", [SERVER, PREFIX, "/in", "/i", "/inner/inner"])
@pytest.mark.parametrize(
    "path", [PREFIX + "/admin", "/admin", PREFIX + "admin", PREFIX + PREFIX + "/admin", "/in" + PREFIX + "/admin"]
)
@pytest.mark.parametrize("is_prefixed", [True, False], ids=["prefixed", "plain"])
def test_no_prefix_leads_past_a_rule(name, holder, root, path, is_prefixed):
    """The routers remove a prefix in different ways, and some where it is no whole segment."""
    answer = ask_below(name, nest(name, holder), path, "alice", root=root, is_prefixed=is_prefixed)

    assert b"inside" not in answer.body
    assert answer.status in {200, 307, 400, 403, 404}


@pytest.mark.parametrize("bridge", [WSGIMiddleware, WsgiToAsgi])
@pytest.mark.parametrize("is_protected", [True, False], ids=["inside too", "outside"])
@pytest.mark.parametrize(
    "path", ["/inadmin", "/in//admin", "/in/./admin", "/in/x/../admin", "/x/in/admin", "/in/%61dmin"]
)
def test_a_bridge_that_cuts_a_prefix_anywhere_opens_nothing(bridge, is_protected, path):
    """Below ``/in`` both bridges read ``/inadmin`` as ``admin``, which Flask takes for ``/admin``."""
    auth, _, _ = counted(access=RULES["inner"])
    app = auth.asgi(bridge(flask_app(auth if is_protected else None)))

    answer = asyncio.run(call_asgi(app, asgi_scope(request_for(path, tokens()["alice"]), root_path="/in")))

    assert answer.status in {400, 403}
    assert b"inside" not in answer.body
