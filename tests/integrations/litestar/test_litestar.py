"""Litestar: the gate before its router, guards, dependencies, answers to errors, and wrong arguments."""

from typing import Annotated

import pytest
from litestar import Controller, Litestar, Request, Response, WebSocket, asgi, get, post, websocket
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.response import Stream
from litestar.static_files import create_static_files_router
from litestar.testing import TestClient
from litestar.types import Receive, Scope, Send

from auth_setups import SITE, auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, current, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.litestar import (
    CurrentIdentity,
    CurrentPrincipal,
    SafeconductPlugin,
    identity,
    principal,
    requires_guard,
)
from table_tokens import tokens

SPA = "https://spa.example"


def bearer(name):
    return {"authorization": f"Bearer {tokens()[name]}"}


def site(*operations, setup="main", **how):
    """Return a test client of an application with the gate."""
    auth = auth_for(setup) if isinstance(setup, str) else setup
    return TestClient(Litestar(operations, plugins=[SafeconductPlugin(auth)], **how), base_url=SITE)


@get("/me", sync_to_thread=False)
def me(request: Request, current_identity: CurrentIdentity) -> dict[str, str | None]:
    """Say who is asking."""
    assert request.user is current_identity is identity(request) is current()
    return {"name": request.user.display_name}


@get("/pay", guards=[requires_guard(scopes=["pay"])], sync_to_thread=False)
def pay() -> str:
    """Need a scope."""
    return "paid"


@post("/pay")
@requires(scopes=["pay"])
async def pay_by_decorator(request: Request) -> str:
    """Need a scope."""
    return principal(request).subject


@websocket("/ws", guards=[requires_guard(roles=["admin"])])
async def echo(socket: WebSocket, current_principal: CurrentPrincipal) -> None:
    """Answer one message, and ask for a scope then."""
    await socket.accept()
    await socket.send_text(current_principal.subject + await socket.receive_text())
    await requires(scopes=["pay"])(socket.receive_text)()


def test_no_route_is_served_around_the_gate():
    """Whatever replaces the router of the application."""

    @get("/plain", sync_to_thread=False)
    def plain() -> str:
        """Ask nobody."""
        return "served"

    client = site(plain)
    assert 200 == client.get("/plain", headers=bearer("alice")).status_code
    client.app.asgi_router = client.app.asgi_router._router
    client.app.asgi_handler = client.app._create_asgi_handler()

    assert 500 == client.get("/plain", headers=bearer("alice")).status_code


def test_the_identity_is_the_user_of_the_request():
    with site(me, setup="open") as client:
        assert [{"name": "alice"}, {"name": None}] == [
            client.get("/me", headers=how).json() for how in (bearer("alice"), {})
        ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_handler_requires(method):
    with site(pay, pay_by_decorator, setup="open") as client:
        seen = [client.request(method, "/pay", headers=how) for how in ({}, bearer("alice"))]

    assert [(401, "missing_credential"), (403, "insufficient_rights")] == [
        (each.status_code, each.json()["code"]) for each in seen
    ]
    assert 'scope="pay"' in seen[1].headers["www-authenticate"]


def test_guards_of_every_layer_add_up():
    class Staff(Controller):
        path = "/staff"
        guards = (requires_guard(roles=["admin"]),)

        @get(guards=[requires_guard(scopes=["audit"], level="explicit")], sync_to_thread=False)
        def users(self) -> str:
            return "users"

    with site(Staff) as client:
        seen = {name: client.get("/staff", headers=bearer(name)).status_code for name in ("alice", "admin", "auditor")}

    assert {"alice": 403, "admin": 403, "auditor": 200} == seen


def test_a_dependency_of_a_layer_builds_on_the_principal():
    async def tenant(current_principal: CurrentPrincipal) -> str:
        return f"tenant of {current_principal.subject}"

    @get("/", dependencies={"tenant": Provide(tenant)}, sync_to_thread=False)
    def view(tenant: Annotated[str, "named"]) -> str:
        return tenant

    with site(view) as client:
        assert "tenant of alice" == client.get("/", headers=bearer("alice")).text


def test_what_no_route_knows_is_closed_too():
    """And our own endpoints are served, although the router does not know them."""
    auth = Auth(configuration(endpoints={}), directory=MemoryDirectory(alice="wonder"), clock=now)
    with site(me, setup=auth) as client:
        assert [401, 401] == [client.request(method, "/nothing").status_code for method in ("GET", "POST")]
        assert 404 == client.get("/nothing", headers=bearer("alice")).status_code
        signed_in = client.post("/auth/login", json={"username": "alice", "password": "wonder"}).json()
        headers = {"authorization": f"Bearer {signed_in['access_token']}"}
        assert {"name": "alice"} == client.get("/me", headers=headers).json()


def test_rules_apply_to_the_whole_path_of_a_mount():
    """Litestar removes the prefix of a mount, so that `/x/health` would be taken for the public `/health`."""

    @asgi("/x", is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(scope["path"]).to_asgi_response(None, Request(scope))(scope, receive, send)

    with site(mounted) as client:
        assert 401 == client.get("/x/health").status_code
        assert 200 == client.get("/x/health", headers=bearer("alice")).status_code


@pytest.mark.parametrize("path", ["/x//y", "/x/../me", "/x/%2e%2e/me", "/x/%5c"])
def test_paths_are_read_before_the_router_changes_them(path):
    with site(me) as client:
        assert client.get(path).status_code in {400, 401}


def test_a_route_that_is_excluded_from_litestars_own_authentication_is_closed():
    """The access rules alone open a route; their templates match whole paths."""

    @get(["/excluded", "/news"], exclude_from_auth=True, sync_to_thread=False)
    def view() -> str:
        return "open"

    with site(view) as client:
        assert [401, 200] == [client.get(path).status_code for path in ("/excluded", "/news")]


def test_static_files_are_closed(tmp_path):
    (tmp_path / "page.txt").write_text("secret")
    with site(create_static_files_router("/static", directories=[tmp_path])) as client:
        assert 401 == client.get("/static/page.txt").status_code
        assert "secret" == client.get("/static/page.txt", headers=bearer("alice")).text


def test_a_stream_sees_the_principal():
    @get("/", sync_to_thread=False)
    def view() -> Stream:
        return Stream(current().subject for _ in range(2))

    with site(view) as client:
        assert "alicealice" == client.get("/", headers=bearer("alice")).text


def test_a_websocket():
    """Refused before it is accepted, and after it by a close code."""
    with site(echo, setup="open") as client:
        for how in {}, bearer("alice"):
            with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/ws", headers=how):
                pass
            assert refused.value.code in {4401, 4403}
        with client.websocket_connect("/ws", headers=bearer("admin")) as socket:
            socket.send_text(" hello")
            assert "root hello" == socket.receive_text()
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_text()
    assert 4403 == closed.value.code


def test_an_error_of_a_websocket_that_is_not_ours_is_litestars():
    @websocket("/ws")
    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        raise ValueError

    with site(fail) as client, pytest.raises(WebSocketDisconnect) as closed:
        client.websocket_connect("/ws", headers=bearer("alice")).__enter__().receive_text()
    assert 4500 == closed.value.code


def test_the_applications_own_handler_of_the_status_answers():
    """The challenge stays."""

    def own(_request: Request, error: HTTPException) -> Response[dict[str, str]]:
        return Response({"own": error.detail, "why": type(error.__cause__).__name__}, status_code=error.status_code)

    with site(pay, exception_handlers={403: own}) as client:
        response = client.get("/pay", headers=bearer("alice"))

    assert {"own": "The credential does not permit this request.", "why": "InsufficientRights"} == response.json()
    assert (403, "no-store") == (response.status_code, response.headers["cache-control"])
    assert 'scope="pay"' in response.headers["www-authenticate"]


def test_the_page_of_a_handler_is_not_bound_by_the_policy_of_our_pages():
    """Our pages load nothing; a page of the application may have a style sheet."""

    def own(_request: Request, error: HTTPException) -> Response[str]:
        return Response("<link rel=stylesheet href=/own.css>", status_code=error.status_code, media_type="text/html")

    navigation = {"sec-fetch-mode": "navigate"}
    with site(pay, setup="open") as client:
        ours = client.get("/pay", headers=navigation)
    with site(pay, setup="open", exception_handlers={401: own}) as client:
        theirs = client.get("/pay", headers=navigation)

    assert "default-src 'none'" in ours.headers["content-security-policy"]
    assert "content-security-policy" not in theirs.headers
    assert ("no-store", "DENY") == (theirs.headers["cache-control"], theirs.headers["x-frame-options"])


def test_a_handler_of_the_error_itself_comes_first():
    def own(_request: Request, error: AuthError) -> Response[str]:
        return Response(error.code, status_code=418)

    with site(pay, exception_handlers={AuthError: own}) as client:
        assert "insufficient_rights" == client.get("/pay", headers=bearer("alice")).text


def test_hooks_of_the_application_see_the_identity():
    """`before_send` reads the scope that the router has filled in."""
    seen = []

    async def note(message: dict, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            seen.append((message["status"], scope.get("path_template"), getattr(scope.get("user"), "subject", None)))

    with site(me, before_send=[note]) as client:
        client.get("/me", headers=bearer("alice"))
        client.get("/me")

    assert [(200, "/me", "alice"), (401, None, None)] == seen


def test_cors_stays_outside():
    with site(me, cors_config=CORSConfig(allow_origins=[SPA], allow_methods=["DELETE"])) as client:
        preflight = client.options("/me", headers={"origin": SPA, "access-control-request-method": "DELETE"})
        refused = client.get("/me", headers={"origin": SPA})

    assert [204, 401] == [preflight.status_code, refused.status_code]
    assert SPA == refused.headers["access-control-allow-origin"]


def test_the_lifespan_loads_the_view_and_closes_the_connections():
    """What the gate begins and ends with an application's lifespan, Litestar handles around the router."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now)
    gate, seen = auth.asgi_gate(), []
    begin, release = gate.begin, gate.release

    async def note_release():
        seen.append("release")
        await release()

    # The real ones do their work.
    gate.begin = lambda: seen.append("begin") or begin()
    gate.release = note_release
    with site(me, setup=auth):
        assert ["begin"] == seen

    assert ["begin", "release"] == seen


def test_a_route_around_the_gate_is_an_error():
    """If Litestar ever served one, it would not be open."""
    app = Litestar([me], plugins=[SafeconductPlugin(auth_for("main"))])
    gated = app.asgi_router
    app.asgi_router = gated._router
    app.asgi_handler = app._create_asgi_handler()

    with TestClient(app) as client:
        assert 500 == client.get("/me").status_code


def test_a_route_can_be_added_later():
    app = Litestar([me], plugins=[SafeconductPlugin(auth_for("main"))])
    app.register(pay)

    with TestClient(app, base_url=SITE) as client:
        assert [401, 403] == [client.get("/pay", headers=how).status_code for how in ({}, bearer("alice"))]


def test_an_application_that_was_made_without_a_route_is_refused():
    """It has been made without the gate."""
    app = Litestar(plugins=[SafeconductPlugin(auth_for("main"))], openapi_config=None)

    with pytest.raises(ConfigurationError, match="without a route"):
        app.register(me)


@pytest.mark.parametrize("wrong", [Auth, configuration(), {}, None], ids=["class", "config", "mapping", "none"])
def test_only_an_auth_is_installed(wrong):
    with pytest.raises(ConfigurationError, match="wanted an Auth"):
        SafeconductPlugin(wrong)


def test_without_the_plugin_there_is_no_identity():
    @get("/", sync_to_thread=False)
    def view(request: Request) -> str:
        with pytest.raises(LookupError, match="SafeconductPlugin"):
            principal(request)
        return "none"

    with TestClient(Litestar([view])) as client:
        assert "none" == client.get("/").text


def test_the_bare_line_works_too():
    @get("/", sync_to_thread=False)
    def view(request: Request) -> str:
        return principal(request).subject

    with TestClient(AuthMiddleware(Litestar([view]), auth_for("main")), base_url=SITE) as client:
        assert [401, 200] == [client.get("/", headers=how).status_code for how in ({}, bearer("alice"))]
        assert 401 == client.get("/me").status_code


@pytest.mark.parametrize("mount", ["/books", "/"])
def test_a_mount_begins_with_a_whole_segment(mount):
    """Litestar's router takes ``/bookssecret`` for ``secret`` below ``/books``, where another rule decides."""

    @asgi(mount, is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(scope["path"]).to_asgi_response(app=None, request=Request(scope))(scope, receive, send)

    auth = Auth(
        configuration(access={"default": "anonymous", "rules": [{"path": "/books/{rest...}"}]}),
        directory=MemoryDirectory(),
        clock=now,
    )
    client = site(mounted, setup=auth)

    assert 401 == client.get("/books/secret").status_code
    assert [200, 200] == [client.get(path, headers=bearer("alice")).status_code for path in ("/books/secret", "/books")]
    outside = 200 if mount == "/" else 404
    assert [outside] * 3 == [client.get(path).status_code for path in ("/bookssecret", "/bookssecret/", "/booksa/b")]
