"""The verbs on logins for an application with pages of its own, in both colours."""

import inspect

import pytest

from people import run
from safeconduct._core.ports import Account
from safeconduct.errors import InvalidToken, RevokedToken, TooEarly
from safeconduct.stores import MemoryStore
from visiting import Place
from worlds import Clock
from worlds_of_requests import WORLDS


@pytest.fixture(params=WORLDS)
def place(request):
    made = Place(request.param)
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


class Told(MemoryStore):
    """A store that shows what it was told to end."""

    def __init__(self, **bounds):
        super().__init__(**bounds)
        self.told = []

    async def revoke(self, shard, revocation):
        self.told.append(revocation)
        return await super().revoke(shard, revocation)


@pytest.mark.parametrize("world", WORLDS)
def test_h_the_end_of_a_token_is_kept_as_long_as_it_could_live(world):
    """By its own expiry where that is said, else for the longest life of any token from now on."""
    clock = Clock()
    store = Told(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    place = Place(world, stores=store, clock=clock)
    now = int(clock())

    place.auth.sessions.revoke_token("one")
    place.auth.sessions.revoke_token("other", expires_at=now + 60)

    place.close()
    longest, said = (revocation.expires_ms for revocation in store.told)
    assert (now + 86_400) * 1000 <= longest <= (now + 86_400 + 120) * 1000
    assert (now + 60) * 1000 <= said <= (now + 60 + 120) * 1000
