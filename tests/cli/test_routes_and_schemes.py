"""Show what ``schemes`` ask of the routes of an application, and find links that nobody can see."""

import pytest

from command_line import findings as doctor_findings
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


@pytest.mark.parametrize(
    ("sources", "warned"),
    [
        ('["bearer"]', ["/jobs: schemes has api_key, which is not accepted here, so nobody can pass"]),
        (
            '["api_key", "cookie"]',
            ["/calls: schemes has bearer, which is not accepted here, so nobody passes by it"],
        ),
        ('["bearer", "api_key"]', []),
    ],
)
def test_a_rule_for_a_credential_that_no_source_has_is_named(folder, sources, warned):
    """Such a rule closes its path, or has a part without effect."""
    write_configuration(
        folder,
        more=f"""external_url = "https://api.example.com"
        sources = {sources}
        [safeconduct.access]
        rules = [{{ path = "/jobs", schemes = ["api_key"] }}, {{ path = "/calls", schemes = ["bearer", "client"] }},
                 {{ path = "/all", level = "remembered" }}]""",
    )

    found = [text for verdict, subject, text, _ in doctor_findings() if (verdict, subject) == ("warn", "access.rules")]

    assert warned == found


@pytest.mark.parametrize("is_served", [True, False])
def test_grants_without_endpoints_are_named(folder, is_served):
    digest = "0" * 64
    write_configuration(
        folder,
        more=f"""
        [safeconduct.endpoints]
        enabled = {"true" if is_served else "false"}
        [safeconduct.login]
        users = "users.json"
        [[safeconduct.clients]]
        client_id = "reports"
        secret = "sha256:{digest}"
        grants = ["client_credentials"]""",
    )

    warned = [text for verdict, subject, text, _ in doctor_findings() if (verdict, subject) == ("warn", "clients")]

    assert warned == (
        [] if is_served else ["reports: the grants other than self_signed have no effect, since no endpoint is served"]
    )
