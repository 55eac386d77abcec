"""What is rare: keys that go while the application serves, and sessions that bear no generation."""

from minting import mint
from visiting import ACCESS, OWN_PAGE, Visitor


def test_without_its_secrets_nobody_signs_in_and_nobody_is_told_that_he_is_wrong(place):
    """The operator took the key away while it served: that is no fault of the caller's password."""
    visitor = Visitor(place)
    assert 200 == visitor.take(remember=True)
    place.lose_secrets()

    assert (503, 503) == (visitor.take(remember=True), visitor.refresh())


def test_a_session_without_a_generation_has_the_origin_step_alone(place):
    """There is nothing that a CSRF token of it could be bound to; who cannot tell where he comes from is refused."""
    visitor, now = Visitor(place), int(place.clock())
    visitor.take()
    token = mint(sid=visitor.held["session_id"], iat_ms=now * 1000 + 1, iat=now, exp=now + 900)
    cookie = ("cookie", f"{ACCESS}={token}")

    assert 200 == place.ask("POST", "/me", [cookie, *OWN_PAGE]).status
    assert 403 == place.ask("POST", "/me", [cookie]).status
    assert 403 == place.ask("POST", "/me", [cookie, ("origin", "https://evil.example")]).status
