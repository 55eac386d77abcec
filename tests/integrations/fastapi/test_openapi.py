"""FastAPI: the security of routes in the OpenAPI description."""

import asyncio
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import APIKeyHeader
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from app_client import SentRequest, asgi_scope, call_asgi
from auth_setups import SITE, auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, requires
from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, install
from table_tokens import tokens


def auth_with(**fields):
    """Return an ``Auth`` of those sources, with all endpoints."""
    usual = {"endpoints": {}, "sources": ["bearer"], "csrf": {}}
    return Auth(configuration(**usual | fields), directory=MemoryDirectory(alice="wonder"), clock=now)


def described(app, auth):
    install(app, auth)
    return app.openapi()


def security_of(schema, path, method="get"):
    return schema["paths"][path][method].get("security")


def one_route(path="/me", **how):
    """Return an application with one route."""
    app = FastAPI()

    @app.get(path, **how)
    def me():
        return None

    return app


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["password", "bearer"]),
        ({"sources": ["bearer", "cookie", "basic"]}, ["password", "bearer", "cookie", "basic"]),
        ({"sources": ["bearer", "cookie"], "cookies": {"mode": "require"}}, ["bearer", "cookie"]),
        ({"sources": ["bearer", "subprotocol"], "cookies": {"mode": "require"}}, ["password", "bearer"]),
        ({"sources": ["api_key"]}, ["api_key"]),
        ({"endpoints": {"enabled": False}}, ["bearer"]),
        ({"access": {"rules": [{"path": "/me", "schemes": ["client"]}]}}, ["bearer"]),
        ({"access": {"rules": [{"path": "/me", "schemes": ["bearer"]}]}}, ["password", "bearer"]),
        ({"sources": ["cookie", "basic"], "access": {"rules": [{"path": "/me", "schemes": ["cookie"]}]}}, ["cookie"]),
    ],
)  # fmt: skip
def test_the_credentials_that_a_route_accepts(fields, names):
    """A form for the password is offered only where signing in by it works."""
    assert [{name: []} for name in names] == security_of(described(one_route(), auth_with(**fields)), "/me")


def test_the_schemes_of_the_sources():
    auth = auth_with(sources=["bearer", "cookie", "basic", "api_key"])

    schemes = described(one_route("/read"), auth)["components"]["securitySchemes"]

    flow = {"tokenUrl": "/auth/login", "scopes": {"read": ""}}
    assert {"type": "oauth2", "flows": {"password": flow}} == schemes["password"]
    assert {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"} == schemes["bearer"]
    assert ("apiKey", "cookie", "__Host-safeconduct") == tuple(schemes["cookie"][key] for key in ("type", "in", "name"))
    assert {"type": "http", "scheme": "basic"} == schemes["basic"]
    assert "API key" == schemes["api_key"]["bearerFormat"]


def test_opaque_tokens_are_no_jwt():
    schema = described(one_route(), auth_with(tokens={"format": "opaque"}))

    assert "opaque" == schema["components"]["securitySchemes"]["bearer"]["bearerFormat"]


def test_scopes_are_those_of_rules_dependencies_and_requires():
    app = FastAPI(dependencies=[Depends(Require(scopes=["app"]))])
    router = APIRouter(prefix="/items", dependencies=[Depends(Require(scopes=["router"]))])

    @router.get("/{number}", dependencies=[Depends(Require(scopes=["route"]))])
    @requires(scopes=["view"])
    @requires(scopes=["inner"])
    def item(number: int):
        return number

    app.include_router(router)

    schema = described(app, auth_with())
    scopes = ["app", "inner", "read", "route", "router", "view"]
    assert [{"password": scopes}, {"bearer": scopes}] == security_of(schema, "/items/{number}")
    assert scopes == list(schema["components"]["securitySchemes"]["password"]["flows"]["password"]["scopes"])


def test_public_routes():
    """One that takes the identity may be sent with a credential; one that asks for a principal is not public."""
    app = one_route("/health")
    app.get("/news")(lambda: None)
    app.post("/hook")(closed)
    app.get("/files/{name}")(greet)

    schema = described(app, auth_with())

    assert None is security_of(schema, "/health")
    assert None is security_of(schema, "/news")
    assert [{"password": []}, {"bearer": []}] == security_of(schema, "/hook", "post")
    assert [{}, {"password": []}, {"bearer": []}] == security_of(schema, "/files/{name}")
    assert ["200"] == list(schema["paths"]["/health"]["get"]["responses"])


def closed(user: CurrentPrincipal):
    """Ask for a principal."""
    return user.subject


def greet(name: str, caller: CurrentIdentity):
    """Take anybody."""
    return name, caller.display_name


def test_nothing_is_described_where_everything_is_public():
    assert "components" not in described(one_route("/health"), auth_with())


def test_refusals_are_described():
    """Those that the route describes itself stay."""
    own = {403: {"description": "mine"}}
    responses = described(one_route(responses=own), auth_with())["paths"]["/me"]["get"]["responses"]

    assert ["200", "403", "401"] == list(responses)
    assert "mine" == responses["403"]["description"]
    schema = responses["401"]["content"]["application/problem+json"]["schema"]
    assert ["type", "title", "status", "detail", "code"] == schema["required"]


def test_schemes_of_the_application_are_needed_too():
    """Its own scheme is asked for in the view, after ours."""
    header = APIKeyHeader(name="X-Tenant")
    app = FastAPI()
    app.get("/me", dependencies=[Depends(header)])(closed)
    app.get("/health", dependencies=[Depends(header)])(lambda: None)

    schema = described(app, auth_with())

    assert [{"password": [], "APIKeyHeader": []}, {"bearer": [], "APIKeyHeader": []}] == security_of(schema, "/me")
    assert [{"APIKeyHeader": []}] == security_of(schema, "/health")
    assert ["password", "bearer", "APIKeyHeader"] == list(schema["components"]["securitySchemes"])


def test_a_route_that_is_added_later_is_described():
    app = one_route()
    schema = described(app, auth_with())
    assert schema is app.openapi()

    app.get("/later")(closed)
    app.openapi_schema = None

    assert security_of(app.openapi(), "/later")


def test_without_the_gate_the_mark_is_a_valid_scheme():
    app = FastAPI()
    app.get("/me")(closed)

    assert {"type": "http", "scheme": "bearer"} == app.openapi()["components"]["securitySchemes"]["safeconduct"]


@pytest.mark.parametrize(
    ("mount", "root_path", "path"),
    [("", "", "/auth/login"), ("", "/behind", "/behind/auth/login"), ("/api", "/behind", "/behind/api/auth/login")],
)
def test_the_place_of_the_sign_in_is_below_the_root_path(mount, root_path, path):
    """It is where the description is served, which a proxy may know alone."""
    app, auth = one_route(), auth_with()
    install(app, auth)
    served = Starlette(routes=[Mount(mount, app=app)]) if mount else app
    client = TestClient(served, base_url=SITE, root_path=root_path)
    headers = {"authorization": f"Bearer {tokens()['alice']}"}

    schema = client.get(f"{root_path}{mount}/openapi.json", headers=headers).json()

    assert path == schema["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"]


@pytest.mark.parametrize("is_nested", [True, False], ids=["one auth", "inside alone"])
def test_the_place_of_the_sign_in_is_where_the_outermost_middleware_serves_it(is_nested):
    auth = auth_with(access={"public": ["/api/{rest...}", "/openapi.json"]})
    app = one_route()
    install(app, auth)
    served = FastAPI(openapi_url=None, routes=[Mount("/api", app=app)])
    if is_nested:
        install(served, auth)

    schema = TestClient(served, base_url=SITE).get("/api/openapi.json").json()

    path = schema["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"]
    assert ("/auth/login" if is_nested else "/api/auth/login") == path


def test_the_root_path_of_a_request_ends_with_it():
    """A description that is made later, in the same task, is not for the proxy of that request."""
    app = one_route()
    install(app, auth_with())
    bearer = f"Bearer {tokens()['alice']}".encode()
    request = SentRequest("GET", "/behind/openapi.json", (("authorization", bearer),), "https")

    async def served_and_described():
        served = await call_asgi(app, asgi_scope(request, root_path="/behind"))
        assert b"/behind/auth/login" in served.body
        return app.openapi()

    schema = asyncio.run(served_and_described())

    assert "/auth/login" == schema["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"]


def test_the_description_is_under_the_access_rules():
    app = one_route()
    install(app, auth_for("main"))
    client = TestClient(app, base_url=SITE)

    assert [401, 401] == [client.get(path).status_code for path in ("/docs", "/openapi.json")]


def test_the_form_of_swagger_signs_in():
    """What "Authorize" sends; a test in a browser presses it."""
    app = one_route()
    install(app, auth_with())
    client = TestClient(app, base_url=SITE)
    form = {"grant_type": "password", "scope": "", "username": "alice", "password": "wonder"}

    answer = client.post("/auth/login", data=form, headers={"authorization": "Basic Og==", "origin": SITE}).json()

    assert "Bearer" == answer["token_type"]
    assert 200 == client.get("/me", headers={"authorization": f"Bearer {answer['access_token']}"}).status_code
    refused = client.post("/auth/login", data=form, headers={"origin": "https://evil.example"})
    assert 403 == refused.status_code


def test_a_dependency_by_annotation_alone_is_described():
    app = FastAPI()

    @app.get("/health")
    def health(user: Annotated[object, Depends(Require(scopes=["ops"]))]):
        return user

    assert [{"password": ["ops"]}, {"bearer": ["ops"]}] == security_of(described(app, auth_with()), "/health")
