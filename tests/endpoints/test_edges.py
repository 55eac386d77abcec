"""Rare cases: keys that are removed while the application serves, sessions without a generation."""

from login_site import ACCESS, OWN_PAGE, LoginClient
from table_tokens import mint


def test_without_its_secrets_nobody_signs_in_and_no_password_is_called_wrong(site):
    """The operator removed the key while it served, which is not the caller's fault."""
    client = LoginClient(site)
    assert 200 == client.get_tokens(remember=True)
    site.lose_secrets()

    assert (503, 503) == (client.get_tokens(remember=True), client.refresh())


def test_a_session_without_a_generation_has_the_origin_step_alone(site):
    """No CSRF token could be bound to it, so a request without an origin is refused."""
    client, now = LoginClient(site), int(site.clock())
    client.get_tokens()
    token = mint(sid=client.tokens["session_id"], iat_ms=now * 1000 + 1, iat=now, exp=now + 900)
    cookie = ("cookie", f"{ACCESS}={token}")

    assert 200 == site.request("POST", "/me", [cookie, *OWN_PAGE]).status
    assert 403 == site.request("POST", "/me", [cookie]).status
    assert 403 == site.request("POST", "/me", [cookie, ("origin", "https://evil.example")]).status
