"""Litestar: the security of operations in the OpenAPI schema."""

import pytest
from litestar import Litestar, get
from litestar.exceptions import NotAuthorizedException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, RedocRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.testing import TestClient

from auth_setups import SITE, auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, requires
from safeconduct.litestar import SafeconductPlugin, requires_guard
from table_tokens import tokens


@get("/closed")
async def closed() -> str:
    return "closed"


def described(*operations, openapi_config=None, **fields):
    """Return the OpenAPI description of an application."""
    usual = {"endpoints": {}, "sources": ["bearer", "cookie", "basic"], "csrf": {}}
    auth = Auth(configuration(**usual | fields), directory=MemoryDirectory(alice="wonder"), clock=now)
    config = openapi_config or OpenAPIConfig("site", "1")
    return Litestar(operations, plugins=[SafeconductPlugin(auth)], openapi_config=config).openapi_schema.to_schema()


def test_the_description_has_the_security_of_each_route():
    @get("/health", sync_to_thread=False)
    def health() -> None:
        return None

    @get("/read", guards=[requires_guard(scopes=["guard"])], security=[{"tenant": []}], sync_to_thread=False)
    @requires(scopes=["view"])
    def read() -> None:
        return None

    own = Components(
        security_schemes={"tenant": SecurityScheme(type="apiKey", name="X-Tenant", security_scheme_in="header")}
    )
    schema = described(health, read, openapi_config=OpenAPIConfig("site", "1", components=own))

    scopes = ["guard", "read", "view"]
    assert "security" not in schema["paths"]["/health"]["get"]
    assert [{"tenant": [], name: scopes} for name in ("password", "bearer", "cookie", "basic")] == schema["paths"][
        "/read"
    ]["get"]["security"]
    schemes = schema["components"]["securitySchemes"]
    assert {"tenant", "password", "bearer", "cookie", "basic"} == schemes.keys()
    assert {"tokenUrl": "/auth/login", "scopes": dict.fromkeys(scopes, "")} == schemes["password"]["flows"]["password"]
    assert ("cookie", "__Host-safeconduct") == (schemes["cookie"]["in"], schemes["cookie"]["name"])
    assert "JWT" == schemes["bearer"]["bearerFormat"]


def test_the_default_description_of_litestar_is_not_changed():
    """It is one for all applications of a process."""
    assert {"bearer"} == described(closed, sources=["bearer"], endpoints={"enabled": False})["components"][
        "securitySchemes"
    ].keys()
    assert "securitySchemes" not in Litestar([closed]).openapi_schema.to_schema().get("components", {})


def test_the_refusals_of_a_closed_operation_are_described():
    """Unless its author describes the status themselves."""

    @get("/own", responses={403: ResponseSpec(None, description="mine")}, raises=[NotAuthorizedException])
    async def own() -> None: ...

    @get("/health")
    async def health() -> None: ...

    paths = (schema := described(closed, own, health))["paths"]
    found = paths["/closed"]["get"]["responses"]

    assert {"200", "401", "403"} == found.keys()
    assert "no valid credential" in found["401"]["description"]
    reference = found["403"]["content"]["application/problem+json"]["schema"]["$ref"]
    problem = schema["components"]["schemas"][reference.rpartition("/")[2]]
    assert ["code", "detail", "status", "title", "type"] == sorted(problem["required"])
    assert "integer" == problem["properties"]["status"]["type"]
    assert "mine" == paths["/own"]["get"]["responses"]["403"]["description"]
    assert "application/json" in paths["/own"]["get"]["responses"]["401"]["content"]
    assert {"200"} == paths["/health"]["get"]["responses"].keys()


def test_the_refusals_have_the_configured_form():
    found = described(closed, problem_style="error_message")["paths"]["/closed"]["get"]["responses"]

    assert ["application/json"] == list(found["401"]["content"])


@pytest.mark.parametrize(
    "config",
    [OpenAPIConfig("site", "1"), OpenAPIConfig("site", "1", render_plugins=[SwaggerRenderPlugin()])],
    ids=["default", "plugins"],
)
@pytest.mark.parametrize(("root_path", "place"), [("", "/auth/login"), ("/api", "/api/auth/login")])
def test_the_place_of_the_sign_in_is_below_the_root_path(config, root_path, place):
    auth = Auth(configuration(endpoints={}), directory=MemoryDirectory(alice="wonder"), clock=now)
    app = Litestar([closed], plugins=[SafeconductPlugin(auth)], openapi_config=config)
    headers = {"authorization": f"Bearer {tokens()['alice']}"}
    with TestClient(app, base_url=SITE, root_path=root_path) as client:
        schema = client.get(f"{root_path}/schema/openapi.json", headers=headers).json()
        page = client.get(f"{root_path}/schema/swagger", headers=headers).text
        again = app.openapi_schema.to_schema()

    flows = [each["components"]["securitySchemes"]["password"]["flows"]["password"] for each in (schema, again)]
    assert [place, "/auth/login"] == [flow["tokenUrl"] for flow in flows]
    assert f'"tokenUrl":"{place}"' in page


@pytest.mark.parametrize("is_nested", [True, False], ids=["one auth", "inside alone"])
def test_the_place_of_the_sign_in_is_where_the_outermost_middleware_serves_it(is_nested):
    """An inner middleware of the same ``Auth`` serves no endpoints."""
    auth = Auth(
        configuration(endpoints={}, access={"public": ["/api/{rest...}", "/schema/{rest...}"]}),
        directory=MemoryDirectory(alice="wonder"),
        clock=now,
    )
    app = Litestar([closed], plugins=[SafeconductPlugin(auth)])

    async def mount(scope, receive, send):
        await app({**scope, "root_path": "/api"}, receive, send)

    outer = auth.asgi(mount) if is_nested else mount
    schema = TestClient(outer, base_url=SITE).get("/api/schema/openapi.json").json()

    path = schema["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"]
    assert ("/auth/login" if is_nested else "/api/auth/login") == path


def test_a_schema_without_a_sign_in_is_served_below_a_root_path():
    app = Litestar([closed], plugins=[SafeconductPlugin(auth_for("main"))])
    with TestClient(app, base_url=SITE, root_path="/api") as client:
        answer = client.get("/api/schema/openapi.json", headers={"authorization": f"Bearer {tokens()['alice']}"})

    assert "bearer" in answer.json()["components"]["securitySchemes"]


def test_the_page_at_the_root_and_the_routes_of_a_plugin_stay():
    """Each of Litestar's plugins says which paths it serves, and may add routes."""

    class WithRoute(RedocRenderPlugin):
        def receive_router(self, router):
            router.register(get("/more")(more))

    async def more() -> str:
        return "more"

    plugins = [JsonRenderPlugin(), WithRoute(path=["/redoc", "/"])]
    app = Litestar(
        [closed],
        plugins=[SafeconductPlugin(auth_for("open"))],
        openapi_config=OpenAPIConfig("site", "1", render_plugins=plugins),
    )
    with TestClient(app, base_url=SITE) as client:
        assert "redoc" in client.get("/schema").text
        assert "more" == client.get("/schema/more").text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_litestars_older_controller_serves_the_schema_as_it_did():
    from litestar.openapi import OpenAPIController  # noqa: PLC0415 - it is deprecated

    config = OpenAPIConfig("site", "1", openapi_controller=OpenAPIController)
    app = Litestar([closed], plugins=[SafeconductPlugin(auth_for("main"))], openapi_config=config)
    with TestClient(app, base_url=SITE) as client:
        answer = client.get("/schema/openapi.json", headers={"authorization": f"Bearer {tokens()['alice']}"})

    assert 200 == answer.status_code
