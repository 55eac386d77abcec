"""Sign in, step up and sign out on the page."""

import re

import pytest
from playwright.sync_api import expect

BOTH_WORLDS = pytest.mark.parametrize("site", ["starlette", "flask"], indirect=True)


@BOTH_WORLDS
def test_a_sign_in_is_explicit_and_leaves_no_long_term_credential(tab):
    """Without "remember me" there are only an access cookie and a device cookie."""
    tab.shoot("sign-in")

    tab.sign_in()

    expect(tab.name).to_have_text("alice")
    expect(tab.level).to_have_text("explicit")
    expect(tab.session).to_have_count(1)
    expect(tab.this_device).to_be_visible()
    assert ["safeconduct", "safeconduct-device"] == cookies_of(tab)
    tab.shoot("signed-in")


def cookies_of(tab):
    """Return the names of a tab's cookies without the port; fail if one is readable by scripts."""
    cookies = tab.page.context.cookies()
    assert all(cookie["httpOnly"] and cookie["expires"] > 0 for cookie in cookies)
    return sorted(cookie["name"].rpartition("-")[0] for cookie in cookies)


def test_a_wrong_password_is_reported_and_nobody_is_signed_in(tab):
    """The field is marked and focused, and a screen reader announces the error."""
    tab.username.fill("alice")
    tab.password.fill("wrong horse")
    tab.sign_in_button.click()

    expect(tab.sign_in_error).to_have_text("The user name or the password is wrong.")
    expect(tab.password).to_be_focused()
    expect(tab.password).to_have_attribute("aria-invalid", "true")
    expect(tab.signed_in).to_be_hidden()
    tab.shoot("wrong-password")


@BOTH_WORLDS
def test_a_returning_user_is_remembered_and_must_step_up_for_what_is_dangerous(browsers, site, open_tab, tmp_path):
    """The browser is closed in between; its profile stays on the disk."""
    before = browsers.profile_in(tmp_path / "profile")
    tab = open_tab(before).sign_in(remember=True)
    assert ["safeconduct", "safeconduct-device", "safeconduct-refresh"] == cookies_of(tab)
    before.close()
    site.clock.advance(seconds=75)

    after = browsers.profile_in(tmp_path / "profile")
    try:
        tab = open_tab(after)

        expect(tab.level).to_have_text("remembered")
        expect(tab.status).to_contain_text("Welcome back.")
        tab.shoot("remembered")
        tab.try_danger.click()
        expect(tab.step_up).to_be_visible()
        tab.prove(site.passwords["alice"])
        expect(tab.answer).to_have_text("Something dangerous was done by alice.")
    finally:
        after.close()


def test_a_user_who_was_not_remembered_signs_in_again(browsers, site, open_tab, tmp_path):
    """The access token has expired, and there is no other."""
    before = browsers.profile_in(tmp_path / "profile")
    open_tab(before).sign_in()
    before.close()
    site.clock.advance(seconds=75)

    after = browsers.profile_in(tmp_path / "profile")
    try:
        tab = open_tab(after)

        expect(tab.signed_out).to_be_visible()
        expect(tab.signed_in).to_be_hidden()
    finally:
        after.close()


def test_an_action_past_half_of_the_life_renews_it(site, tab):
    """A click renews the token and lowers the level; a timer does not."""
    tab.sign_in()
    expect(tab.life_hint).to_contain_text("Past half of it")
    site.clock.advance(seconds=31)
    expect(tab.life_hint).to_contain_text("Half of it is over")
    tab.wait_for_polls()
    expect(tab.life_left).to_have_text(re.compile(r"0:(29|28|27|26) of 1:00 left"))
    tab.shoot("half-of-the-life-is-over")

    tab.try_me.click()

    expect(tab.status).to_contain_text("Your token was renewed")
    expect(tab.life_left).to_have_text(re.compile(r"(1:00|0:5\d) of 1:00 left"))
    expect(tab.level).to_have_text("remembered")


def test_a_key_renews_as_a_click_does(site, tab):
    """Keyboard input counts as an action, too."""
    tab.sign_in()
    site.clock.advance(seconds=31)
    expect(tab.life_hint).to_contain_text("Half of it is over")

    tab.page.keyboard.press("Tab")

    expect(tab.status).to_contain_text("Your token was renewed")


def test_an_idle_user_is_signed_out_and_told_why(site, tab):
    """The page says that the session expired."""
    tab.sign_in()
    site.clock.advance(seconds=59)
    expect(tab.life_left).to_have_text(re.compile(r"0:0[01] of 1:00 left"))

    site.clock.advance(seconds=15)

    expect(tab.signed_out).to_be_visible()
    expect(tab.status).to_contain_text("the token expired while you were inactive")


def test_a_longer_memory_needs_consent(site, tab):
    """The page asks: "no" changes nothing, "yes" extends the session."""
    tab.sign_in(remember=True)
    site.clock.advance(seconds=160)
    tab.page.reload()
    expect(tab.consent).to_be_visible()
    tab.shoot("consent", whole=False)
    until = tab.ask("GET", "/auth/session")["json"]["extend_before"]

    tab.consent_no.click()
    expect(tab.consent).to_be_hidden()
    assert until == tab.ask("GET", "/auth/session")["json"]["extend_before"]
    tab.extend.click()
    tab.consent_yes.click()

    expect(tab.status).to_have_text("This browser remembers you for longer.")
    expect(tab.extend_offer).to_be_hidden()
    assert until + 160 == tab.ask("GET", "/auth/session")["json"]["extend_before"]


def test_the_dangerous_action_asks_for_the_password_first(site, tab):
    """Cancelling does nothing, a wrong password is reported, and the right one completes the action."""
    tab.sign_in().demote()

    tab.try_danger.click()
    expect(tab.step_up_why).to_contain_text("The dangerous action needs a password")
    expect(tab.step_up_password).to_be_focused()
    tab.shoot("step-up", whole=False)
    tab.page.keyboard.press("Escape")
    expect(tab.answer).to_contain_text("nothing was done")
    tab.try_danger.click()
    tab.prove("wrong horse")
    expect(tab.step_up_error).to_have_text("The password is wrong.")
    tab.prove(site.passwords["alice"])

    expect(tab.step_up).to_be_hidden()
    expect(tab.answer).to_have_text("Something dangerous was done by alice.")
    expect(tab.level).to_have_text("explicit")


def test_a_dangerous_action_without_the_page_s_token_is_refused(tab):
    """A foreign page could send the cookie alone, so that is refused."""
    tab.sign_in()

    assert 403 == tab.ask("POST", "/danger")["status"]


def test_a_role_that_is_missing_is_reported(tab):
    """The page shows the server's decision."""
    tab.sign_in()

    tab.try_admin.click()

    expect(tab.answer).to_contain_text("/admin refused you (403)")


def test_a_sign_out_forgets_the_browser(tab):
    """Only the device cookie is left."""
    tab.sign_in(remember=True)

    tab.sign_out.click()

    expect(tab.status).to_have_text("You are signed out.")
    expect(tab.continue_offer).to_be_hidden()
    assert ["safeconduct-device"] == cookies_of(tab)
