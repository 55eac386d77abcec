"""Sign in, step up and sign out in a browser whose scripts are switched off."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from pages_site import PASSWORDS, SITES, PagesSite


@pytest.fixture(params=SITES)
def site(request):
    """Serve the application by each framework."""
    with closing(PagesSite(request.param)) as served:
        yield served


@pytest.fixture
def page(browsers, site):
    """Return a page in a fresh profile without scripts."""
    profile = browsers.profile(java_script_enabled=False, base_url=site.url)
    broken, opened = [], profile.new_page()
    opened.on("console", lambda message: broken.append(message.text) if "Policy" in message.text else None)
    yield opened
    profile.close()
    assert [] == broken


def sign_in(page, name="alice", password=None, *, remember=False):
    """Fill in the form and send it."""
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORDS[name] if password is None else password)
    page.get_by_label("Keep me signed in").set_checked(remember)
    page.get_by_role("button", name="Sign in").click()


def cookies_of(page):
    """Return the names of a page's cookies without the port."""
    return sorted(re.sub(r"^pages-\d+", "", cookie["name"]) for cookie in page.context.cookies())


def test_a_person_arrives_where_they_wished_to_go(site, page):
    """A wrong password keeps the way, and so do the query and its characters."""
    wished = "/orders?page=2&sort=price&q=a%26b%2Fc"

    page.goto(wished)
    expect(page).to_have_title("Sign in · The shop")
    expect(page.get_by_label("User name")).to_be_focused()
    sign_in(page, password="wrong horse")
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    assert [] == cookies_of(page)
    sign_in(page)

    expect(page).to_have_url(site.url + wished)
    expect(page.locator("#user")).to_have_text("alice")
    expect(page.locator("#query")).to_have_text(wished.partition("?")[2])
    assert ["", "-device"] == cookies_of(page)


def test_a_person_who_is_remembered_has_a_long_term_credential(page):
    page.goto("/orders")

    sign_in(page, remember=True)

    expect(page.locator("#user")).to_have_text("alice")
    assert ["", "-device", "-refresh"] == cookies_of(page)


def test_a_person_proves_their_password_again_and_goes_on(site, page):
    """The page is the address that they wished for; a wrong password shows the form again."""
    page.goto("/orders")
    sign_in(page)
    site.clock.advance(seconds=400)

    shown = page.goto("/settings?tab=mail")
    assert 401 == shown.status
    expect(page.get_by_role("heading")).to_have_text("Confirm that it is you")
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    page.get_by_label("Password").fill(PASSWORDS["alice"])
    page.get_by_role("button", name="Continue").click()

    expect(page).to_have_url(f"{site.url}/settings?tab=mail")
    expect(page.locator("#user")).to_have_text("alice")


def test_a_form_that_meets_a_step_up_leads_back_to_its_page(site, page):
    """A redirection cannot send it again, and the page says so."""
    page.goto("/orders?page=2")
    sign_in(page)
    site.clock.advance(seconds=400)

    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("What you sent was not carried out")
    page.get_by_label("Password").fill(PASSWORDS["alice"])
    page.get_by_role("button", name="Continue").click()

    expect(page).to_have_url(f"{site.url}/orders?page=2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#sent")).to_have_text("on")


def test_a_person_signs_out_on_the_sign_in_page(site, page):
    """The page names who is signed in, and the cookies are gone afterwards."""
    page.goto("/orders")
    sign_in(page, remember=True)

    page.goto("/auth/sign-in?next=/orders")
    expect(page.locator("main")).to_contain_text("You are signed in as alice.")
    expect(page.get_by_role("link", name="Continue")).to_have_attribute("href", "/orders")
    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(f"{site.url}/auth/sign-in")
    expect(page.get_by_label("User name")).to_be_visible()
    assert ["-device"] == cookies_of(page)
    page.goto("/orders")
    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_another_person_replaces_the_one_before(page):
    """The session before ends, so that its cookie is worth nothing any more."""
    page.goto("/orders")
    sign_in(page)
    before = page.context.cookies()
    page.goto("/auth/sign-in")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, "bob")
    expect(page.locator("#user")).to_have_text("bob")

    page.context.clear_cookies()
    page.context.add_cookies(before)
    page.goto("/orders")

    expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_nobody_signs_a_person_in_from_another_page(site, page):
    """A form of another origin is refused by a page, and no password is compared."""
    page.goto("data:text/html," + _FORM.format(url=site.url).replace("#", "%23"))

    with page.expect_navigation():
        page.get_by_role("button").click()

    expect(page.locator("main")).to_contain_text("did not come from a page of this site")
    assert [] == cookies_of(page)


_FORM = (
    '<form method="post" action="{url}/auth/login"><input name="username" value="alice">'
    '<input name="password" value="wonder"><button>Go</button></form>'
)


def test_no_page_can_show_ours_in_a_frame(site, page):
    """The form for a password cannot be covered by another page."""
    page.goto("data:text/html," + f'<iframe src="{site.url}/auth/sign-in"></iframe>')

    assert 0 == page.frames[-1].get_by_label("Password").count()
