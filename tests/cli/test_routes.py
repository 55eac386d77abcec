"""List the requirements of an application's routes, and check its middleware with the doctor."""

import pytest

from command_line import run, write_configuration
from inspected_apps import ACCESS, findings, module_writer, rows


@pytest.fixture
def write(folder):
    return module_writer(folder)


def test_starlette_routes_show_their_rules(write):
    """Rules and `requires` add up; our own paths are listed too."""
    name = write("""
        app = starlette_app(routes=[
            Route("/admin/{id:int}/x", view, methods=["GET", "PUT"]),
            Route("/users/{name}", view, methods=["DELETE"]),
            Route("/head", view, methods=["HEAD"]),
            Route("/pay", guarded),
            WebSocketRoute("/ws", echo),
            Mount("/files", app=view),
            Mount("/sub", routes=[Route("/a", view)]),
            Host("other.example", Router([Route("/hosted", view)])),
        ])
    """)

    seen = rows(f"{name}:app")

    assert "public" == seen["GET", "/public"]["access"]
    assert ["admin or clerk"] == seen["GET", "/admin/{id:int}/x"]["roles"]
    assert ("explicit", 60) == tuple(seen["DELETE", "/users/{name}"][key] for key in ("level", "max_age_seconds"))
    assert (["pay"], ["boss"]) == (seen["GET", "/pay"]["scopes"], seen["GET", "/pay"]["roles"])
    others = {("WEBSOCKET", "/ws"), ("ANY", "/files/{rest...}"), ("GET", "/sub/a"), ("GET", "/hosted")}
    others |= {("PUT", "/admin/{id:int}/x"), ("GET", "/.well-known/jwks.json")}
    assert others <= seen.keys()


def test_fastapi_routes_are_unfolded(write):
    """Routes of included routers are listed too."""
    name = write("""
        app = FastAPI(openapi_url=None)
        router = APIRouter(prefix="/admin")
        @router.get("/users/{id}")
        def read(id: int): ...
        app.include_router(router, prefix="/v1")
        app.include_router(router)
        app.mount("/files", view)
        app.add_middleware(AuthMiddleware, auth())
    """)

    seen = rows(f"{name}:app")

    assert [] == seen["GET", "/v1/admin/users/{id}"]["roles"]
    assert ["admin or clerk"] == seen["GET", "/admin/users/{id}"]["roles"]
    assert ("ANY", "/files/{rest...}") in seen


def test_flask_routes_show_their_rules(write):
    """A factory is called; a parameter matches every value that no rule names."""
    name = write("""
        def create_app():
            app = flask_app()
            Safeconduct(auth()).init_app(app)
            return app
    """)

    seen = rows(f"{name}:create_app()")

    assert "public" == seen["GET", "/public"]["access"]
    assert "explicit" == seen["DELETE", "/users/<name>"]["level"]
    assert seen["GET", "/users/<name>"]["level"] is None
    assert ["pay"] == seen["POST", "/pay"]["scopes"]


def test_the_methods_of_an_endpoint_show_what_each_asks(write):
    """A rule of one mount does not apply to another; a middleware around all of them does."""
    name = write("""
        class Papers(HTTPEndpoint):
            async def get(self, request): return PlainTextResponse("")
            @requires(roles=["clerk"])
            async def post(self, request): return PlainTextResponse("")
        class Guarded(Papers):
            @requires(level="explicit")
            async def dispatch(self): await super().dispatch()
        class Quiet(HTTPEndpoint): ...
        class Bare:
            def __init__(self, scope, receive, send): ...
            get = None
        app = starlette_app(routes=[
            Route("/papers", Papers),
            Route("/guarded", Guarded),
            Route("/head", Papers, methods=["HEAD"]),
            Route("/quiet", Quiet),
            Route("/bare", Bare),
        ])
    """)

    seen = rows(f"{name}:app")

    assert [[], ["clerk"]] == [seen[method, "/papers"]["roles"] for method in ("GET", "POST")]
    assert [None, "explicit"] == [seen["GET", path]["level"] for path in ("/papers", "/guarded")]
    assert (["clerk"], "explicit") == (seen["POST", "/guarded"]["roles"], seen["POST", "/guarded"]["level"])
    assert {("HEAD", "/head"), ("ANY", "/quiet"), ("ANY", "/bare")} <= seen.keys()


def test_the_methods_of_a_flask_view_show_what_each_asks(write):
    """The decorators of a class-based view apply to all of its methods."""
    name = write("""
        class Papers(MethodView):
            decorators = [requires(scopes=["papers"])]
            def get(self): return ""
            @requires(roles=["clerk"])
            def post(self): return ""
        app = flask_app()
        app.add_url_rule("/papers", view_func=Papers.as_view("papers"))
        Safeconduct(auth()).init_app(app)
    """)

    seen = rows(f"{name}:app")

    assert [[], ["clerk"]] == [seen[method, "/papers"]["roles"] for method in ("GET", "POST")]
    assert [["papers"]] * 2 == [seen[method, "/papers"]["scopes"] for method in ("GET", "POST")]


def test_a_nested_application_adds_its_own_guard(write):
    """An outer middleware closes what is public inside."""
    name = write("""
        both = auth()
        inner = flask_app()
        Safeconduct(both).init_app(inner)
        legacy, bare = WSGIMiddleware(inner), WSGIMiddleware(flask_app())
        app = starlette_app(routes=[Mount("/legacy", legacy), Mount("/bare", bare),
                                     Mount("/hidden", WSGIMiddleware(inner.wsgi_app))])
    """)

    seen = rows(f"{name}:app")

    assert "public" == seen["GET", "/legacy/public"]["access"]
    assert "explicit" == seen["DELETE", "/legacy/users/<name>"]["level"]
    assert "authenticated" == seen["GET", "/bare/public"]["access"]
    assert seen["DELETE", "/bare/users/<name>"]["level"] is None
    assert [("ANY", "/hidden/{rest...}")] == [key for key in seen if key[1].startswith("/hidden")]


def test_d11_an_application_without_a_guard_is_open_and_status_1(write):
    """The table, standard error and the doctor report it."""
    name = write("app = starlette_app(middleware=False)")

    ended = run("routes", f"{name}:app")

    assert (1, True) == (ended.code, "every route is open" in ended.err)
    assert ["GET", "/public", "public"] == ended.out.splitlines()[1].split()[:3]
    assert [("fail", "no safeconduct middleware is around it: every route is open")] == findings(f"{name}:app")
    assert 1 == run("doctor", f"{name}:app").code


def test_an_unknown_framework_shows_its_rules_only(write):
    """The rules apply all the same."""
    name = write("app = auth().asgi(raw)")

    assert "Routes can be read from Starlette, FastAPI, Litestar, Flask, " in run("routes", f"{name}:app").err
    verdicts = findings(f"{name}:app")
    assert ("ok", "a middleware is around it; its framework is not known here") in verdicts
    assert ("ok", "/admin/{rest...}: role admin or clerk") in verdicts
    assert ("ok", "DELETE /users/{name}: level explicit, proven at most 60 s ago") in verdicts
    assert ("ok", "everything else: authenticated") in verdicts


def test_the_integration_is_well(write):
    """CORS outside of the middleware is fine."""
    name = write("""
        app = starlette_app()
        app.add_middleware(CORSMiddleware)
        app.add_middleware(GZipMiddleware)
    """)

    verdicts = findings(f"{name}:app")

    assert ("ok", "it is guarded by the integration for Starlette") in verdicts
    assert ("ok", "CORSMiddleware is outside of AuthMiddleware: pages can read refusals too") in verdicts


def test_an_open_default_is_shown(folder):
    """With ``default = "anonymous"`` everything else is public."""
    write_configuration(folder, more='[safeconduct.access]\ndefault = "anonymous"')
    (folder / "open_by_default.py").write_text(
        "from safeconduct import Auth, Config\napp = Auth(Config.load()).wsgi(print)"
    )

    assert ("ok", "everything else: public") in findings("open_by_default:app")


@pytest.mark.parametrize("preflights", ["refuse", "pass"])
def test_cors_inside_is_a_warning(folder, write, preflights):
    """A foreign page cannot read a 401 then, and its preflights pass only if configured."""
    switch = f'[safeconduct.access]\npreflights = "{preflights}"'
    write_configuration(folder, more=ACCESS.replace("[safeconduct.access]", switch))
    name = write("""
        app = starlette_app(middleware=False)
        app.add_middleware(CORSMiddleware)
        app.add_middleware(AuthMiddleware, auth=auth())
    """)

    [(verdict, text)] = [each for each in findings(f"{name}:app") if each[1].startswith("CORSMiddleware is inside")]

    assert ("warn", preflights == "refuse") == (verdict, "preflights are refused" in text)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("app = auth().asgi(starlette_app(middleware=False))", "warn"),
        ("app = auth().asgi(starlette_app(middleware=False, routes=[Route('/pay', guarded)]))", "fail"),
        ("app = flask_app()\napp.wsgi_app = auth().wsgi(app.wsgi_app)", "fail"),
        ("app = auth().wsgi(flask_app())", "fail"),
    ],
)
def test_the_bare_line_around_a_framework_is_reported(write, text, verdict):
    """`requires` inside would be 500: a warning, and a failure where a route uses it."""
    name = write(text)

    verdicts = [
        verdicts for verdicts, text in findings(f"{name}:app") if text.startswith("a middleware is wrapped around a ")
    ]

    assert [verdict] == verdicts
    assert {"authenticated", "public"} >= {row["access"] for row in rows(f"{name}:app").values()}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", 'APP must be "module:attribute"'),
        ("nowhere_at_all:app", "nowhere_at_all cannot be imported: ModuleNotFoundError"),
        ("{name}:nothing", "has no 'nothing'"),
        ("{name}:broken(5)", "has no 'broken(5)'; a factory is called without arguments"),
        ("{name}:number", "must be an application, got int"),
        ("{name}:wrong", 'got the function wrong; if that makes it, write "{name}:wrong()".'),
        ("{name}:makes_another()", "must be an application, got the function wrong."),
        ("{name}:broken()", "failed: ZeroDivisionError"),
        ("{name}:wrong()", "got nothing, wanted one of"),
    ],
)
def test_what_cannot_be_loaded_is_reported(write, target, message):
    """`routes` prints one sentence, and the doctor has a finding."""
    name = write("""
        number = 1
        def broken(): return 1 / 0
        def wrong(): return Auth(Config(store="memory://"))
        def makes_another(): return wrong
    """)
    message = message.format(name=name)

    ended = run("routes", target.format(name=name))

    assert 2 == ended.code
    assert message in ended.err
    assert target == "" or any(message in text for _, text in findings(target.format(name=name)))


def _findings_about_logins(target):
    ended = run("doctor", target, "--json")
    return [(each["verdict"], each["text"]) for each in ended.json if each["subject"] in {"sign-in", "directory"}]


def test_whether_one_can_sign_in_is_reported(write):
    """The doctor also warns that a static directory keeps a disabled user signed in."""
    name = write("""
        from safeconduct.directories import CallableDirectory
        nobody = CallableDirectory(lambda username, password: None)
        app = Auth(Config.load(), directory=nobody).wsgi(print)
        bare = auth().asgi(raw)
    """)

    served, static = _findings_about_logins(f"{name}:app")[-2:]

    assert ("ok", "POST /auth/login and the endpoints beside it are served") == served
    assert "warn" == static[0]
    assert static[1].startswith("it is static")
    verdict, text = _findings_about_logins(f"{name}:bare")[-1]
    assert ("ok", True) == (verdict, text.startswith("no sign-in by password is served"))


@pytest.mark.parametrize("is_on", [True, False])
def test_a1_both_commands_tell_that_preflights_pass(folder, write, is_on):
    """Both commands report that forged preflights pass."""
    switch = 'preflights = "pass"' if is_on else 'preflights = "refuse"'
    write_configuration(folder, more=ACCESS.replace("[safeconduct.access]", "[safeconduct.access]\n" + switch))
    name = write("app = starlette_app()")

    routes = run("routes", f"{name}:app", "--json")
    warned = [text for verdict, text in findings(f"{name}:app") if verdict == "warn"]
    configuration = run("doctor", "--json")

    assert 0 == routes.code
    assert is_on == ('access.preflights = "pass"' in routes.err)
    assert is_on == any("preflights pass" in text for text in warned)
    assert is_on == any("access.preflights" == each["subject"] for each in configuration.json)


@pytest.mark.parametrize("application", ["starlette_app()", "flask"])
def test_a5_both_commands_name_a_rule_that_other_methods_pass(write, application):
    """A framework without method dispatch serves QUERY by the function meant for DELETE."""
    made = "flask_app(); Safeconduct(auth()).init_app(app)" if application == "flask" else application
    name = write(f"app = {made}")

    routes = run("routes", f"{name}:app", "--json")
    warned = [text for verdict, text in findings(f"{name}:app") if verdict == "warn"]

    message = "DELETE /users/{name}: for any other method, such as QUERY, it takes no more than: authenticated"
    assert (0, True) == (routes.code, message in routes.err)
    assert [message] == warned


def test_a5_a_rule_for_all_methods_is_not_named(folder, write):
    write_configuration(folder, more=ACCESS.replace('methods = ["DELETE"], ', ""))
    name = write("app = starlette_app()")

    assert "other method" not in run("routes", f"{name}:app", "--json").err
    assert [] == [text for verdict, text in findings(f"{name}:app") if verdict == "warn"]
