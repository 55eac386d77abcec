"""Use two browser profiles, and two tabs of one profile, with the same server."""

import pytest
from playwright.sync_api import expect

#: "Within a second": half of it until the page asks, half of it for two responses.
SLOWEST_POLL_MS = 500
#: How often the page polls while a user is signed in.
_COUNT = """() => {
  const ask = window.fetch, out = document.getElementById("signed-out");
  window.asked = 0;
  window.fetch = (href, init) => { window.asked += out.hidden && href === "/auth/session"; return ask(href, init); };
}"""


@pytest.mark.parametrize("site", ["starlette", "flask"], indirect=True)
def test_a_session_that_is_ended_elsewhere_signs_its_page_out(browsers, open_tab, tmp_path):
    """Each browser has its own profile on disk: one sees both sessions and ends the other's."""
    profiles = [browsers.profile_in(tmp_path / name) for name in ("desk", "sofa")]
    try:
        desktop, sofa = (open_tab(profile).sign_in(remember=True) for profile in profiles)
        expect(desktop.session).to_have_count(2)
        expect(desktop.this_device.filter(visible=True)).to_have_count(1)
        desktop.shoot("two-sessions")
        sofa.page.evaluate(_COUNT)

        with desktop.page.expect_response(lambda answer: answer.request.method == "DELETE") as ended:
            desktop.other_sessions.get_by_role("button").click()
        assert 204 == ended.value.status
        sofa.page.evaluate("window.asked = 0")

        expect(sofa.signed_out).to_be_visible()
        expect(sofa.status).to_contain_text("this session was ended in another tab")
        expect(sofa.continue_offer).to_be_hidden()
        sofa.shoot("ended-elsewhere")
        expect(desktop.session).to_have_count(1)
        expect(desktop.signed_in).to_be_visible()
        # The first response after the end shows it, and the page asks once more.
        assert SLOWEST_POLL_MS >= sofa.page.evaluate("POLL_MILLISECONDS")
        assert sofa.page.evaluate("asked") <= 2
    finally:
        for profile in profiles:
            profile.close()


def test_the_end_of_another_session_asks_for_the_password(site, open_tab):
    """A remembered session cannot end another one."""
    open_tab().sign_in()
    tab = open_tab().sign_in().demote()
    expect(tab.session).to_have_count(2)

    tab.other_sessions.get_by_role("button").click()
    expect(tab.step_up_why).to_contain_text("Ending another session needs a password")
    tab.prove(site.passwords["alice"])

    expect(tab.status).to_have_text("The other session was ended.")
    expect(tab.session).to_have_count(1)


def test_the_end_of_the_current_session_is_a_sign_out(tab):
    """The first entry of the list is this device."""
    tab.sign_in(remember=True)

    tab.end_session.click()

    expect(tab.status).to_have_text("You are signed out.")
    expect(tab.signed_out).to_be_visible()


def test_two_tabs_that_come_back_at_once_keep_the_session(site, browsers, open_tab):
    """Both pages load at the same moment, and each needs a token."""
    profile = browsers.profile()
    tabs = [open_tab(profile).sign_in(remember=True), open_tab(profile)]
    site.clock.advance(seconds=75)

    for tab in tabs:
        tab.page.evaluate("setTimeout(() => location.reload())")

    for tab in tabs:
        expect(tab.level).to_have_text("remembered")
        expect(tab.session).to_have_count(1)
    profile.close()


@pytest.mark.parametrize("site", ["starlette", "flask"], indirect=True)
def test_two_tabs_that_refresh_at_once_keep_the_session(site, browsers, open_tab):
    """Without the page's lock both present the same refresh token and get the same successor."""
    profile = browsers.profile()
    tabs = [open_tab(profile).sign_in(remember=True), open_tab(profile)]
    for tab in tabs:
        expect(tab.signed_in).to_be_visible()

    for tab in tabs:
        tab.page.evaluate("() => { window.answer = fetch('/auth/refresh', { method: 'POST' }); }")
    statuses = [tab.page.evaluate("answer.then((found) => found.status)") for tab in tabs]

    assert [200, 200] == statuses
    site.clock.advance(seconds=75)
    for tab in tabs:
        tab.page.reload()
        expect(tab.level).to_have_text("remembered")
    profile.close()


def test_a_sign_in_in_one_tab_shows_in_the_other(browsers, open_tab):
    """Tabs share the browser's cookies, and so the sign-in."""
    profile = browsers.profile()
    first, second = open_tab(profile), open_tab(profile)

    first.sign_in()

    expect(second.name).to_have_text("alice")
    first.sign_out.click()
    expect(second.signed_out).to_be_visible()
    profile.close()


def test_a_sign_out_everywhere_signs_every_profile_out(open_tab):
    """This holds for the tab that asks and for the other one."""
    here, there = open_tab().sign_in(remember=True), open_tab().sign_in()
    other_user = open_tab().sign_in("root")

    here.sign_out_everywhere.click()

    expect(here.status).to_have_text("You are signed out everywhere.")
    expect(there.signed_out).to_be_visible()
    other_user.wait_for_polls()
    expect(other_user.signed_in).to_be_visible()
