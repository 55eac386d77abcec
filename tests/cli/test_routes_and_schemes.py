"""Show what ``schemes`` ask of the routes of an application."""

import pytest

from inspected_apps import findings, module_writer, rows


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
