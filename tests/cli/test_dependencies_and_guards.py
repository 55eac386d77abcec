"""Show what dependencies of FastAPI and guards of Litestar ask, and compare it with what the application answers."""

import pytest
from starlette.testclient import TestClient

from command_line import run, write_configuration
from inspected_apps import loaded, module_writer

ANYBODY = '[safeconduct.access]\ndefault = "anonymous"\npublic = ["GET /named"]'

FASTAPI = """
    import functools
    from typing import Annotated
    from fastapi import Depends, Security, WebSocket
    from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, identity, install, principal

    class Lenient(Require):
        async def __call__(self, found): return found
    def reader(found: CurrentIdentity): return found
    def signed_in(found: CurrentPrincipal): return found
    def wrapped(check):
        @functools.wraps(check)
        async def attempt(**named):
            try: return await check(**named)
            except Exception: return None
        return attempt
    @requires(roles=["boss"])
    def bosses(): ...
    def forgiving():
        try: return bosses()
        except Exception: return None

    async def answer(): return ""
    def answered(**how): return lambda path: app.get(path, **how)(answer)
    def needing(*checks): return answered(dependencies=list(checks))

    app = FastAPI(openapi_url=None, dependencies=[{depends}])
    needing(Depends(Require(scopes=["pay"], roles=["boss", "clerk"], level="explicit", max_age_seconds=60)))("/all")
    needing(Depends(principal))("/principal")
    needing(Depends(signed_in))("/below")
    needing(Depends(identity), Depends(reader))("/anybody")
    needing(Security(principal, scopes=["a"]))("/scoped")
    needing(Security(identity, scopes=["a"]))("/scoped-identity")
    needing(Security(reader, scopes=["a", "b"]))("/scoped-below")
    needing(Security(answer, scopes=["a"]))("/scoped-in-vain")
    needing(Depends(Lenient(scopes=["pay"])))("/lenient")
    needing(Depends(bosses))("/decorated")
    needing(Depends(wrapped(principal)))("/forgiven")
    needing(Depends(forgiving))("/own")
    answered()("/open")
    answered()("/named")
    @app.get("/parameter")
    async def parameter(user: CurrentPrincipal): return ""
    @app.get("/optional")
    async def optional(user: CurrentIdentity): return ""
    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: CurrentPrincipal): ...
    app.add_route("/plain", view)

    inner = APIRouter(prefix="/inner", dependencies=[Depends(Require(roles=["clerk"]))])
    inner.get("/a")(answer)
    inner.get("/b", dependencies=[Depends(Require(scopes=["b"]))])(answer)
    outer = APIRouter(prefix="/outer", dependencies=[Security(principal, scopes=["outer"])])
    outer.include_router(inner)
    app.include_router(outer)
    app.include_router(inner, prefix="/again", dependencies=[Depends(Require(level="explicit"))])
    sub = FastAPI(openapi_url=None, dependencies=[Depends(principal)])
    sub.get("/x")(answer)
    app.mount("/sub", sub)
    install(app, auth())
"""
CLOSED = {
    "/all", "/principal", "/below", "/scoped", "/scoped-identity", "/scoped-below", "/lenient", "/parameter", "/ws",
    "/outer/inner/a", "/outer/inner/b", "/again/inner/a", "/again/inner/b", "/sub/x",
}  # fmt: skip
OPEN = {"/anybody", "/scoped-in-vain", "/own", "/open", "/named", "/optional", "/plain"}
UNKNOWN = {"/decorated", "/forgiven"}


LITESTAR = """
    import functools
    from litestar import Controller, Litestar, Router, asgi, get, post, websocket_listener
    from litestar.di import NamedDependency
    from litestar.types import Receive, Scope, Send
    from safeconduct.litestar import CurrentIdentity, CurrentPrincipal, SafeconductPlugin, requires_guard

    def forgiving(guard):
        @functools.wraps(guard)
        async def attempt(*given):
            try: await guard(*given)
            except Exception: return
        return attempt
    def own(connection, handler): return
    async def colleague(current_principal: CurrentPrincipal) -> str: return "carol"
    async def nobody() -> str: return ""
    def answer(path, **how):
        @get(path, **how)
        async def handler() -> str: return ""
        return handler

    @get("/parameter")
    async def parameter(current_principal: CurrentPrincipal) -> str: return ""
    @get("/below")
    async def below(team: NamedDependency[str]) -> str: return ""
    @get("/replaced", dependencies={"current_principal": nobody})
    async def replaced(current_principal: CurrentPrincipal) -> str: return ""
    @get("/optional")
    async def optional(current_identity: CurrentIdentity) -> str: return ""
    @asgi("/raw", copy_scope=True, guards=[requires_guard()])
    async def raw_app(scope: Scope, receive: Receive, send: Send) -> None: ...
    @websocket_listener("/ws", guards=[requires_guard(scopes=["ws"])])
    async def ws(data: str) -> None: ...

    class Desk(Controller):
        path = "/desk"
        guards = [requires_guard(roles=["clerk"])]
        @get("/a")
        async def a(self) -> str: return ""
        @get("/b", guards=[requires_guard(scopes=["b"]), own])
        async def b(self) -> str: return ""

    app = Litestar(
        [
            answer("/open"), answer("/named"), answer("/own", guards=[own]), parameter, below, replaced, optional, ws,
            answer("/forgiven", guards=[forgiving(requires_guard())]), raw_app,
            answer("/all", guards=[requires_guard(scopes=["pay"], roles=["boss"], level="explicit")]),
            Router("/outer", route_handlers=[Desk], guards=[requires_guard(level="explicit")]),
        ],
        openapi_config=None, guards=[{guards}], dependencies={{"team": colleague}},
        plugins=[SafeconductPlugin(auth())],
    )
""".replace('dependencies={"current_principal": nobody}', 'dependencies={{"current_principal": nobody}}')


@pytest.fixture
def made(folder):
    write = module_writer(folder)

    def make(text, more=ANYBODY):
        write_configuration(folder, more=more)
        return write(text) + ":app"

    return make


def listed(target):
    """Return the rows of the application's own routes by path, and all that was printed."""
    ended = run("routes", target, "--json")
    assert 0 == ended.code, ended.err
    own = [row for row in ended.json if not row["path"].startswith(("/auth/", "/.well-known/"))]
    return {row["path"]: row for row in own}, ended


def paths(rows, access):
    return {path for path, row in rows.items() if row["access"] == access}


def passing(app, rows):
    """Return the paths at which *app* lets an anonymous caller in."""
    client = TestClient(app, base_url="https://api.example.com", raise_server_exceptions=False)
    asked = {path: client.get(path).status_code for path, row in rows.items() if row["method"] != "WEBSOCKET"}
    assert {200, 401} >= set(asked.values()), asked
    return {path for path, status in asked.items() if status == 200}


def test_dependencies_of_fastapi_are_read(made):
    """What the table calls public and authenticated is what the application does; it may leave some unknown."""
    target = made(FASTAPI.format(depends=""))

    rows, printed = listed(target)

    assert (CLOSED, OPEN, UNKNOWN) == tuple(paths(rows, each) for each in ("authenticated", "public", "unknown"))
    let_in = passing(loaded(target), rows)
    assert let_in <= OPEN | UNKNOWN
    assert let_in >= OPEN
    warned = [line for line in printed.err.splitlines() if "is unknown." in line]
    assert {f"Warning: GET {path}:" for path in UNKNOWN} == {line.partition(" whether")[0] for line in warned}


def test_what_dependencies_of_fastapi_ask_adds_up(made):
    rows, _ = listed(made(FASTAPI.format(depends="")))

    everything = [rows["/all"][each] for each in ("scopes", "roles", "level", "max_age_seconds")]
    assert [["pay"], ["boss or clerk"], "explicit", 60] == everything
    scopes = {path: row["scopes"] for path, row in rows.items() if row["scopes"]}
    assert {
        "/all": ["pay"], "/scoped": ["a"], "/scoped-identity": ["a"], "/scoped-below": ["a", "b"], "/lenient": ["pay"],
        "/outer/inner/a": ["outer"], "/outer/inner/b": ["b", "outer"], "/again/inner/b": ["b"],
    } == scopes  # fmt: skip
    assert [["clerk"]] * 4 == [row["roles"] for path, row in rows.items() if "/inner/" in path]
    assert ["explicit"] * 2 == [row["level"] for path, row in rows.items() if path.startswith("/again/")]


def test_a_dependency_of_the_application_is_for_every_route_but_those_of_starlette(made):
    target = made(FASTAPI.format(depends="Depends(Require(roles=['staff']))"))

    rows, _ = listed(target)

    assert {"/plain"} == paths(rows, "public") - {"/sub/x"}
    assert {"/plain"} == passing(loaded(target), rows)
    assert all("staff" in row["roles"] for path, row in rows.items() if path not in {"/plain", "/sub/x"})


def test_what_an_override_asks_is_unknown(made):
    """An override may let everybody in, as it does here."""
    text = FASTAPI.format(depends="") + "    app.dependency_overrides[principal] = lambda: None\n"
    target = made(text)

    rows, _ = listed(target)

    assert "/principal" in paths(rows, "unknown") & passing(loaded(target), rows)
    assert paths(rows, "authenticated").isdisjoint(passing(loaded(target), rows))
    assert paths(rows, "public") <= passing(loaded(target), rows)


def test_forbid_public_passes_what_dependencies_close(made):
    text = """
        from fastapi import Depends
        from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, install
        app = FastAPI(openapi_url=None)
        app.get("/named")(lambda: "")
        app.get("/required", dependencies=[Depends(Require())])(lambda: "")
        @app.get("/parameter")
        def parameter(user: CurrentPrincipal): ...
        install(app, auth())
    """

    closed = run("routes", made(text), "--forbid-public")

    assert (0, "") == (closed.code, closed.err)


def test_forbid_public_fails_for_what_anybody_passes_and_for_what_is_unknown(made):
    found = run("routes", made(FASTAPI.format(depends="")), "--forbid-public")

    assert 1 == found.code
    named = found.err.partition("Open, and named by no entry of access.public: ")[2].rstrip(".\n").split(", ")
    assert {f"GET {path}" for path in OPEN - {"/named"}} == set(named)


def test_forbid_public_fails_for_what_is_unknown_alone(made):
    text = """
        from fastapi import Depends
        from safeconduct.fastapi import install
        app = FastAPI(openapi_url=None)
        app.get("/decorated", dependencies=[Depends(requires()(lambda: ""))])(lambda: "")
        app.get("/named", dependencies=[Depends(requires()(lambda: ""))])(lambda: "")
        install(app, auth())
    """

    found = run("routes", made(text), "--forbid-public")

    assert 1 == found.code
    assert found.err.endswith("Error: Perhaps open, and named by no entry of access.public: GET /decorated.\n")


def test_guards_of_litestar_are_read(made):
    """What the table calls public and authenticated is what the application does."""
    target = made(LITESTAR.format(guards=""))

    rows, _ = listed(target)

    assert {"/parameter", "/below", "/all", "/raw", "/ws", "/outer/desk/a", "/outer/desk/b"} == paths(
        rows, "authenticated"
    )
    assert {"/open", "/named", "/own", "/replaced", "/optional"} == paths(rows, "public")
    assert {"/forgiven"} == paths(rows, "unknown")
    assert {"/open", "/named", "/own", "/replaced", "/optional", "/forgiven"} == passing(loaded(target), rows)


def test_what_guards_of_litestar_ask_adds_up(made):
    rows, _ = listed(made(LITESTAR.format(guards="")))

    asked = {path: (row["scopes"], row["roles"], row["level"]) for path, row in rows.items()}
    assert (["pay"], ["boss"], "explicit") == asked["/all"]
    assert ([], ["clerk"], "explicit") == asked["/outer/desk/a"]
    assert (["b"], ["clerk"], "explicit") == asked["/outer/desk/b"]
    assert ["ws"] == asked["/ws"][0]


def test_a_guard_of_the_application_closes_every_route(made):
    target = made(LITESTAR.format(guards='requires_guard(roles=["staff"])'))

    rows, _ = listed(target)

    assert set(rows) == paths(rows, "authenticated")
    assert set() == passing(loaded(target), rows)
    assert 0 == run("routes", target, "--forbid-public").code
