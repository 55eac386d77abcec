"""Starlette: the gate's place, the identity, answers to errors inside the application, and wrong arguments."""

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires as starlette_requires
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from app_reports import AsgiReport
from auth_setups import SITE, auth_for, configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, current, requires
from safeconduct.errors import AuthError, ConfigurationError, InsufficientRights
from safeconduct.starlette import identity, install, principal
from table_tokens import tokens

SPA = "https://spa.example"


def bearer(name):
    return {"authorization": f"Bearer {tokens()[name]}"}


def site(*routes, setup="main", **how):
    """Return a test client of an application with the gate."""
    app = Starlette(routes=routes, **how)
    install(app, auth_for(setup))
    return TestClient(app, base_url=SITE)


@requires(scopes=["pay"])
async def pay(request):
    return PlainTextResponse(f"paid by {principal(request).subject}")


@requires(scopes=["pay"])
def pay_in_a_thread(request):
    return PlainTextResponse(f"paid by {request.user.subject}")


async def whoami(request):
    assert request.user is identity(request) is current()
    return JSONResponse({"name": request.user.display_name, "in": request.user.is_authenticated})


@pytest.mark.parametrize("view", [pay, pay_in_a_thread])
def test_an_error_of_a_view_is_answered(view):
    client = site(Route("/pay", view))

    seen = [client.get("/pay", headers=how) for how in ({}, bearer("alice"))]

    assert [401, 403] == [each.status_code for each in seen]
    assert 'scope="pay"' in seen[1].headers["www-authenticate"]
    assert "insufficient_rights" == seen[1].json()["code"]


def test_the_identity_is_the_user_of_the_request():
    client = site(Route("/me", whoami), setup="open")

    assert {"name": "alice", "in": True} == client.get("/me", headers=bearer("alice")).json()
    assert {"name": None, "in": False} == client.get("/me").json()


def test_starlettes_own_decorator_works():
    """Its scopes are those of the token, and `authenticated` is one of everybody who is signed in."""

    @starlette_requires(["authenticated", "read"])
    def view(request):
        return PlainTextResponse(request.user.identity)

    client = site(Route("/news", view))

    seen = [client.get("/news", headers=how) for how in ({}, bearer("alice"), bearer("reader"))]
    assert [403, 403, 200] == [each.status_code for each in seen]
    assert "rita" == seen[2].text


def test_middleware_of_the_application_sees_the_answer():
    """It would see an exception if the answer were made around it."""
    seen = []

    async def note(request, call_next):
        response = await call_next(request)
        seen.append(response.status_code)
        response.headers["x-stamp"] = "yes"
        return response

    client = site(Route("/pay", pay), middleware=[Middleware(BaseHTTPMiddleware, dispatch=note)])

    assert "yes" == client.get("/pay", headers=bearer("alice")).headers["x-stamp"]
    assert [403] == seen


def own_answer(_request, error):
    return JSONResponse({"own": error.detail, "why": type(error.__cause__).__name__}, error.status_code)


async def own_answer_awaited(request, error):
    return own_answer(request, error)


@pytest.mark.parametrize("own", [own_answer, own_answer_awaited])
def test_the_applications_own_handler_of_the_status_answers(own):
    """The challenge stays."""
    client = site(Route("/pay", pay), setup="open", exception_handlers={401: own, 403: own})

    seen = [client.get("/pay", headers=how) for how in ({}, bearer("alice"))]

    assert [(401, "MissingCredential"), (403, "InsufficientRights")] == [
        (each.status_code, each.json()["why"]) for each in seen
    ]
    assert ["Bearer realm", "no-store"] == [
        seen[0].headers["www-authenticate"][:12], seen[0].headers["cache-control"]
    ]  # fmt: skip
    assert 'scope="pay"' in seen[1].headers["www-authenticate"]


def test_the_page_of_a_handler_is_not_bound_by_the_policy_of_our_pages():
    """Our pages load nothing; a page of the application may have a style sheet."""
    navigation, handlers = {"sec-fetch-mode": "navigate"}, {401: own_answer}

    ours = site(Route("/pay", pay), setup="open").get("/pay", headers=navigation)
    theirs = site(Route("/pay", pay), setup="open", exception_handlers=handlers).get("/pay", headers=navigation)

    assert "default-src 'none'" in ours.headers["content-security-policy"]
    assert "content-security-policy" not in theirs.headers
    assert ("no-store", "DENY") == (theirs.headers["cache-control"], theirs.headers["x-frame-options"])


def test_a_challenge_of_the_handler_itself_stays():
    def own(_request, error):
        return JSONResponse(None, error.status_code, headers={"www-authenticate": "Own"})

    assert (
        "Own"
        == site(Route("/pay", pay), setup="open", exception_handlers={401: own}).get("/pay").headers["www-authenticate"]
    )


def test_a_handler_of_the_error_itself_comes_first():
    """Whether it is for all of ours or for one of them."""

    async def own(_request, error):
        return PlainTextResponse(f"own {error.code}", 418)

    for kind in AuthError, InsufficientRights:
        client = site(Route("/pay", pay), exception_handlers={kind: own})
        assert "own insufficient_rights" == client.get("/pay", headers=bearer("alice")).text


def test_a_handler_of_http_exceptions_gets_those_only():
    """Without a handler of the status, the answer is ours."""
    client = site(Route("/pay", pay), exception_handlers={HTTPException: own_answer})

    assert "insufficient_rights" == client.get("/pay", headers=bearer("alice")).json()["code"]


def test_an_error_after_the_beginning_of_a_response_breaks_it_off():
    """Nothing can be said any more; the server sees an exception."""

    async def begin(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise InsufficientRights

    with pytest.raises(RuntimeError, match="already started"):
        site(Mount("/half", begin)).get("/half", headers=bearer("alice"))


def _mounts():
    """Return ways to mount an application that was made without us."""
    inner = lambda: Starlette(routes=[Route("/pay", pay)])  # noqa: E731 - one line for each way below
    yield "application", Mount("/sub", inner())
    yield "in a middleware", Mount("/sub", GZipMiddleware(inner()))
    yield "with middleware", Mount("/sub", inner(), middleware=[Middleware(GZipMiddleware)])
    yield "twice", Mount("/sub", Starlette(routes=[Mount("/", inner())]))
    yield "in a router", Mount("/", Router(routes=[Mount("/sub", inner())]))
    yield "in routes", Mount("/", routes=[Mount("/sub", inner())])
    yield "by host", Host("app.example", Starlette(routes=[Mount("/sub", inner())]))


@pytest.mark.parametrize("mount", [pytest.param(mount, id=name) for name, mount in _mounts()])
def test_a_mounted_application_answers_errors(mount):
    """By itself its `ServerErrorMiddleware` would answer 500."""
    client = site(mount, Mount("/raw", AsgiReport()))

    assert [401, 403] == [client.get("/sub/pay", headers=how).status_code for how in ({}, bearer("alice"))]


def test_a_mounted_application_keeps_its_own_gate_and_answer():
    """Its rules apply to the path below it, and only tighten; its answer names its own realm."""
    other = Auth(configuration(audience="https://other.example", endpoints={"enabled": False}),
                 directory=MemoryDirectory())  # fmt: skip
    sub = Starlette(routes=[Route("/read", whoami), Mount("/deep", Starlette(routes=[Route("/pay", pay)]))])
    install(sub, auth_for("main"))
    foreign = Starlette(routes=[Route("/pay", pay)])
    install(foreign, other)
    client = site(Mount("/sub", sub), Mount("/foreign", foreign), setup="open")

    seen = [client.get("/sub/read", headers=how).status_code for how in ({}, bearer("alice"), bearer("reader"))]

    assert [401, 403, 200] == seen
    assert 403 == client.get("/sub/deep/pay", headers=bearer("alice")).status_code
    assert 'realm="https://other.example"' in client.get("/foreign/pay").headers["www-authenticate"]


def test_a_principal_of_one_request_proves_nothing_in_the_next():
    client = site(Mount("/", Starlette(routes=[Route("/me", whoami)])), setup="open")

    names = [client.get("/me", headers=how).json()["name"] for how in (bearer("alice"), {}, bearer("bob"), {})]

    assert ["alice", None, "bob", None] == names


@pytest.mark.parametrize("cors_first", [True, False])
def test_cors_stays_outside(cors_first):
    """Preflights are answered, and a refusal can be read by the page that asked; whatever is added first."""
    app = Starlette(middleware=[Middleware(GZipMiddleware)])

    def add_cors():
        app.add_middleware(CORSMiddleware, allow_origins=[SPA], allow_methods=["DELETE"])

    if cors_first:
        add_cors()
    install(app, auth_for("main"))
    if not cors_first:
        add_cors()
    client = TestClient(app, base_url=SITE)

    preflight = client.options("/me", headers={"origin": SPA, "access-control-request-method": "DELETE"})
    refused = client.get("/me", headers={"origin": SPA})
    assert [200, 401] == [preflight.status_code, refused.status_code]
    assert SPA == refused.headers["access-control-allow-origin"]


def test_a_preflight_without_cors_is_refused():
    """Anybody can send one, and the application might answer it."""
    headers = {"origin": SPA, "access-control-request-method": "DELETE"}

    assert 401 == site(Mount("/", AsgiReport())).options("/me", headers=headers).status_code


class Echo(WebSocketEndpoint):
    """Answer one message, for an admin."""

    encoding = "text"

    async def on_connect(self, websocket):
        if principal(websocket).subject == "alice":
            requires(roles=["admin"])(lambda: None)()
        await websocket.accept()

    async def on_receive(self, websocket, data):
        if data == "pay":
            requires(scopes=["pay"])(lambda: None)()
        await websocket.send_text(f"{websocket.user.subject} {data}")


def test_a_websocket():
    """Refused before it is accepted, with the whole answer; and after it, by a close code."""
    client = site(WebSocketRoute("/ws", Echo), setup="open")

    for how, status in ({}, 401), (bearer("alice"), 403):
        with pytest.raises(WebSocketDenialResponse) as denied:
            client.websocket_connect("/ws", headers=how).__enter__()
        assert (status, True) == (denied.value.status_code, "www-authenticate" in denied.value.headers)
    with client.websocket_connect("/ws", headers=bearer("admin")) as socket:
        socket.send_text("hello")
        assert "root hello" == socket.receive_text()
        socket.send_text("pay")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert 4403 == closed.value.code


def test_background_tasks_and_streams_see_the_principal():
    seen = []

    async def view(_request):
        return StreamingResponse(
            (current().subject for _ in range(2)), background=BackgroundTask(lambda: seen.append(current().subject))
        )

    async def pass_on(request, call_next):
        return await call_next(request)

    client = site(Route("/", view), middleware=[Middleware(BaseHTTPMiddleware, dispatch=pass_on)])

    assert "alicealice" == client.get("/", headers=bearer("alice")).text
    assert ["alice"] == seen


def test_an_endpoint_class():
    class Payments(HTTPEndpoint):
        @requires(scopes=["pay"])
        async def post(self, _request):
            return PlainTextResponse("paid")

    assert 403 == site(Route("/pay", Payments)).post("/pay", headers=bearer("alice")).status_code


WRONG = {
    "class": Starlette, "mapping": {}, "none": None, "auth": auth_for("main"), "asgi": AsgiReport(), "router": Router(),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_only_starlette_is_installed_into(wrong):
    with pytest.raises(ConfigurationError, match=r"wanted a Starlette application: install\(app, auth\)"):
        install(wrong, auth_for("main"))


@pytest.mark.parametrize(
    "wrong", [Auth, configuration(), {}, None, Starlette()], ids=["class", "config", "mapping", "none", "app"]
)
def test_only_an_auth_is_installed(wrong):
    with pytest.raises(ConfigurationError, match="wanted an Auth"):
        install(Starlette(), wrong)


def test_an_application_that_has_started_is_refused():
    """It would be served without the gate."""
    app = Starlette()
    TestClient(app).get("/")

    with pytest.raises(ConfigurationError, match="has started"):
        install(app, auth_for("main"))


def test_a_second_gate_is_refused():
    app = Starlette()
    install(app, auth_for("main"))

    with pytest.raises(ConfigurationError, match="without it"):
        install(app, auth_for("main"))
    assert 2 == len(app.user_middleware)


def test_a_refusal_that_leads_to_the_sign_in_page_is_no_status_to_handle():
    """The application's handler of 401 would show a page instead."""
    client = site(Route("/news", requires()(whoami)), setup="sign-in", exception_handlers={401: own_answer})

    response = client.get("/news", headers={"sec-fetch-mode": "navigate"}, follow_redirects=False)

    assert (303, "/sign-in?next=/news") == (response.status_code, response.headers["location"].replace("%2F", "/"))
