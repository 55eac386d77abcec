"""Show what ``schemes`` ask of the routes of an application, and find links that nobody can see."""

import pytest

from command_line import write_configuration
from inspected_apps import ACCESS, findings, module_writer, rows


@pytest.fixture
def write(folder):
    return module_writer(folder)


def test_the_kinds_of_credentials_are_shown(write):
    """None stands for all; rules and `requires` without one in common close a route to everyone."""
    name = write("""
        app = starlette_app(routes=[
            Route("/scripts", view), Route("/scripts", clicked, methods=["POST"]), Route("/page", clicked)
        ])
    """)

    seen = rows(f"{name}:app")

    assert [None, ["bearer", "client"], ["none"], ["cookie"]] == [
        seen[each]["schemes"]
        for each in (("GET", "/public"), ("GET", "/scripts"), ("POST", "/scripts"), ("GET", "/page"))
    ]
    assert ("ok", "/scripts: by bearer or client") in findings(f"{name}:app")


@pytest.mark.parametrize("has_links", [True, False])
def test_links_that_are_shown_nowhere_are_named(folder, write, has_links):
    """Without the endpoints no client can ask for them."""
    links = 'links = [{ rel = "news", method = "GET", path = "/public" }]' if has_links else ""
    write_configuration(folder, more=ACCESS.replace("[safeconduct.access]", "[safeconduct.access]\n" + links))
    name = write("app = starlette_app()")

    warned = ("warn", "access.links are shown nowhere: GET …/session is not served") in findings(f"{name}:app")

    assert has_links is warned
