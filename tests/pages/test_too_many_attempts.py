"""Tell a person when they may try again, after the throttle has refused them."""

import math
import re

import pytest

from app_client import SentRequest, asgi_scope
from login_site import LIMITS
from page_reader import NAVIGATION
from safeconduct._http.scope import read_scope
from safeconduct.errors import TooManyAttempts

WRONG = {"username": "alice", "password": "wrong"}
TWO_TRIES = LIMITS | {"failures_per_account_and_network": 2}
TOO_MANY = "There were too many failed attempts."


def refused(browser, target="/me"):
    """Return where the third wrong password leads."""
    statuses = [browser.post("/auth/login", {**WRONG, "next": target}) for _ in range(3)]
    assert [303] * 3 == statuses
    return browser.location


def said(browser, location):
    """Return what the page says."""
    assert 200 == browser.open(location)
    return re.search('<p role="alert">(.*?)</p>', browser.response.body.decode())[1]


def test_a_refused_sign_in_leads_back_with_the_instant(reader, clock):
    browser = reader(login=TWO_TRIES)

    location = refused(browser)

    found = re.fullmatch(r"/auth/sign-in\?error=too_many_attempts&retry_at=([0-9]+)&next=/me", location)
    assert clock() < int(found[1]) <= clock() + 3601


def test_the_redirection_itself_is_not_to_wait(reader):
    """A client obeys ``Retry-After`` before it follows a redirection (RFC 9110 §10.2.3), and would see no page."""
    browser = reader(login=TWO_TRIES)

    refused(browser)

    assert () == browser.response.values("retry-after")


def test_the_page_counts_down(reader, clock):
    """A page that is loaded again tells the time that is left then, and the person gets in when it says so."""
    browser = reader(login=TWO_TRIES)
    location = refused(browser)
    seconds = int(re.search("retry_at=([0-9]+)", location)[1]) - math.floor(clock())
    assert seconds > 130

    first = said(browser, location)
    clock.advance(seconds=seconds - 42)
    second = said(browser, location)
    clock.advance(seconds=42)
    third = said(browser, location)

    assert f"{TOO_MANY} Try again in {math.ceil(seconds / 60)} minutes." == first
    assert f"{TOO_MANY} Try again in 42 seconds." == second
    assert f"{TOO_MANY} You can try again now." == third
    assert 303 == browser.sign_in()
    assert "error" not in browser.location


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-100_000, "You can try again now."),
        (0, "You can try again now."),
        (1, "Try again in 1 second."),
        (119, "Try again in 119 seconds."),
        (120, "Try again in 2 minutes."),
        (121, "Try again in 3 minutes."),
        (3600, "Try again in 60 minutes."),
        # The throttle never asks for more, so nobody else may.
        (3601, "Try again later."),
        (100_000_000, "Try again later."),
    ],
)
def test_the_time_has_bounds(reader, clock, seconds, text):
    location = f"/auth/sign-in?error=too_many_attempts&retry_at={math.floor(clock()) + seconds}"

    assert f"{TOO_MANY} {text}" == said(reader(), location)


@pytest.mark.parametrize(
    "forged",
    ["", "soon", "-1", "+5", "1e9", "0x10", " 5", "5.5", "%D9%A4%D9%A2", "9" * 13, "9" * 5000, "<b>1</b>", "Call+555"],
    ids=ascii,
)
def test_what_is_no_time_is_not_shown(reader, forged):
    location = f"/auth/sign-in?error=too_many_attempts&retry_at={forged}"

    assert f"{TOO_MANY} Try again later." == said(reader(), location)


@pytest.mark.parametrize("error", ["", "invalid_credentials", "unavailable", "nonsense"])
def test_a_time_says_nothing_by_itself(reader, clock, error):
    browser = reader()
    browser.open(f"/auth/sign-in?error={error}")
    usual = browser.response.body

    browser.open(f"/auth/sign-in?error={error}&retry_at={math.floor(clock()) + 42}")

    assert usual == browser.response.body


def test_a_step_up_says_it_too(reader, clock):
    rules = [{"path": "/settings", "level": "explicit", "max_age_seconds": 300}]
    browser = reader(access={"rules": rules}, login=TWO_TRIES)
    assert 303 == browser.sign_in()
    clock.advance(seconds=400)
    browser.open("/settings")
    form = browser.page.forms[0]

    statuses = [browser.submit(form, password="wrong") for _ in range(3)]

    assert [401, 401, 429] == statuses
    seconds = int(browser.response.values("retry-after")[0])
    assert f"{TOO_MANY} Try again in {math.ceil(seconds / 60)} minutes." in browser.page.text


def test_a_page_of_the_application_that_the_throttle_refuses_says_it_too(make):
    """A page that checks passwords by code raises the error, or answers 429 with this page."""
    gate = make().auth.asgi_gate()
    fields = (("host", b"app.example"), *((name, value.encode()) for name, value in NAVIGATION))
    request = SentRequest("GET", "/welcome", fields, "https")

    reply = gate.answer(TooManyAttempts(42), read_scope(asgi_scope(request)))

    assert (429, "42") == (reply.status, dict(reply.text_fields)["retry-after"])
    assert "<h1>Too many attempts</h1>" in reply.body.decode()
    assert f"{TOO_MANY} Try again in 42 seconds." in reply.body.decode()
