"""Show pages to people whom another server hands over."""

import pytest

from handed_over import ONE, Browser, hand_over, minted, receiving_site, sending_site
from login_site import SITE
from page_reader import NAVIGATION, PAGE_FIELDS, Page, PageReader

RULES = [{"path": "/settings", "level": "explicit"}]


@pytest.fixture
def receiver(world, clock):
    site = receiving_site(world, clock, access={"rules": RULES})
    yield site
    site.close()


@pytest.fixture
def token(world, clock):
    site = sending_site(world, clock)
    yield hand_over(site).token
    site.close()


@pytest.mark.parametrize(
    ("origin", "status", "text"),
    [(SITE, 401, "Your sign-in has ended"), ("https://evil.example", 403, "did not come from a page"), (ONE, 401, "")],
)
def test_a_refused_hand_over_is_a_page(receiver, origin, status, text):
    """It is never redirected: the browser sent a token of another server, which comes with no form of ours."""
    browser = Browser(receiver)

    assert status == browser.accept("nonsense", origin=origin, headers=NAVIGATION)

    assert text in Page(browser.text).text
    assert PAGE_FIELDS.items() <= dict(browser.response.fields).items()


def test_a_hand_over_by_a_script_is_refused_by_a_problem(receiver):
    browser = Browser(receiver)

    assert (401, "invalid_token") == (browser.accept("nonsense"), browser.json["code"])


def test_a_person_who_was_handed_over_is_asked_for_no_password(receiver, token):
    """Our directory does not know theirs."""
    browser = Browser(receiver)
    assert 303 == browser.accept(token, headers=NAVIGATION)

    assert 401 == browser.request("GET", "/settings", headers=NAVIGATION)

    page = Page(browser.text)
    assert ([], []) == (page.forms, page.links)
    assert "This page needs a stronger or a more recent sign-in." in page.text


def test_a_person_who_was_handed_over_signs_out_on_the_sign_in_page(receiver, token):
    """Its form is the one of everybody."""
    browser = Browser(receiver)
    browser.accept(token, headers=NAVIGATION)

    assert 200 == browser.request("GET", "/auth/sign-in", headers=NAVIGATION)

    [form] = Page(browser.text).forms
    assert "/auth/logout" == form.action
    assert 43 < len(form.values["csrf_token"])


def test_below_a_mount_a_hand_over_to_nowhere_leads_to_its_beginning(receiver):
    reader = PageReader(receiver, root_path="/shop")
    token = minted(next="//evil.example")

    assert 303 == reader.post("/shop/auth/accept", {"token": token})

    assert "/shop/" == reader.location
