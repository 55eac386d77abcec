"""Ask in code what a caller may do: ``auth.allows`` and ``safeconduct.allows``."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, render_template_string
from hypothesis import given, settings
from hypothesis import strategies as st

import safeconduct
from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, play, socket_scope, wsgi_environ
from app_reports import WORLDS, AsgiReport, wsgi_application
from auth_setups import FailingStore, auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Anonymous, Auth, Principal
from safeconduct.principal import LEVELS
from table_tokens import NOW, tokens

CALLERS = (None, "alice", "admin", "auditor", "reader", "writer", "explicit", "multifactor", "stale", "client")
SEGMENTS = (
    "admin", "audit", "read", "either", "both", "fresh", "items", "7", "files", "private", "pages", "a", "b", "c",
    "dir", "open", "health", "news", "signed", "unsafe", "caf%C3%A9", "caf\u00e9", "x%2Fy", "private%2Fa", "%61dmin",
    "%2561dmin", "", ".", "..", "a%00b", "a%5Cb", "a\\b", "%", "%zz", "%FF", "a b", "+", "{id}", "api",
)  # fmt: skip
targets = st.builds(
    lambda parts, end: "/" + "/".join(parts) + end,
    st.lists(st.sampled_from(SEGMENTS), max_size=4),
    st.sampled_from(["", "", "", "?", "?x=/admin", "?x=%2F..", "#", "#x", "?a#b"]),
)
methods = st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "get", "post", "QUERY"])


def identity_of(auth, name):
    """Return who sends the token *name*; None is nobody."""
    return Anonymous() if name is None else auth.verify(tokens()[name])


def _send(world, auth, method, target, name, root_path):
    fields = () if name is None else (("authorization", b"Bearer " + tokens()[name].encode()),)
    request = SentRequest(method, target, (("host", b"app.example"), *fields), "https")
    if world == "wsgi":
        return call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(request, SCRIPT_NAME=root_path))
    return asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(request, root_path=root_path)))


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=300)
@given(targets, methods, st.sampled_from(CALLERS), st.sampled_from(["", "/api"]))
def test_c4_it_says_what_the_gate_does(world, target, method, name, root_path):
    """For every spelling of a path; where the gate answers 400, nobody is allowed."""
    auth = auth_for("main")
    # Behind WSGI the prefix is never in the path.  An environ and a raw path are octets, encoded by clients.
    root_path, sent = root_path if world == "asgi" else "", target.encode().decode("latin-1")
    if not target.isascii() and world == "wsgi":
        return

    status = _send(world, auth, method, target if world == "asgi" else sent, name, root_path).status

    assert status in {200, 400, 401, 403}
    allowed = auth.allows(identity_of(auth, name), method, target, root_path=root_path)
    # A fragment is never sent; a server may hand it on within the query, where an ASGI application does not look.
    assert (status == 200 and "#" not in target) is allowed


@pytest.mark.parametrize(
    ("path", "root_path", "expected"),
    [
        ("/admin", "", False),
        ("/%61dmin", "", False),
        ("/public", "", True),
        ("/public?next=/admin", "", True),
        ("/public?a/../b", "", True),
        ("/public?a#b", "", False),
        ("/public#top", "", False),
        ("/public/", "", False),
        ("//public", "", False),
        ("/x//y", "", False),
        ("/public/../admin", "", False),
        ("/public%2Fadmin", "", False),
        ("/publi%2563", "", False),
        ("/public\x00", "", False),
        ("/public\ud800", "", False),
        ("/public%ED%A0%80", "", False),
        ("/caf%C3%A9", "", True),
        ("/caf\u00e9", "", True),
        ("/api/public", "/api", True),
        ("/public", "/api", True),
        ("/apipublic", "/api", False),
        ("/x/api/public", "/api", False),
        ("/public", "/a//b", False),
        ("/api/public", "", False),
        ("/public", "/\u00e4", True),
        ("/%C3%A4/public", "/\u00e4", True),
    ],
    ids=repr,
)
def test_a_path_is_read_as_a_server_and_the_gate_read_it(path, root_path, expected):
    """What has two readings that matter, or none, is not allowed."""
    with Auth(configuration(access={"public": ["/public", "/caf\u00e9"], "rules": []})) as auth:
        assert expected is auth.allows(Anonymous(), "GET", path, root_path=root_path)


@pytest.mark.parametrize("path", ["", "admin", "https://app.example/public", "?x", "GET", " /public"])
def test_what_is_no_path_is_an_error(path):
    """An absolute URL, or the arguments in the wrong order, is a mistake in the code and not a refusal."""
    with pytest.raises(ValueError, match="wanted one such as"):
        auth_for("main").allows(Anonymous(), "GET", path)


@pytest.mark.parametrize("identity", [None, object(), "alice", {"subject": "alice"}, True, Principal, Anonymous])
def test_what_is_no_identity_is_an_error(identity):
    """The user of another framework has no rights here, and open paths do not hide the mistake."""
    with pytest.raises(TypeError, match="wanted a Principal or an Anonymous"):
        auth_for("main").allows(identity, "GET", "/health")


def test_a_principal_of_ones_own_has_the_rights_that_it_names():
    """The answer is about the rules, and proves nothing: nobody gets in by it."""
    auth = auth_for("main")
    forged = Principal(subject="x", issuer="evil", scheme="none", roles=frozenset(["admin"]), expires_at=0)

    assert auth.allows(forged, "GET", "/admin/x")
    assert not auth.allows(forged, "GET", "/explicit")


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("seconds_ago", [None, 0, 300, 301])
def test_level_and_age_count_at_the_time_of_the_question(level, seconds_ago):
    """A button disappears when the sign-in is too old for it."""
    auth_time = None if seconds_ago is None else NOW - seconds_ago
    caller = Principal(subject="a", issuer="i", scheme="bearer", level=level, auth_time=auth_time, expires_at=NOW + 1)
    auth = auth_for("main")

    assert (level != "remembered") is auth.allows(caller, "GET", "/explicit")
    assert (seconds_ago in {0, 300}) is auth.allows(caller, "POST", "/fresh")
    assert (level != "remembered" and seconds_ago in {0, 300}) is auth.allows(caller, "GET", "/danger")


@pytest.mark.parametrize("scheme", ["cookie", "bearer", "subprotocol", "basic", "client", "api_key"])
def test_the_kind_of_the_credential_counts(scheme):
    rules = [{"path": "/scripts", "schemes": ["bearer", "client"]}]
    caller = Principal(subject="a", issuer="i", scheme=scheme, expires_at=NOW + 1)
    with Auth(configuration(access={"public": [], "rules": rules})) as auth:
        assert (scheme in {"bearer", "subprotocol", "client"}) is auth.allows(caller, "GET", "/scripts")
        assert auth.allows(caller, "GET", "/other")


def test_nothing_is_asked_or_reported():
    """No store, no event, and no entry in the memory of routes, which anonymous callers could fill by a search page."""
    events = []
    store = FailingStore(lambda: AssertionError("the store was asked"))
    auth = Auth(configuration(), directory=MemoryDirectory(), store=store, clock=now, listeners=[events.append])
    caller = Principal(subject="a", issuer="i", scheme="bearer", expires_at=NOW + 1)
    events.clear()

    answers = [auth.allows(caller, "GET", f"/{n}") for n in range(50)] + [auth.allows(caller, "GET", "/admin/../x")]

    assert [True] * 50 + [False] == answers
    assert [] == events
    assert [] == [*auth.wsgi_gate()._routes._fresh]
    auth.close()


def test_a_closed_auth_still_answers():
    """No resource is needed; the gate refuses by itself."""
    auth = Auth(configuration())
    auth.close()

    assert auth.allows(Anonymous(), "GET", "/health")


MENU = "{% for path in paths %}{% if allows('POST', path) %}{{ path }} {% endif %}{% endfor %}"
PATHS = ["/admin/users", "/read", "/health", "/items/7"]


def _within(world, auth, name, function):
    """Return what *function* returns, called while a request of the token *name* is served."""
    found = []

    def wsgi(environ, start_response):
        found.append(function())
        return wsgi_application(environ, start_response)

    async def asgi(scope, receive, send):
        result = function()
        found.append(await result if hasattr(result, "__await__") else result)
        await AsgiReport()(scope, receive, send)

    fields = () if name is None else (("authorization", b"Bearer " + tokens()[name].encode()),)
    request = SentRequest("GET", "/me" if name else "/health", (("host", b"app.example"), *fields), "https")
    if world == "wsgi":
        call_wsgi(auth.wsgi(wsgi), wsgi_environ(request))
    else:
        asyncio.run(call_asgi(auth.asgi(asgi), asgi_scope(request)))
    return found[0]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("name", "menu"),
    [(None, "/health "), ("alice", "/health /items/7 "), ("reader", "/read /health /items/7 "),
     ("admin", "/admin/users /health /items/7 ")],
)  # fmt: skip
def test_a_template_shows_what_the_caller_may_do(world, name, menu):
    template = Flask("menu").jinja_env.from_string(MENU, globals={"allows": safeconduct.allows})

    assert menu == _within(world, auth_for("main"), name, lambda: template.render(paths=PATHS))


def test_a_template_of_flask_shows_what_the_caller_may_do():
    app = Flask("menu")
    app.add_url_rule("/me", view_func=lambda: render_template_string(MENU, paths=PATHS))
    app.context_processor(lambda: {"allows": safeconduct.allows})
    fields = (("authorization", b"Bearer " + tokens()["reader"].encode()),)

    response = call_wsgi(auth_for("main").wsgi(app), wsgi_environ(SentRequest("GET", "/me", fields, "https")))

    assert b"/read /health /items/7 " == response.body


@pytest.mark.parametrize("world", WORLDS)
def test_it_is_asked_in_the_callers_threads(world):
    """A thread with a copy of the context asks for the same caller; one without is outside of the request."""

    def ask():
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as threads:
            inside = threads.submit(context.run, safeconduct.allows, "GET", "/read").result()
            outside = threads.submit(safeconduct.allows, "GET", "/read").exception()
        return inside, type(outside)

    assert (True, LookupError) == _within(world, auth_for("main"), "reader", ask)


def test_it_is_asked_in_the_callers_tasks():
    async def ask():
        asked = asyncio.to_thread(safeconduct.allows, "GET", "/read")
        return await asyncio.gather(asked, asyncio.create_task(_asked("/read")), _asked("/write"))

    assert [True, True, False] == _within("asgi", auth_for("main"), "reader", ask)


async def _asked(path):
    await asyncio.sleep(0)
    return safeconduct.allows("GET", path)


def test_it_is_asked_in_a_websocket():
    found = []

    async def application(_scope, receive, send):
        await receive()
        found.extend(safeconduct.allows("GET", path) for path in ("/read", "/write"))
        await send({"type": "websocket.close"})

    fields = (("authorization", b"Bearer " + tokens()["reader"].encode()),)
    asyncio.run(play(auth_for("main").asgi(application), socket_scope(SentRequest("GET", "/me", fields, "https"))))

    assert [True, False] == found


def test_it_is_asked_in_a_streamed_body():
    """Each step of a generator is taken for its own caller."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        return (b"%d" % safeconduct.allows("GET", path) for path in ("/read", "/write"))

    fields = (("authorization", b"Bearer " + tokens()["reader"].encode()),)
    request = SentRequest("GET", "/me", fields, "https")

    assert b"10" == call_wsgi(auth_for("main").wsgi(application), wsgi_environ(request)).body


def test_two_requests_at_once_do_not_mix():
    """Each thread asks for its own caller, while the other waits inside its request."""
    both = threading.Barrier(2, timeout=10)

    def ask():
        both.wait()
        return safeconduct.allows("GET", "/read"), safeconduct.allows("GET", "/admin/x")

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(_within, "wsgi", auth_for("main"), name, ask) for name in ("reader", "admin")]

        assert [(True, False), (False, True)] == [each.result() for each in asked]


def test_a_mount_prefix_may_be_given():
    asked = _within("wsgi", auth_for("main"), "reader", lambda: safeconduct.allows("GET", "/m/read", root_path="/m"))

    assert asked is True


def test_outside_of_a_request_nobody_asks():
    with pytest.raises(LookupError):
        safeconduct.allows("GET", "/health")


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("is_same", [True, False], ids=["same auth", "another auth"])
def test_below_two_middlewares_the_inner_rules_are_asked(world, is_same):
    """
    A mounted application with tighter rules answers by them alone, and does not know the outer rules.

    Outside of it, nothing of its rules is known.
    """
    outer = auth_for("main")
    rules = [{"path": "/{rest...}", "roles": ["boss"]}]
    inner = (
        outer
        if is_same
        else Auth(configuration(access={"public": ["/me"], "rules": rules}), directory=MemoryDirectory(), clock=now)
    )
    found = []

    def wsgi(environ, start_response):
        found.append(safeconduct.allows("GET", "/other"))
        return wsgi_application(environ, start_response)

    async def asgi(scope, receive, send):
        found.append(safeconduct.allows("GET", "/other"))
        await AsgiReport()(scope, receive, send)

    def around(below):
        def ask_around(environ, start_response):
            found.append(safeconduct.allows("GET", "/other"))
            return below(environ, start_response)

        async def ask_around_it(scope, receive, send):
            found.append(safeconduct.allows("GET", "/other"))
            await below(scope, receive, send)

        return ask_around if world == "wsgi" else ask_around_it

    fields = (("authorization", b"Bearer " + tokens()["alice"].encode()),)
    request = SentRequest("GET", "/me", (("host", b"app.example"), *fields), "https")
    if world == "wsgi":
        call_wsgi(outer.wsgi(around(inner.wsgi(wsgi))), wsgi_environ(request))
    else:
        asyncio.run(call_asgi(outer.asgi(around(inner.asgi(asgi))), asgi_scope(request)))

    assert [True, is_same] == found
