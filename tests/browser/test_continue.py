"""Stay signed in and come back, in a browser whose scripts are switched off."""

import re
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import expect

from pages_site import PASSWORDS, SITES, PagesSite
from proxied_site import until
from safeconduct.events import RequestRefused

DAY = 86_400
ON = {"continue_navigation": True}
ELSEWHERE = "http://elsewhere.example/"


@pytest.fixture(params=SITES)
def site(request):
    """Serve the application by each framework; it leads people on."""
    with closing(PagesSite(request.param, access=ON)) as served:
        yield served


@pytest.fixture
def person(browsers, site):
    """Return a person in a fresh profile without scripts."""
    with person_at(browsers, site) as made:
        yield made


@contextmanager
def person_at(browsers, site):
    """Yield a person in a fresh profile without scripts."""
    with closing(browsers.profile(java_script_enabled=False, base_url=site.url)) as profile:
        yield Person(profile, site)


class Person:
    """A tab, and what its server answered on the way to the page that it shows."""

    def __init__(self, profile, site):
        self.profile, self.site = profile, site
        self.page = profile.new_page()
        self.steps = []
        self.page.on("request", self._note)

    def _note(self, request):
        if request.is_navigation_request():
            self.steps.append(request.url.removeprefix(self.site.url).partition("?")[0])

    def sign_in(self, *, remember=False):
        """Fill in the form and send it."""
        page = self.page
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password").fill(PASSWORDS["alice"])
        page.get_by_label("Keep me signed in").set_checked(remember)
        page.get_by_role("button", name="Sign in").click()

    def refusals(self):
        """Return the statuses with which the site has refused something."""
        return {event.status for event in self.site.events if isinstance(event, RequestRefused)} - {401}

    def later(self, seconds):
        """Let time pass: the clock of the site is moved, and a cookie of ten seconds ends."""
        self.site.clock.advance(seconds=seconds)
        self.profile.clear_cookies(name=re.compile("-continued$"))

    def token(self, end=""):
        """Return the value of one of the cookies."""
        found = {re.sub(r"^pages-\d+", "", each["name"]): each["value"] for each in self.profile.cookies()}
        return found.get(end)

    def come_by_link(self, target):
        """Follow a link on another site."""
        link = f'<!doctype html><title>x</title><a href="{self.site.url}{target}">go</a>'
        self.page.route(ELSEWHERE, lambda route: route.fulfill(body=link, content_type="text/html"))
        self.page.goto(ELSEWHERE)
        self.steps.clear()
        self.page.get_by_role("link", name="go").click()


def test_a_person_stays_signed_in_for_an_hour_of_clicking(person):
    """Each token lives for a quarter of an hour; the way leads over the renewal and back to the page with its query."""
    person.page.goto("/orders")
    person.sign_in()
    tokens = set()
    for _ in range(20):
        person.later(180)
        person.page.get_by_role("link", name="Orders").click()
        expect(person.page).to_have_url(f"{person.site.url}/orders?page=2&sort=price")
        expect(person.page.locator("#user")).to_have_text("alice")
        tokens.add(person.token())

    assert 6 <= len(tokens) <= 8
    assert person.steps.count("/auth/continue") == len(tokens) - 1
    person.later(901)
    person.page.get_by_role("link", name="Orders").click()
    expect(person.page.get_by_role("heading")).to_have_text("Sign in")


def test_a_person_who_is_remembered_comes_back_a_day_later(person):
    """By typing the address, and the next day by a link on another site."""
    person.page.goto("/orders")
    person.sign_in(remember=True)
    expect(person.page.locator("#user")).to_have_text("alice")
    person.later(DAY)

    person.steps.clear()
    person.page.goto("/orders?page=3")
    expect(person.page.locator("#user")).to_have_text("alice")
    expect(person.page).to_have_url(f"{person.site.url}/orders?page=3")
    assert ["/orders", "/auth/continue", "/orders"] == person.steps
    person.later(DAY)
    person.profile.clear_cookies(name=re.compile(r"^pages-\d+$"))
    person.come_by_link("/orders?page=4")

    expect(person.page.locator("#user")).to_have_text("alice")
    expect(person.page).to_have_url(f"{person.site.url}/orders?page=4")
    assert ["/orders", "/auth/continue", "/auth/continue", "/orders"] == person.steps


def test_an_unknown_person_who_comes_by_a_link_is_asked_to_sign_in(person):
    """After one page of ours in between, and at a public page at once."""
    person.come_by_link("/orders?page=4")
    expect(person.page.get_by_role("heading")).to_have_text("Sign in")
    person.sign_in()
    expect(person.page).to_have_url(f"{person.site.url}/orders?page=4")
    person.profile.clear_cookies()
    person.come_by_link("/")

    expect(person.page).to_have_title("Home")
    assert ["/"] == person.steps


@pytest.mark.parametrize("framework", SITES)
def test_at_the_end_of_the_session_there_is_no_loop(framework, browsers):
    """A token that cannot grow is used up, and then the person signs in."""
    fields = {"access": ON, "sessions": {"short_absolute_lifetime_seconds": 900}}
    with closing(PagesSite(framework, **fields)) as site, person_at(browsers, site) as person:
        person.page.goto("/orders")
        person.sign_in()
        expect(person.page.locator("#user")).to_have_text("alice")
        person.later(600)
        person.steps.clear()

        person.page.goto("/orders")
        expect(person.page.locator("#user")).to_have_text("alice")
        assert ["/orders"] == person.steps
        person.later(400)
        person.steps.clear()
        person.page.goto("/orders")
        expect(person.page.get_by_role("heading")).to_have_text("Sign in")
        assert ["/orders", "/auth/sign-in"] == person.steps


def test_what_is_fetched_in_advance_renews_nothing(person):
    """Neither a page, nor the endpoint itself; the click afterwards does."""
    person.page.goto("/orders")
    person.sign_in(remember=True)
    expect(person.page.locator("#user")).to_have_text("alice")
    person.later(500)
    before = person.token(), person.token("-refresh")
    hints = "".join(
        f'<link rel="prefetch" href="{each}">' for each in ("/orders?page=5", "/auth/continue?next=/orders")
    )
    page = f'<!doctype html><title>x</title>{hints}<a href="/orders?page=5">go</a>'
    person.page.route("**/promoted", lambda route: route.fulfill(body=page, content_type="text/html"))

    person.page.goto("/promoted")
    # Playwright does not report what is fetched in advance, and holds it up unless it is called.
    until(lambda: person.page.title() and person.refusals())

    assert {503} == person.refusals()
    assert before == (person.token(), person.token("-refresh"))
    person.later(0)
    person.page.get_by_role("link", name="go").click()
    expect(person.page).to_have_url(f"{person.site.url}/orders?page=5")
    assert before[0] != person.token()


def test_two_tabs_come_back_at_once(person):
    """Both are refreshed, or one is and the other goes on with its cookies; nobody is signed out."""
    person.page.goto("/orders")
    person.sign_in(remember=True)
    expect(person.page.locator("#user")).to_have_text("alice")
    other = person.profile.new_page()
    person.later(DAY)

    person.page.goto("/orders?tab=1", wait_until="commit")
    other.goto("/orders?tab=2")

    for tab in (person.page, other):
        expect(tab.locator("#user")).to_have_text("alice")
    person.later(DAY)
    person.page.goto("/orders")
    expect(person.page.locator("#user")).to_have_text("alice")


@pytest.mark.parametrize("framework", SITES)
def test_without_a_store_there_is_no_loop_and_the_link_of_a_page_refreshes(framework, browsers):
    """No page leads there, and a link that asks for it is answered."""
    with closing(PagesSite(framework, store="none")) as site, person_at(browsers, site) as person:
        person.page.goto("/orders")
        person.sign_in(remember=True)
        expect(person.page.locator("#user")).to_have_text("alice")
        person.later(DAY)

        person.steps.clear()
        person.page.goto("/orders")
        expect(person.page.get_by_role("heading")).to_have_text("Sign in")
        assert ["/orders", "/auth/sign-in"] == person.steps
        person.page.goto("/auth/continue?next=/orders")
        expect(person.page.locator("#user")).to_have_text("alice")
