"""Sign in, refresh and step up through the endpoints, over every kind of store."""

import pytest

from login_site import LoginClient


@pytest.fixture
def client(any_site):
    return LoginClient(any_site)


def test_a_returning_user_is_remembered_and_steps_up_for_what_is_dangerous(client, clock):
    """L8, L9: a long-term credential counts as an explicit sign-in for one short lifetime."""
    client.sign_in(remember=True)
    clock.advance(seconds=600)
    client.request("POST", "/auth/refresh")
    soon = client.json["level"]
    clock.advance(seconds=3600)
    client.request("POST", "/auth/refresh")
    later, client.csrf = client.json["level"], client.json["csrf_token"]
    client.request("POST", "/auth/step-up", json_body={"password": "wonder"})

    assert ("explicit", "remembered", "explicit") == (soon, later, client.json["level"])
