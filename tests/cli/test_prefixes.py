"""Show what takes the rest of a path, and warn where it goes on without a slash."""

import sys

import pytest
from django.test import override_settings

import django_site  # noqa: F401 - configures Django for this process
from command_line import run, write_configuration
from inspected_apps import findings, module_writer

OPEN = """[safeconduct.access]
default = "anonymous"
rules = [{ path = "/vault/{rest...}" }, { path = "/v1/{rest...}" }]
"""
FALCON = """
    import falcon
    from safeconduct.falcon import install
    both, inner = auth(), falcon.App()
    def serve(req, resp): ...
    inner.add_sink(serve, "/vault")
    inner.add_sink(requires(scopes=["read"])(serve), "/v1/")
    inner.add_static_route("/static", {folder!r})
    install(inner, both)
    app = both.wsgi(inner)
"""
DJANGO = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import include, re_path
    def answer(request, **_): return HttpResponse()
    inner = [re_path("^a$", answer), re_path(r"^price\\$", answer)]
    urlpatterns = [
        re_path("^vault", answer), re_path("^v1/", answer), re_path("^end\\\\Z", answer),
        re_path("^in/", include(inner)),
    ]
    app = WSGIHandler()
"""
VAULT = (
    "it serves whatever begins like /vault, such as /vault2, and not only what is below it; there the rules take no "
    "more than: public"
)


def rows_of(ended):
    rows = {(row["method"], row["path"]): row for row in ended.json}
    return {key: row for key, row in rows.items() if not key[1].startswith(("/auth/", "/.well-known/"))}


@pytest.fixture
def made(folder):
    write = module_writer(folder)

    def make(text, more=OPEN):
        write_configuration(folder, more=more)
        return write(text) + ":app"

    return make


def test_sinks_and_static_files_of_falcon_are_routes(made, tmp_path):
    target = made(FALCON.format(folder=str(tmp_path)))

    ended = run("routes", target, "--json")

    seen = {key: (row["access"], row["scopes"]) for key, row in rows_of(ended).items()}
    assert {
        ("ANY", "/vault{rest...}"): ("public", []),
        ("ANY", "/v1/{rest...}"): ("authenticated", ["read"]),
        ("GET", "/static/{rest...}"): ("public", []),
    } == seen
    assert f"ANY /vault{{rest...}}: {VAULT}." in ended.err
    assert 1 == ended.err.count("it serves whatever begins like")
    assert ("warn", f"ANY /vault{{rest...}}: {VAULT}") in findings(target)
    assert 1 == run("routes", target, "--forbid-public").code


def test_a_sink_where_everything_is_closed_is_no_warning(made, tmp_path):
    ended = run("routes", made(FALCON.format(folder=str(tmp_path)), more="[safeconduct.access]"), "--json")

    assert {"authenticated"} == {row["access"] for row in rows_of(ended).values()}
    assert "it serves whatever" not in ended.err


def test_expressions_of_django_without_an_end_take_the_rest(made, folder):
    target = made(DJANGO)
    sys.path.insert(0, str(folder))
    try:
        middleware = ["safeconduct.django.SafeconductMiddleware"]
        # After a change of the settings another `Auth` is made.
        with override_settings(ROOT_URLCONF=target.partition(":")[0], MIDDLEWARE=middleware, SAFECONDUCT=None):
            ended, verdicts = run("routes", target, "--json"), findings(target)
    finally:
        sys.path.remove(str(folder))

    seen = {path: row["access"] for (_, path), row in rows_of(ended).items()}
    assert {
        "/vault{rest...}": "public",
        "/v1/{rest...}": "authenticated",
        "/end": "public",
        "/in/a": "public",
        "/in/price\\${rest...}": "public",
    } == seen
    assert ("warn", f"ANY /vault{{rest...}}: {VAULT}") in verdicts
