"""Refuse a person by a page, and a program by a problem."""

import json

import pytest

from app_client import request_with
from login_site import OWN_PAGE, login_configuration
from page_reader import NAVIGATION, PAGE_FIELDS
from safeconduct import Principal
from safeconduct.errors import ConfigurationError, StepUpRequired
from safeconduct.events import HookFailed
from table_tokens import ISSUER

RULES = {"rules": [{"path": "/admin", "roles": ["admin"]}, {"path": "/settings", "level": "explicit"}]}


def test_a_person_is_sent_to_sign_in_with_the_query(reader):
    browser = reader()

    assert 303 == browser.open("/me?a=1&b=%26%2F")

    assert "/auth/sign-in?next=/me%3Fa%3D1%26b%3D%2526%252F" == browser.location
    browser.open(browser.location)
    assert "/me?a=1&b=%26%2F" == browser.page.forms[0].values["next"]


def test_a_target_that_is_too_long_is_left_out(reader):
    browser = reader()

    browser.open("/me?" + "a" * 2048)

    assert "/auth/sign-in" == browser.location


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_is_redirected(reader, method):
    browser = reader()

    assert (303, "/auth/sign-in?next=/me") == (browser.open("/me", method=method), browser.location)


def test_what_is_sent_cannot_be_redirected(reader):
    """The page has a link that leads back to the form."""
    browser = reader()

    assert 401 == browser.post("/me", {"a": "b"}, headers=[*OWN_PAGE, ("referer", "https://app.example/form?x=1")])

    assert 'Bearer realm="https://api.example"' in browser.response.values("www-authenticate")[0]
    assert "You have to sign in to see this page." in browser.page.text
    assert ["/auth/sign-in?next=/form%3Fx%3D1"] == browser.page.links
    assert "Sign in" == browser.page.title


def test_a_page_has_the_status_and_the_fields_of_the_problem(reader):
    """It differs from the problem in its body and in what goes with a page."""
    browser = reader(access=RULES)
    browser.sign_in()
    problem_status = browser.client.request("GET", "/admin")
    problem = browser.client.response

    assert 403 == browser.open("/admin") == problem_status

    own = {"content-type", "content-length", *PAGE_FIELDS} - {"cache-control"}
    assert [each for each in problem.fields if each[0] not in own] == [
        each for each in browser.response.fields if each[0] not in own
    ]
    assert PAGE_FIELDS == {name: value for name, value in browser.response.fields if name in PAGE_FIELDS}
    assert "You may not do this." in browser.page.text
    assert [] == browser.page.links


def test_the_title_is_on_every_page(reader):
    browser = reader(access=RULES, endpoints={"title": "The shop"})
    browser.sign_in()

    browser.open("/admin")

    assert "Not permitted · The shop" == browser.page.title


def test_a_store_that_is_out_is_said_by_a_page(reader):
    """It is 503 and never a redirection to sign in, which could not help."""
    browser = reader()
    browser.sign_in()
    browser.site.auth.close()

    assert 503 == browser.open("/me")

    assert browser.response.values("retry-after")
    assert "This does not work at the moment. Try again later." in browser.page.text
    assert () == browser.response.values("location")


def test_an_ambiguous_path_is_refused_by_a_page(reader):
    browser = reader()

    assert 400 == browser.open("/a/%2e%2e/me")

    assert "malformed or ambiguous" in browser.page.text


def test_an_error_without_a_text_of_its_own_shows_the_one_of_the_problem(reader):
    browser = reader()

    assert 405 == browser.open("/auth/login")

    assert "This resource does not support the method." in browser.page.text
    assert ("POST",) == browser.response.values("allow")


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer nonsense"), *NAVIGATION],
        [("accept", "*/*")],
        [("accept", "application/json")],
        [("sec-fetch-mode", "cors"), ("accept", "text/html")],
        [],
    ],
    ids=str,
)
def test_a_program_gets_a_problem(reader, headers):
    """It sends a header of its own, or does not navigate."""
    client = reader().client

    assert 401 == client.request("GET", "/me", headers=headers)

    assert ("application/problem+json",) == client.response.values("content-type")
    assert () == client.response.values("location")


def test_without_pages_a_person_gets_a_problem_too(reader):
    browser = reader(endpoints={"pages": False})

    assert 401 == browser.open("/me")

    assert "missing_credential" == json.loads(browser.response.body)["code"]


@pytest.mark.parametrize(
    ("claims", "has_form"),
    [({"cg": 1}, True), ({"cg": 1, "pi": "https://idp.example"}, False), ({}, False)],
    ids=["ours", "handed-over", "no-session"],
)
@pytest.mark.parametrize("scheme", ["cookie", "bearer"])
def test_only_who_has_a_password_and_a_session_here_gets_the_form(make, scheme, claims, has_form):
    """Our directory does not know the password of a person who was handed over."""
    error = StepUpRequired("explicit")
    error.principal = Principal(
        subject="alice", issuer=ISSUER, scheme=scheme, session_id="s" * 24, expires_at=1, claims=claims
    )
    request = request_with(*((name.encode(), value.encode()) for name, value in NAVIGATION), path="/settings")

    reply = make().application._gate.answer(error, request)

    assert (401, has_form and scheme == "cookie") == (reply.status, b"<form" in reply.body)
    if b"<form" not in reply.body and scheme == "cookie":
        assert b"This page needs a stronger or a more recent sign-in." in reply.body


def test_a_page_of_the_application_replaces_ours(reader):
    """The status and the fields of the refusal stay; what the page loads is for the application to say."""
    browser = reader(access=RULES, problem_page=lambda error: f"<h1>{error.code} \u00e9</h1><script src=/x></script>")
    browser.sign_in()

    assert 403 == browser.open("/admin")

    assert "<h1>insufficient_rights \u00e9</h1><script src=/x></script>" == browser.response.body.decode()
    assert ("frame-ancestors 'none'; base-uri 'none'",) == browser.response.values("content-security-policy")
    assert ("no-store",) == browser.response.values("cache-control")
    assert 1 == len(browser.response.values("www-authenticate"))
    assert (str(len(browser.response.body)),) == browser.response.values("content-length")


def test_it_does_not_replace_the_form(reader, clock):
    """The application does not know what the form needs."""
    browser = reader(
        access={"rules": [{"path": "/settings", "max_age_seconds": 300}]}, problem_page=lambda _error: "no"
    )
    browser.sign_in()
    clock.advance(seconds=400)

    assert 401 == browser.open("/settings")

    assert "/auth/step-up" == browser.page.forms[0].action


def test_a_program_never_gets_it(reader):
    client = reader(problem_page=lambda _error: "<h1>no</h1>").client

    assert (401, "missing_credential") == (client.request("GET", "/me"), client.json["code"])


@pytest.mark.parametrize("hook", [lambda _error: 1 / 0, lambda _error: None, lambda _error: b"bytes"])
def test_a_page_that_cannot_be_made_leaves_ours(reader, hook):
    """The refusal does not depend on it, and the failure is announced."""
    browser = reader(access=RULES, problem_page=hook)
    browser.sign_in()

    assert 403 == browser.open("/admin")

    assert "You may not do this." in browser.page.text
    assert ["problem_page"] == [event.hook for event in browser.site.events if isinstance(event, HookFailed)]


def test_a_page_that_nobody_would_see_is_refused(make):
    with pytest.raises(ConfigurationError, match=r"problem_page: got one, wanted endpoints\.pages = true"):
        make(endpoints={"pages": False}, problem_page=str)


def test_pages_need_cookies():
    with pytest.raises(ConfigurationError, match=r'endpoints\.pages: got True, wanted false, since "cookie" is not'):
        login_configuration(sources=["bearer"], endpoints={"pages": True})
