"""Call the session verbs from an application with its own pages, blocking and awaitable."""

import base64
import inspect
import json

import pytest

from app_reports import WORLDS
from login_site import LoginSite
from memory_directory import run
from safeconduct._core.directory import Account
from safeconduct.errors import BadCredentials, InvalidToken, RevokedToken, TooEarly
from safeconduct.events import SteppedUp
from safeconduct.stores import MemoryStore
from table_tokens import ISSUER
from worlds import Clock


@pytest.fixture
def consistency():
    return "strict"


@pytest.fixture(params=WORLDS)
def site(request, consistency):
    made = LoginSite(request.param, login={"failures_per_network": 20}, revocation={"consistency": consistency})
    yield made
    made.close()


@pytest.fixture
def say(site):
    """Return a function that calls a verb of the ``Auth``, blocking or awaited as the world needs it."""

    def call(verb, *args, **more):
        if site.world == "wsgi":
            return getattr(site.auth.sessions, verb)(*args, **more)
        answer = getattr(site.auth.async_sessions, verb)(*args, **more)
        return run("asgi", answer) if inspect.isawaitable(answer) else answer

    return call


@pytest.fixture
def alice(say):
    return say("sign_in", Account("alice", roles=["user"]), remember=True)


@pytest.mark.parametrize("name", ["al\0ice", "alice\r\nroot", "\x9balice", "a" * 1025, "\ud800"], ids=ascii)
def test_c7_a_name_that_nobody_can_have_begins_no_session(site, say, name):
    """A later step-up would ask the directory for that name."""
    with pytest.raises(BadCredentials):
        say("sign_in", Account("alice"), username=name)

    assert () == say("list", "alice")
    assert [] == site.events


def test_c2_wrong_step_ups_by_code_lock_nobody_else_out(say):
    """Without an origin the network is unknown, which is not the same as one network for all."""
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


def test_a_renewal_has_its_time(site, say, alice):
    with pytest.raises(TooEarly):
        say("renew", alice.access_token)
    site.clock.advance(seconds=451)

    assert "remembered" == say("renew", alice.access_token).level


def test_a_step_up_ends_the_older_tokens(site, say, alice):
    site.clock.advance(seconds=1)
    proven = say("step_up", alice.access_token, "wonder", refresh_token=alice.refresh_token.value)

    assert "explicit" == proven.level
    assert 401 == site.request("GET", "/me", [("authorization", f"Bearer {alice.access_token}")]).status
    assert 200 == site.request("GET", "/me", [("authorization", f"Bearer {proven.access_token}")]).status


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


def claims_of(tokens):
    """Read a signed token without proving it."""
    segment = tokens.access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


ENDS = {
    "token": lambda say, tokens: say("revoke_token", claims_of(tokens)["jti"]),
    "key": lambda say, _: say("revoke_key", "own"),
    "client": lambda say, _: say("revoke_client", ISSUER),
    "everything": lambda say, _: say("revoke_everything"),
    "subject": lambda say, _: say("revoke_subject", "alice"),
    "session": lambda say, tokens: say("end", tokens.session_id),
}


@pytest.mark.parametrize("consistency", ["none", "strict"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("verb", ["renew", "step_up"])
def test_b2_an_access_token_that_was_ended_gets_no_other(site, say, alice, end, verb):
    """The verbs refuse what the endpoints refuse, whatever the consistency."""
    site.clock.advance(seconds=451)
    end(say, alice)

    with pytest.raises(RevokedToken):
        say(verb, alice.access_token, *(["wonder"] if verb == "step_up" else []))

    assert [] == [event for event in site.events if isinstance(event, SteppedUp)]
    bearer = [("authorization", f"Bearer {alice.access_token}")]
    assert 401 == site.request("POST", f"/auth/{verb.replace('_', '-')}", bearer).status


@pytest.mark.parametrize("name", ["token", "key"])
def test_b2_an_access_token_that_was_ended_signs_out(say, alice, name):
    """The rest of the session ends too."""
    ENDS[name](say, alice)

    say("sign_out", alice.access_token)

    with pytest.raises(RevokedToken):
        say("refresh", alice.refresh_token.value)


class RecordingStore(MemoryStore):
    """A store that records the revocations that it gets."""

    def __init__(self, **bounds):
        super().__init__(**bounds)
        self.revocations = []

    async def revoke(self, shard, revocation):
        self.revocations.append(revocation)
        return await super().revoke(shard, revocation)


@pytest.mark.parametrize("world", WORLDS)
def test_h_the_end_of_a_token_is_kept_as_long_as_it_could_live(world):
    """The entry lasts until the given expiry, or for the longest life of any token from now on."""
    clock = Clock()
    store = RecordingStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    site = LoginSite(world, stores=store, clock=clock)
    now = int(clock())

    site.auth.sessions.revoke_token("one")
    site.auth.sessions.revoke_token("other", expires_at=now + 60)

    site.close()
    longest, usual = (revocation.expires_ms for revocation in store.revocations)
    assert (now + 86_400) * 1000 <= longest <= (now + 86_400 + 120) * 1000
    assert (now + 60) * 1000 <= usual <= (now + 60 + 120) * 1000
