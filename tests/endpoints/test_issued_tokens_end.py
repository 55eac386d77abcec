"""What ends a token that was issued for a user, and what keeps one from being issued, over every kind of store."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from bounded_site import BoundedSite
from issued_tokens import BILLING, TOKENS, issue, staff, user_of, verify
from login_site import LoginClient
from safeconduct.errors import InvalidToken, RevokedToken, Unavailable
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.follower import Follower
from store_servers import KINDS
from table_tokens import ISSUER, OWN_KEY


def revoked(site, user, what):
    """Revoke one thing that the user's token depends on."""
    sessions = site.auth.sessions
    verbs = {
        "token": lambda: sessions.revoke_token(user.token_id, subject=user.subject),
        "session": lambda: sessions.end(user.session_id),
        "sign-out everywhere": lambda: sessions.sign_out_everywhere(user.subject),
        "subject": lambda: sessions.revoke_subject(user.subject),
        "client": lambda: sessions.revoke_client(ISSUER),
        "key": lambda: sessions.revoke_key(OWN_KEY["kid"]),
        "everything": sessions.revoke_everything,
    }
    verbs[what]()


OF_BOTH = ["session", "sign-out everywhere", "subject", "client", "key", "everything"]


@pytest.fixture(params=["strict", "bounded"])
def consistency(request):
    return {"consistency": request.param}


@pytest.mark.parametrize("what", OF_BOTH)
def test_what_ends_the_users_token_ends_what_was_made_of_it(workers, consistency, what):
    """Where both servers share a store and the keys."""
    ours = workers(tokens=TOKENS, directory=staff(), revocation=consistency)
    billing = workers(audience=BILLING, revocation=consistency)
    alice = user_of(ours)
    token = issue(ours, alice, audience=BILLING, scopes=["invoice:pay"])
    assert 200 == LoginClient(billing).use(token)

    revoked(ours, alice, what)

    assert 401 == LoginClient(billing).use(token)


@pytest.mark.parametrize("what", ["token", *OF_BOTH])
def test_a_revoked_user_gets_no_token(workers, consistency, what):
    site = workers(tokens=TOKENS, directory=staff(), revocation=consistency)
    alice = user_of(site)

    revoked(site, alice, what)

    with pytest.raises(RevokedToken):
        issue(site, alice, audience=BILLING)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_local_view_does_not_know_yet_is_asked(world, servers, moment, kind, monkeypatch):
    """A request may pass by the view's age; a token would carry that on."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    server = servers(kind)
    server.say("FLUSHALL")
    site = BoundedSite(world, server, moment, fields={"tokens": TOKENS, "directory": staff()})
    other = BoundedSite("wsgi", server, moment)
    client = LoginClient(site)
    client.get_tokens()
    site.follow()
    alice = verify(site, client.tokens["access_token"])
    other.auth.sessions.sign_out(client.tokens["access_token"])

    assert 200 == client.use()
    with pytest.raises(RevokedToken):
        issue(site, alice, audience=BILLING)

    site.close()
    other.close()


class RevokingStore(MemoryStore):
    """A store in which another process revokes something just before or after it gives the time of issue."""

    __slots__ = ("after", "before")

    async def issue_time(self, query):
        # In a thread of its own, as another process would be.
        with ThreadPoolExecutor(1) as another:
            another.submit(self.before).result()
            reply = await super().issue_time(query)
            another.submit(self.after).result()
        return reply


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", OF_BOTH)
def test_a_revocation_while_it_is_issued_ends_it(make, clock, what, when):
    """Had the store been asked before it gave the time, the token would be younger than the revocation."""
    stores = RevokingStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    stores.before = stores.after = dict
    site = make(tokens=TOKENS, directory=staff(), stores=stores)
    alice = user_of(site)
    setattr(stores, when, partial(revoked, site, alice, what))

    with pytest.raises(InvalidToken):
        verify(site, issue(site, alice))


def test_a_required_session_is_asked_for(workers):
    """An allowlist counts here too."""
    site = workers(tokens=TOKENS, directory=staff(), sessions={"require_session": True})
    alice = user_of(site)
    token = issue(site, alice)
    assert 200 == LoginClient(site).use(token)

    revoked(site, alice, "session")

    assert 401 == LoginClient(site).use(token)
    with pytest.raises(RevokedToken):
        issue(site, alice)


def test_an_opaque_token_is_passed_on_as_a_signed_one(workers):
    site = workers(tokens={**TOKENS, "format": "opaque"}, directory=staff())
    billing = workers(audience=BILLING)
    alice = user_of(site)

    token = issue(site, alice, audience=BILLING)

    assert ("alice", alice.session_id) == (verify(billing, token).subject, verify(billing, token).session_id)
    revoked(site, alice, "session")
    with pytest.raises(RevokedToken):
        issue(site, alice, audience=BILLING)


def test_an_outage_issues_nothing(killable_site):
    """Neither for a user nor for a job; 503, not 401."""
    site, server = killable_site
    alice = user_of(site)
    server.stop()

    with pytest.raises(Unavailable):
        issue(site, alice, audience=BILLING)
    with pytest.raises(Unavailable):
        issue(site, subject="batch", audience=BILLING)


def test_the_stores_clock_dates_it(workers, moment):
    site = workers(tokens=TOKENS, directory=staff())
    alice = user_of(site)
    moment.clock.advance(seconds=30)

    issued_at = verify(site, issue(site, alice)).claims["iat"]

    assert abs(int(moment.clock()) - issued_at) <= 1
