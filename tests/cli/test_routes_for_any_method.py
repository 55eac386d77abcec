"""List the methods of a route for any method apart, where the access rules treat them differently."""

import pytest
from starlette.testclient import TestClient

from command_line import run, write_configuration
from inspected_apps import loaded, module_writer
from inspected_django import project, statuses

ACCESS = """[safeconduct.access]
public = ["GET /", "/all", "HEAD /head", "POST /hook", "GET /.well-known/jwks.json"]
rules = [{ path = "/hook", methods = ["PUT"], roles = ["admin"] }, { path = "/same", methods = ["PUT"], unsafe = true }]
"""
DJANGO = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import path
    def answer(request, **_): return HttpResponse()
    urlpatterns = [
        path("", answer), path("all", answer), path("head", answer), path("hook", answer), path("same", answer),
        path("required", requires(roles=["boss"])(answer)),
    ]
    app = WSGIHandler()
"""
EXPECTED = {
    ("GET", "/"): "public", ("ANY", "/"): "authenticated", ("ANY", "/all"): "public",
    ("HEAD", "/head"): "public", ("ANY", "/head"): "authenticated",
    ("POST", "/hook"): "public", ("PUT", "/hook"): "authenticated", ("ANY", "/hook"): "authenticated",
    ("ANY", "/same"): "authenticated", ("ANY", "/required"): "authenticated",
}  # fmt: skip


@pytest.fixture
def made(folder):
    write = module_writer(folder)
    write_configuration(folder, more=ACCESS)
    return lambda text: write(text) + ":app"


def access(ended):
    """Return the access of each row, without those of our own endpoints."""
    rows = [(row["method"], row["path"], row["access"]) for row in ended.json]
    found = {
        (method, path): access for method, path, access in rows if not path.startswith(("/auth/", "/.well-known/"))
    }
    assert len(found) == len([path for _, path, _ in rows if not path.startswith(("/auth/", "/.well-known/"))])
    return found


def test_a_view_of_django_whose_get_is_public(made, folder):
    """The rows are what the middleware does with each method."""
    target = made(DJANGO)
    methods = "GET", "HEAD", "POST", "PUT", "PURGE"
    asked = [(method, path) for path in ("/", "/all", "/head", "/hook", "/same") for method in methods]
    with project(folder, target):
        ended, answered = run("routes", target, "--json"), statuses(target, asked)

    assert access(ended) == EXPECTED
    for (method, path), status in answered.items():
        row = EXPECTED.get((method, path), EXPECTED["ANY", path])
        row = EXPECTED["GET", path] if method == "HEAD" and ("GET", path) in EXPECTED else row
        assert (200 if row == "public" else 401) == status, (method, path)
    assert ["admin"] == next(row["roles"] for row in ended.json if ("PUT", "/hook") == (row["method"], row["path"]))


def test_what_is_mounted_is_divided_by_the_rules_inside_and_outside(made):
    """A method that is public in one of two nested middleware alone is not public."""
    target = made("""
        from safeconduct.config import AccessConfig
        import dataclasses
        config = Config.load()
        inside = Auth(dataclasses.replace(config, access=AccessConfig(public=("GET /a", "PUT /a"))))
        public = "GET /sub/a", "POST /sub/a", "GET /raw/{rest...}"
        outside = Auth(dataclasses.replace(config, access=AccessConfig(public=public)))
        sub = Starlette(routes=[Route("/a", HTTPEndpoint)])
        sub.add_middleware(AuthMiddleware, auth=inside)
        app = Starlette(routes=[Mount("/sub", sub), Mount("/raw", raw)])
        app.add_middleware(AuthMiddleware, auth=outside)
    """)

    ended = run("routes", target, "--json")

    assert {
        ("GET", "/sub/a"): "public", ("PUT", "/sub/a"): "authenticated", ("ANY", "/sub/a"): "authenticated",
        ("GET", "/raw/{rest...}"): "public", ("ANY", "/raw/{rest...}"): "authenticated",
    } == access(ended)  # fmt: skip
    client = TestClient(loaded(target), base_url="https://api.example.com")
    status = {method: client.request(method, "/sub/a").status_code for method in ("GET", "PUT", "POST", "DELETE")}
    assert {"GET": 405, "PUT": 401, "POST": 401, "DELETE": 401} == status


def test_a_divided_route_that_is_never_called_is_named_once(made):
    """Only the methods that safeconduct answers are."""
    target = made("""
        import bottle
        inner, both = bottle.Bottle(), auth()
        inner.route("/.well-known/jwks.json", method="ANY")(lambda: "")
        app = both.wsgi(inner)
    """)

    ended = run("routes", target)

    assert 2 == ended.out.count("/.well-known/jwks.json  public")
    assert 1 == ended.err.count("/.well-known/jwks.json: safeconduct answers this path"), ended.err
