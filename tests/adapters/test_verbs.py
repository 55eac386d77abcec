"""The verbs on logins for an application with pages of its own, in both colours."""

import inspect

import pytest

from people import run
from safeconduct._core.ports import Account
from safeconduct.errors import BadCredentials, InvalidToken, RevokedToken, TooEarly
from visiting import Place
from worlds_of_requests import WORLDS


@pytest.fixture(params=WORLDS)
def place(request):
    made = Place(request.param, login={"failures_per_network": 20})
    yield made
    made.close()


@pytest.fixture
def say(place):
    """Say a verb to the ``Auth``, in the colour of the world."""

    def said(verb, *args, **more):
        if place.world == "wsgi":
            return getattr(place.auth.sessions, verb)(*args, **more)
        answer = getattr(place.auth.async_sessions, verb)(*args, **more)
        return run("asgi", answer) if inspect.isawaitable(answer) else answer

    return said


@pytest.fixture
def alice(say):
    return say("sign_in", Account("alice", roles=["user"]), remember=True)


@pytest.mark.parametrize("name", ["al\0ice", "alice\r\nroot", "\x9balice", "a" * 1025, "\ud800"], ids=ascii)
def test_c7_a_name_that_nobody_can_have_begins_no_session(place, say, name):
    """A later step-up would ask the directory with it."""
    with pytest.raises(BadCredentials):
        say("sign_in", Account("alice"), username=name)

    assert () == say("list", "alice")
    assert [] == place.events


def test_c2_wrong_step_ups_by_code_lock_nobody_else_out(say):
    """The application did not say for whom it asks: that is not one network of all."""
    for number in range(12):
        tokens = say("sign_in", Account(f"user{number}"))
        for _ in range(4):
            with pytest.raises(BadCredentials):
                say("step_up", tokens.access_token, "no")

    assert "explicit" == say("step_up", say("sign_in", Account("alice")).access_token, "wonder").level


def test_a_refresh_token_rotates(say, alice):
    following = say("refresh", alice.refresh_token.value)

    assert alice.session_id == following.session_id
    assert alice.refresh_token.value != following.refresh_token.value


def test_a_renewal_has_its_time(place, say, alice):
    with pytest.raises(TooEarly):
        say("renew", alice.access_token)
    place.clock.advance(seconds=451)

    assert "remembered" == say("renew", alice.access_token).level


def test_a_step_up_ends_the_older_tokens(place, say, alice):
    place.clock.advance(seconds=1)
    proven = say("step_up", alice.access_token, "wonder", refresh_token=alice.refresh_token.value)

    assert "explicit" == proven.level
    assert 401 == place.ask("GET", "/me", [("authorization", f"Bearer {alice.access_token}")]).status
    assert 200 == place.ask("GET", "/me", [("authorization", f"Bearer {proven.access_token}")]).status


def test_a_sign_out_ends_the_session(say, alice):
    say("sign_out", alice.access_token)

    assert () == say("list", "alice")
    with pytest.raises(RevokedToken):
        say("refresh", alice.refresh_token.value)


def test_signing_out_everywhere_ends_every_session(say):
    for _ in range(2):
        say("sign_in", Account("alice"))
    assert 2 == len(say("list", "alice"))

    say("sign_out_everywhere", "alice")

    assert () == say("list", "alice")


@pytest.mark.parametrize(
    ("verb", "args"), [("renew", ()), ("step_up", ("wonder",)), ("sign_out", ())], ids=["renew", "step-up", "sign-out"]
)
def test_what_is_no_token_is_refused(say, verb, args):
    with pytest.raises(InvalidToken):
        say(verb, "no token", *args)
