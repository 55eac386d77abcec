"""FastAPI: the identity and further requirements as dependencies, answers to errors, and wrong arguments."""

from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, Security, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.testclient import TestClient, WebSocketDenialResponse

from app_reports import AsgiReport
from auth_setups import SITE, auth_for
from safeconduct import Anonymous, Principal, current, requires
from safeconduct.errors import ConfigurationError
from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, identity, install, principal
from table_tokens import tokens

NEEDS_PAY = Require(scopes=["pay"])


def bearer(name):
    return {"authorization": f"Bearer {tokens()[name]}"}


def site(app, setup="open", **how):
    """Return a test client of *app*; by default nothing is closed but by dependencies."""
    install(app, auth_for(setup))
    return TestClient(app, base_url=SITE, **how)


@pytest.fixture
def app():
    """Return an application that is closed by dependencies of routes and routers."""
    app = FastAPI()

    @app.get("/me")
    def me(user: CurrentPrincipal):
        return user.subject

    @app.get("/greeting")
    async def greeting(caller: CurrentIdentity):
        return caller.subject if caller.is_authenticated else "guest"

    @app.get("/payments")
    def pay(user: Annotated[Principal, Depends(NEEDS_PAY)]):
        return user.subject

    router = APIRouter(prefix="/staff", dependencies=[Depends(Require(roles=["admin"]))])

    @router.get("/users", dependencies=[Depends(Require(level="explicit", max_age_seconds=300))])
    def users():
        return current().subject

    @router.websocket("/log")
    async def log(websocket: WebSocket, user: CurrentPrincipal):
        await websocket.accept()
        await websocket.send_text(user.subject)
        await websocket.close()

    app.include_router(router)
    return app


@pytest.mark.parametrize(
    "dependency",
    [
        pytest.param(Security(principal, scopes=["write"]), id="principal"),
        pytest.param(Security(identity, scopes=["write"]), id="identity"),
        pytest.param(Security(Require(scopes=["read"]), scopes=["write"]), id="requirement"),
    ],
)
def test_the_scopes_of_fastapi_s_own_security_are_required(dependency):
    """``Security(…, scopes=…)`` is how FastAPI names them, and the description shows them."""
    app = FastAPI()

    @app.get("/orders", dependencies=[dependency])
    def order():
        return current().subject

    client = site(app)

    assert [401, 403, 200] == [
        client.get("/orders", headers=headers).status_code for headers in ({}, bearer("reader"), bearer("writer"))
    ]
    [required] = {
        tuple(scopes)
        for each in client.get("/openapi.json").json()["paths"]["/orders"]["get"]["security"]
        for scopes in each.values()
    }
    assert "write" in required


def test_the_identity_is_a_parameter(app):
    client = site(app)

    assert "alice" == client.get("/me", headers=bearer("alice")).json()
    assert ["alice", "guest"] == [client.get("/greeting", headers=headers).json() for headers in (bearer("alice"), {})]


def test_without_a_credential_the_answer_is_401_with_a_challenge(app):
    response = site(app).get("/me")

    assert (401, "missing_credential") == (response.status_code, response.json()["code"])
    assert response.headers["www-authenticate"].startswith('Bearer realm="https://api.example"')


def test_what_a_route_and_its_routers_require_adds_up(app):
    """A scope or a role that is missing is 403; a proof that is too weak or too old is 401."""
    client = site(app)

    seen = {
        name: client.get("/staff/users", headers=bearer(name)).status_code
        for name in ("alice", "admin", "auditor", "explicit")
    }

    assert {"alice": 403, "admin": 401, "auditor": 200, "explicit": 403} == seen
    refused = client.get("/payments", headers=bearer("alice"))
    assert (403, True) == (refused.status_code, 'scope="pay"' in refused.headers["www-authenticate"])
    assert "max_age=" in client.get("/staff/users", headers=bearer("admin")).headers["www-authenticate"]


def test_the_whole_application_can_be_closed():
    app = FastAPI(dependencies=[Depends(Require())])
    app.get("/")(lambda: "in")
    client = site(app)

    assert [401, 200] == [client.get("/", headers=headers).status_code for headers in ({}, bearer("alice"))]


@pytest.mark.parametrize(("name", "status"), [(None, 401), ("alice", 403)])
def test_a_websocket_is_refused_before_it_is_accepted(app, name, status):
    client = site(app)

    with pytest.raises(WebSocketDenialResponse) as denied:
        client.websocket_connect("/staff/log", headers=bearer(name) if name else {}).__enter__()

    assert status == denied.value.status_code
    assert "www-authenticate" in denied.value.headers


def test_a_websocket_has_the_principal(app):
    with site(app).websocket_connect("/staff/log", headers=bearer("admin")) as socket:
        assert "root" == socket.receive_text()


@pytest.mark.parametrize("overridden", [identity, principal])
def test_an_override_replaces_the_identity(app, overridden):
    """It replaces it for every dependency on it, and `Require` asks of the one that it gives."""
    carol = Principal(subject="carol", issuer="test", scheme="bearer", scopes=frozenset({"pay"}), expires_at=0)
    app.dependency_overrides[overridden] = lambda: carol
    client = site(app)

    assert ["carol", "carol"] == [client.get(path).json() for path in ("/me", "/payments")]
    assert 403 == client.get("/staff/users").status_code


def test_an_override_does_not_open_what_the_access_rules_close(app):
    """The gate asks for a credential of its own: a test signs in, and overrides what the route sees."""
    app.dependency_overrides[principal] = lambda: Principal(
        subject="carol", issuer="test", scheme="bearer", expires_at=0
    )
    client = site(app, "main")

    assert 401 == client.get("/me").status_code
    assert "carol" == client.get("/me", headers=bearer("alice")).json()


def test_a_requirement_can_be_overridden_by_an_equal_one(app):
    app.dependency_overrides[Require(scopes={"pay"})] = lambda: Principal(
        subject="carol", issuer="test", scheme="bearer", expires_at=0
    )

    assert "carol" == site(app).get("/payments").json()
    assert Require(scopes=["pay"]) != Require(scopes=["pay"], level="explicit")
    assert Require() != "Require()"


def test_a_requirement_that_is_not_called_is_an_error():
    """`Depends(Require)` would make one for each request, and check nothing."""
    with pytest.raises(TypeError, match=r"Depends\(Require\("):
        FastAPI().get("/", dependencies=[Depends(Require)])(lambda: None)


@pytest.mark.parametrize("how", [{"scopes": "pay"}, {"level": "root"}, {"max_age_seconds": -1}, {"schemes": []}])
def test_a_requirement_that_cannot_be_met_is_an_error(how):
    with pytest.raises(ConfigurationError):
        Require(**how)


def test_the_applications_own_handler_of_the_status_answers(app):
    """It keeps the challenge, which it need not know."""

    @app.exception_handler(403)
    async def forbidden(request: Request, error: HTTPException):
        return JSONResponse({"own": error.detail, "path": request.url.path}, error.status_code)

    response = site(app).get("/payments", headers=bearer("alice"))

    assert {"own": "The credential does not permit this request.", "path": "/payments"} == response.json()
    assert (403, "no-store") == (response.status_code, response.headers["cache-control"])
    assert 'scope="pay"' in response.headers["www-authenticate"]


def test_background_tasks_and_streams_see_the_principal():
    app, seen = FastAPI(), []

    def note():
        seen.append(current().subject)

    @app.get("/")
    def view(tasks: BackgroundTasks):
        tasks.add_task(note)
        return StreamingResponse((current().subject for _ in range(2)), background=tasks)

    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))

    assert "alicealice" == site(app).get("/", headers=bearer("alice")).text
    assert ["alice"] == seen


def test_a_mounted_application_answers_errors_too():
    """Even one that was mounted later, and one inside of another framework's."""
    app, sub, innermost = FastAPI(), FastAPI(), Starlette()
    client = site(app)

    @sub.get("/pay")
    @requires(scopes=["pay"])
    def pay():
        return "paid"

    innermost.add_route("/pay", requires(scopes=["pay"])(lambda _: None))
    sub.mount("/deeper", innermost)
    app.mount("/sub", sub)
    app.mount("/raw", AsgiReport())

    for path in "/sub/pay", "/sub/deeper/pay":
        assert [401, 403] == [client.get(path, headers=how).status_code for how in ({}, bearer("alice"))]


def test_a_mounted_application_with_its_own_gate_only_tightens():
    """It is under the rules of both."""
    app, sub = FastAPI(), FastAPI()
    sub.get("/read")(lambda: current().subject)
    install(sub, auth_for("main"))
    app.mount("/sub", sub)
    client = site(app)

    seen = [client.get("/sub/read", headers=how).status_code for how in ({}, bearer("alice"), bearer("reader"))]

    assert [401, 403, 200] == seen


@pytest.mark.parametrize("cors_first", [True, False])
def test_cors_stays_outside(cors_first):
    """Preflights are answered, and a refusal can be read by the page that asked; whatever is installed first."""
    app = FastAPI()

    def add_cors():
        app.add_middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_methods=["DELETE"])

    if cors_first:
        add_cors()
    client = site(app, "main")
    if not cors_first:
        add_cors()

    origin = {"origin": "https://spa.example"}
    preflight = client.options("/me", headers=origin | {"access-control-request-method": "DELETE"})
    refused = client.get("/me", headers=origin)
    assert [200, 401] == [preflight.status_code, refused.status_code]
    assert "https://spa.example" == refused.headers["access-control-allow-origin"]


def test_the_lifespan_of_the_application_runs():
    seen = []

    @asynccontextmanager
    async def lifespan(_app):
        seen.append("begin")
        yield
        seen.append("end")

    with site(FastAPI(lifespan=lifespan)) as client:
        assert 404 == client.get("/nothing").status_code

    assert ["begin", "end"] == seen


def test_a_requirement_without_depends_is_a_wrong_configuration():
    with pytest.raises(ConfigurationError, match=r"wanted Depends\(Require\(…\)\)"):
        FastAPI().get("/pay", dependencies=[NEEDS_PAY])(lambda: None)


@pytest.mark.parametrize(
    "wrong", [FastAPI, Starlette(), {}, None, auth_for("main")], ids=lambda each: type(each).__name__
)
def test_only_fastapi_is_installed_into(wrong):
    with pytest.raises(ConfigurationError, match="wanted a FastAPI application"):
        install(wrong, auth_for("main"))


def test_an_identity_needs_the_middleware(app):
    with pytest.raises(LookupError, match=r"AuthMiddleware: write install\(app, Auth\(Config\.load\(\)\)\)"):
        TestClient(app).get("/me")


def test_an_anonymous_override_is_refused(app):
    app.dependency_overrides[identity] = Anonymous

    assert 401 == site(app).get("/me", headers=bearer("alice")).status_code
