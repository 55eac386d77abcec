"""What is rare: keys that go while the application serves, and sessions that bear no generation."""

from login_site import ACCESS, OWN_PAGE, LoginClient
from table_tokens import mint


def test_without_its_secrets_nobody_signs_in_and_nobody_is_told_that_he_is_wrong(site):
    """The operator took the key away while it served: that is no fault of the caller's password."""
    client = LoginClient(site)
    assert 200 == client.take(remember=True)
    site.lose_secrets()

    assert (503, 503) == (client.take(remember=True), client.refresh())


def test_a_session_without_a_generation_has_the_origin_step_alone(site):
    """There is nothing that a CSRF token of it could be bound to; who cannot tell where he comes from is refused."""
    client, now = LoginClient(site), int(site.clock())
    client.take()
    token = mint(sid=client.tokens["session_id"], iat_ms=now * 1000 + 1, iat=now, exp=now + 900)
    cookie = ("cookie", f"{ACCESS}={token}")

    assert 200 == site.ask("POST", "/me", [cookie, *OWN_PAGE]).status
    assert 403 == site.ask("POST", "/me", [cookie]).status
    assert 403 == site.ask("POST", "/me", [cookie, ("origin", "https://evil.example")]).status
