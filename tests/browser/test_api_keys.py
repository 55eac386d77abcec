"""Make, use and revoke an API key on the page."""

import httpx2
import pytest
from playwright.sync_api import expect

BOTH_WORLDS = pytest.mark.parametrize("site", ["starlette", "flask"], indirect=True)


def status_of(site, key):
    """Send a request with a key, as a script does."""
    return httpx2.get(f"{site.url}/me", headers={"Authorization": f"Bearer {key}"}).status_code


def key_shown(tab):
    expect(tab.new_key_shown).to_contain_text("sck_")
    return "sck_" + tab.new_key_shown.inner_text().partition("sck_")[2].strip()


@BOTH_WORLDS
def test_a_key_is_shown_once_and_counts_until_it_is_revoked(tab, site):
    tab.sign_in()
    tab.key_name.fill("nightly build")
    tab.key_button.click()

    key = key_shown(tab)
    expect(tab.key).to_have_count(1)
    expect(tab.key).to_contain_text("nightly build")
    assert 200 == status_of(site, key)
    tab.shoot("api-keys")
    tab.page.reload()
    expect(tab.key).to_contain_text("used less than a minute ago")
    assert key not in tab.page.content()

    tab.revoke_key.click()
    expect(tab.key).to_have_count(0)
    expect(tab.new_key_shown).to_have_text("The key was revoked.")
    assert 401 == status_of(site, key)


def test_a_key_needs_a_name(tab):
    tab.sign_in()
    tab.key_button.click()

    expect(tab.key_error).to_have_text("Type a name for the key.")
    expect(tab.key_name).to_be_focused()


def test_a_remembered_user_proves_who_they_are_before_a_key_is_made(tab, site):
    tab.sign_in()
    tab.demote()
    tab.key_name.fill("nightly build")
    tab.key_button.click()
    expect(tab.step_up).to_be_visible()

    tab.prove(site.passwords["alice"])

    assert 200 == status_of(site, key_shown(tab))
