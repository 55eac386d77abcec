"""Find what each part of a configuration allows, and what has no effect or not the one that was meant."""

import logging

import pytest

from command_line import finding_texts, findings, run, write_configuration
from inspected_apps import module_writer
from safeconduct.cli.doctor.effect_checks import check_effects
from safeconduct.config import Config


def warnings_about(folder, subject, more):
    write_configuration(folder, more=more)
    return [text for verdict, about, text, _ in findings() if (verdict, about) == ("warn", subject)]


@pytest.mark.parametrize(
    ("url", "secure", "expected"),
    [
        ("http://localhost:8000", "true", None),
        ("https://shop.example", "true", None),
        ("https://shop.example", "false", "cookies of https://shop.example are sent over plain http too"),
    ],
)
def test_cookie_flags_are_compared_with_the_scheme(folder, url, secure, expected):
    names = "" if secure == "true" else '\naccess = "a"\nrefresh = "r"\ndevice = "d"'
    found = warnings_about(
        folder,
        "cookies.secure",
        f'external_url = "{url}"\nsources = ["cookie"]\n[safeconduct.cookies]\nsecure = {secure}{names}',
    )

    assert (expected is not None) == any(text.startswith(expected or "cookies") for text in found)


@pytest.mark.parametrize(
    ("more", "is_named"),
    [
        ('sources = ["cookie"]', True),
        ('sources = ["cookie"]\n[safeconduct.csrf]\ntoken = "fallback"', False),
        ('sources = ["cookie"]\n[safeconduct.endpoints]\npages = false', False),
        ('sources = ["cookie"]\n[safeconduct.access]\nsign_in_url = "/enter"', False),
        ("", False),
    ],
    ids=["pages", "fallback", "no pages", "pages of its own", "no cookies"],
)
def test_forms_that_cannot_send_the_token_are_named(folder, more, is_named):
    """Where the sign-in page is ours, people come to pages, and their forms may have no script."""
    found = warnings_about(folder, "csrf.token", f'external_url = "https://shop.example"\n{more}')

    assert is_named == bool(found)
    assert all(text.startswith("a form without a script cannot send X-CSRF-Token") for text in found)


def test_two_links_of_one_name_are_named(folder):
    link = '{{ rel = "{}", method = "GET", path = "/{}" }}'
    links = ", ".join(link.format(*each) for each in (("pay", "a"), ("pay", "b"), ("news", "c")))

    found = warnings_about(folder, "access.links", f"[safeconduct.access]\nlinks = [{links}]")

    assert ["2 links have the rel 'pay'"] == found


@pytest.mark.parametrize("grants", [["client_credentials"], ["self_signed"]])
def test_single_use_without_self_signed_is_named(grants):
    digest = "sha256:" + "0" * 64
    secret = digest if grants == ["client_credentials"] else "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe"
    client = {"client_id": "reports", "secret": secret, "grants": grants, "single_use": True}
    try:
        config = Config.from_mapping(
            {"store": "memory://", "issuer": "https://a.example", "audience": "https://a.example", "keys": "keys",
             "clients": [client]}
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - shown below
        pytest.fail(str(error))

    found = [each.text for each in check_effects(config) if each.subject == "clients"]

    assert found == (["reports: single_use has no effect without the grant self_signed"] if len(grants[0]) > 11 else [])


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ('rules = [{ path = "/a" }]', ["/a"]),
        ('rules = [{ path = "/a", roles = ["x"] }, { path = "/{p}", roles = ["x"] }]', ["/a"]),
        ('rules = [{ path = "/a", roles = ["x"] }, { path = "/{p}", scopes = ["x"] }]', []),
        ('public = ["/a"]\nrules = [{ path = "/{p}" }]', ["/{p}"]),
        ('public = ["/{p}"]\nrules = [{ path = "/a" }]', []),
        ('public = ["/{p}/b"]\nrules = [{ path = "/a/{x}" }]', []),
        ('public = ["/{rest...}"]\nrules = [{ path = "/a/{rest...}" }]', []),
        ('public = ["/x/{rest...}"]\nrules = [{ path = "/{rest...}", roles = ["x"] }]', []),
        ('public = ["/a", "/{p}"]', ["/a"]),
        ('public = ["/a", "/a/"]', []),
        ('public = ["GET /a", "POST /a"]', []),
        ('public = ["/{p}", "/a/b"]\nrules = [{ path = "/{p}/b" }]', ["/{p}/b"]),
        ('public = ["/a"]\ndefault = "anonymous"', ["/a"]),
        ('public = ["/a"]\nrules = [{ path = "/a", methods = ["GET"], roles = ["x"] }]', []),
    ],
)
def test_entries_without_effect_are_named(folder, access, expected):
    """A request that would meet another requirement without the entry keeps it from being named."""
    write_configuration(folder, more=f"[safeconduct.access]\n{access}")

    found = [text for _, _, text, _ in findings() if "has no effect" in text]

    assert [f"{each} has no effect: every request meets the same requirement without it" for each in expected] == found


def test_very_many_entries_are_not_compared(folder):
    public = ", ".join(f'"/a{number}"' for number in range(201))
    more = f'[safeconduct.access]\ndefault = "anonymous"\npublic = [{public}]'

    assert not any("has no effect" in text for text in warnings_about(folder, "access.public", more))


@pytest.fixture
def _logger():
    found = logging.getLogger("safeconduct")
    before = found.level, found.disabled
    yield found
    found.level, found.disabled = before
    found.manager._clear_cache()


@pytest.mark.usefixtures("_logger")
@pytest.mark.parametrize(
    ("line", "verdict", "text"),
    [
        ('logging.getLogger("safeconduct").disabled = True', "warn", "the logger safeconduct is disabled"),
        ('logging.getLogger("safeconduct").setLevel("ERROR")', "warn", "refused credentials are not logged"),
        ('logging.getLogger("safeconduct").setLevel("DEBUG")', "warn", "tracebacks may show passwords and tokens"),
        ('logging.getLogger("safeconduct").setLevel("INFO")', "ok", "refused credentials and faults are logged"),
        ('logging.getLogger("safeconduct").setLevel("WARNING")', "ok", "requests without a credential are not"),
    ],
)
def test_the_log_that_the_application_configures_is_looked_at(folder, line, verdict, text):
    name = module_writer(folder)(f"import logging\n{line}\napp = starlette_app()")

    assert "log: " in finding_texts(verdict, f"{name}:app")
    assert text in finding_texts(verdict, f"{name}:app")


OVERRIDES = {
    "starlette": """
        class MethodOverrideMiddleware:
            def __init__(self, app): self.app = app
        app = starlette_app()
        app.user_middleware.append(Middleware(MethodOverrideMiddleware))
    """,
    "flask": """
        class HTTPMethodOverride:
            def __init__(self, app): self.app = app
            def __call__(self, environ, start_response): return self.app(environ, start_response)
        app = flask_app()
        app.wsgi_app = HTTPMethodOverride(app.wsgi_app)
        Safeconduct(auth()).init_app(app)
    """,
    "none": "app = starlette_app()",
}


@pytest.mark.parametrize("framework", OVERRIDES)
def test_a_method_override_is_named(folder, framework):
    text = OVERRIDES[framework]
    name = module_writer(folder)("from starlette.middleware import Middleware\n" + __import__("textwrap").dedent(text))

    warned = "changes the method of a request" in finding_texts("warn", f"{name}:app")

    assert (framework != "none") is warned


def test_a_warning_does_not_fail_the_command(folder):
    write_configuration(folder, more='[safeconduct.access]\nrules = [{ path = "/a" }]')

    assert 0 == run("doctor").code
