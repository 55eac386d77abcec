"""Issue opaque tokens, and sessions that count only while the store has their record."""

import base64
import re

import pytest

from login_site import ACCESS, LIMITS, LoginClient, LoginSite
from memory_directory import run
from safeconduct import Account
from safeconduct._core.epochs import Epochs
from safeconduct._core.opaque import is_opaque_token
from safeconduct.errors import ConfigurationError, InvalidToken, Unavailable
from safeconduct.stores import MemoryStore
from table_tokens import OWN_KEY

OPAQUE = {"tokens": {"format": "opaque"}}
LISTED = {"sessions": {"require_session": True}}


def commands(server, client):
    """Return the number of scripts that one request runs."""
    server.say("CONFIG", "RESETSTAT")
    status = client.use()
    counted = sum(
        int(found) for found in re.findall(r"cmdstat_eval(?:sha)?:calls=(\d+)", server.say("INFO", "commandstats"))
    )
    return status, counted


def names_of(server, pattern):
    return re.findall(r"safeconduct:\S+", server.say("KEYS", pattern))


def forget_session(server):
    for name in names_of(server, "safeconduct:*ses:*"):
        server.say("DEL", name)


@pytest.mark.parametrize("fields", [OPAQUE, LISTED, OPAQUE | LISTED], ids=["opaque", "listed", "both"])
def test_a_request_costs_one_command(over_a_server, fields):
    """Known or not, an opaque token is resolved and checked by one query."""
    site, server = over_a_server(**fields)
    client = LoginClient(site)
    client.get_tokens()
    # The server must know each script: the first call sends it twice.
    assert (200, 200) == (client.use(), client.use())
    client.get_tokens()

    assert (200, 1) == commands(server, client)
    assert (200, 1) == commands(server, client)


def test_the_store_keeps_nothing_that_is_a_token(over_a_server):
    """The store's content has no token, no secret of one, and nothing that is signed."""
    site, server = over_a_server(**OPAQUE)
    client = LoginClient(site)
    client.get_tokens(remember=True)
    client.use()
    token = client.tokens["access_token"]
    secret = base64.urlsafe_b64decode(token)[20:50]

    [kept] = names_of(server, "safeconduct:*tok:*")
    found = server.say("HGETALL", kept) + "".join(names_of(server, "*"))
    [record] = names_of(server, "safeconduct:*ses:*")
    found += server.say("HGETALL", record)

    assert is_opaque_token(token)
    assert '"sub":"alice"' in found
    for part in (
        token,
        secret.hex(),
        base64.urlsafe_b64encode(secret).decode(),
        secret.decode("utf-8", "replace"),
    ):
        assert part not in found
    # Two segments of JSON, as every signed token begins; three letters may occur in a random id.
    assert not re.search(r"eyJ[\w-]+\.eyJ", found)


def test_the_principal_is_the_same_object(make):
    """An application sees the same for an opaque and for a signed token."""
    seen = []
    for tokens in ({"format": "jws"}, {"format": "opaque"}):
        client = LoginClient(make(tokens=tokens))
        client.get_tokens(remember=True)
        principal = client.site.auth.verify(client.tokens["access_token"])
        seen.append((principal.subject, principal.issuer, principal.level, principal.roles, principal.scopes,
                     principal.expires_at, sorted(principal.claims)))  # fmt: skip

    assert seen[0] == seen[1]


def test_a_session_without_its_record_ends_its_tokens(over_a_server):
    """With the allowlist, a session without a record does not count."""
    site, server = over_a_server(**LISTED)
    client = LoginClient(site)
    client.get_tokens()
    before = client.use()

    forget_session(server)

    assert (200, 401) == (before, client.use())
    assert not is_opaque_token(client.tokens["access_token"])


def test_without_the_list_a_signed_token_outlives_its_record(over_a_server):
    """This is what ``require_session`` changes."""
    site, server = over_a_server()
    client = LoginClient(site)
    client.get_tokens()

    forget_session(server)

    assert 200 == client.use()


def test_an_opaque_token_needs_its_session(over_a_server):
    site, server = over_a_server(**OPAQUE)
    client, fresh = LoginClient(site), LoginClient(site)
    client.get_tokens()
    fresh.get_tokens()
    before = client.use()

    forget_session(server)

    assert (200, 401, 401) == (before, client.use(), fresh.use())


@pytest.mark.parametrize("consistency", ["none", "strict"])
def test_the_list_is_asked_whatever_the_consistency(over_a_server, consistency):
    """An allowlist that is not read would allow everybody."""
    site, server = over_a_server(**LISTED, revocation={"consistency": consistency})
    client = LoginClient(site)
    client.get_tokens()
    before = client.use()

    forget_session(server)

    assert (200, 401) == (before, client.use())


@pytest.mark.parametrize("fields", [OPAQUE, LISTED], ids=["opaque", "listed"])
def test_a_store_that_lost_its_data_is_503_and_then_401(over_a_server, fields):
    """The tokens never pass: first their state is unknown, then their records are lost."""
    site, server = over_a_server(**fields)
    client = LoginClient(site)
    client.get_tokens()
    client.use()

    server.say("FLUSHALL")

    assert (503, 401, 401) == (client.use(), client.use(), client.use())


def test_a_store_that_is_away_is_503(killable_site):
    """The answer is 503 for known and unknown tokens, neither 401 nor a pass."""
    site, server = killable_site
    known, unknown = LoginClient(site), LoginClient(site)
    known.get_tokens(remember=True)
    unknown.get_tokens()
    known.use()

    server.kill()

    assert (503, 503) == (known.use(), unknown.use())
    assert (503, 503) == (
        known.refresh(),
        known.request("POST", "/auth/login", json_body={"username": "alice", "password": "wonder"}),
    )


@pytest.mark.parametrize("claims", ["[", b"\xff"], ids=["no JSON", "no text"])
def test_something_else_under_a_reference_is_503(over_a_server, claims):
    """A record that is not ours is not the caller's fault, and does not let them pass."""
    site, server = over_a_server(**OPAQUE)
    client = LoginClient(site)
    client.get_tokens()
    [kept] = names_of(server, "safeconduct:*tok:*")

    server.say("HSET", kept, "claims", claims)

    assert 503 == client.use()
    with pytest.raises(Unavailable):
        site.auth.verify(client.tokens["access_token"])


def test_another_sessions_claims_under_a_reference_are_503(over_a_server):
    site, server = over_a_server(**OPAQUE)
    mine, theirs = LoginClient(site), LoginClient(site)
    mine.get_tokens()
    [own] = names_of(server, "safeconduct:*tok:*")
    theirs.get_tokens("bob", "builder")
    [other] = set(names_of(server, "safeconduct:*tok:*")) - {own}

    server.say("COPY", other, own, "REPLACE")

    assert (503, 200) == (mine.use(), theirs.use())


@pytest.mark.parametrize("token", ["A" * 88, "AQ" + "A" * 86, "_" * 88], ids=["version", "tag", "garbage"])
def test_a_reference_that_is_none_of_ours_is_401(make, token):
    client = LoginClient(make(**OPAQUE))

    assert 401 == client.use(token)


NO_SECRETS = {"keys": {"keys": [OWN_KEY]}, "endpoints": {"enabled": False}}


@pytest.mark.parametrize("fields", [NO_SECRETS, {"store": "none"}], ids=["no key", "no store"])
def test_where_nothing_can_be_kept_a_reference_is_no_token(make, fields):
    """Without secrets or a store there are no opaque tokens, and no query is sent."""
    client = LoginClient(make(sources=["bearer"], **fields))

    assert 401 == client.use("A" * 88)


def test_it_expires_with_the_leeway_of_any_token(any_site, clock):
    client = LoginClient(any_site)
    client.get_tokens()

    clock.advance(seconds=909)
    late = client.use()
    clock.advance(seconds=2)

    assert (200, 401) == (late, client.use())


def test_an_expired_token_signs_out(any_site, clock):
    """An expired opaque token still ends its session (http.md)."""
    client = LoginClient(any_site)
    client.get_tokens(remember=True)
    clock.advance(seconds=1000)

    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"], with_cookies=False)
    assert 401 == client.refresh()
    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"], with_cookies=False)


def test_the_verbs_take_opaque_tokens(make, clock):
    """The blocking verbs; the awaitable ones run the same coroutines."""
    site = make(**OPAQUE)
    verbs = site.auth.sessions
    first = verbs.sign_in(Account("alice"), remember=True)
    stepped = verbs.step_up(first.access_token, "wonder")
    clock.advance(seconds=451)
    renewed = verbs.renew(stepped.access_token)

    assert all(is_opaque_token(tokens.access_token) for tokens in (first, stepped, renewed))
    assert ("explicit", "remembered") == (stepped.level, renewed.level)
    with pytest.raises(InvalidToken):
        verbs.renew(first.access_token)

    verbs.sign_out(renewed.access_token)

    with pytest.raises(InvalidToken):
        site.auth.verify(renewed.access_token)


def test_a_renewal_that_is_repeated_is_of_one_chain(make, clock):
    """Both references are the same token, with the same id and times."""
    site = make(**OPAQUE)
    verbs = site.auth.sessions
    first = verbs.sign_in(Account("alice"))
    clock.advance(seconds=451)

    renewed, again = verbs.renew(first.access_token), verbs.renew(first.access_token)

    assert renewed.access_token != again.access_token
    assert site.auth.verify(renewed.access_token).claims == site.auth.verify(again.access_token).claims


@pytest.fixture
def many_roles(make):
    """Return a site with a user who has more roles than a cookie can hold."""
    site = make()
    site.directory.accounts["alice"] = Account("alice", roles=[f"role-{number:04}" for number in range(400)])
    return LoginClient(site)


def test_a_token_too_long_for_a_cookie_becomes_a_reference(many_roles):
    """The cookie carries an opaque token, and the application sees the same roles."""
    status = many_roles.sign_in(remember=True)

    assert (200, 200) == (status, many_roles.request("GET", "/me"))
    assert is_opaque_token(many_roles.cookies[ACCESS])
    assert 400 == len(many_roles.site.auth.verify(many_roles.cookies[ACCESS]).roles)
    assert (200, 200) == (many_roles.request("POST", "/auth/refresh"), many_roles.request("GET", "/me"))


def test_the_same_token_in_a_body_is_signed(many_roles):
    many_roles.get_tokens()

    assert 200 == many_roles.use()
    assert not is_opaque_token(many_roles.tokens["access_token"])


def test_a_cookie_of_a_foreign_page_is_refused_the_first_time_too(make):
    """The origin is checked for opaque tokens too."""
    site = make(**OPAQUE)
    client = LoginClient(site)
    client.sign_in()
    foreign = [("origin", "https://evil.example")]

    assert 403 == client.request("POST", "/me", headers=foreign, page=False)


class _Deaf:
    """A custom store that has no session records."""

    def __init__(self, stores):
        self._stores = stores

    def blocking(self):
        return _DeafPort()

    def native(self):
        return _DeafPort()

    def end(self):
        self._stores.end()


class _DeafPort:
    sessions = opaque_tokens = view = bounded_view = None
    epochs = Epochs()

    async def close(self):
        """Release nothing."""


@pytest.mark.parametrize("fields", [OPAQUE, LISTED], ids=["opaque", "listed"])
def test_a_store_that_looks_for_no_record_is_refused(world, clock, fields):
    """Such a store would answer as if every record existed."""
    stores = _Deaf(MemoryStore(clock=clock, horizon_ms=0, leeway_ms=0))

    with pytest.raises(ConfigurationError, match="keeps no sessions and tokens"):
        LoginSite(world, clock=clock, stores=stores, login=LIMITS, **fields)


def test_a_coroutine_of_either_world_verifies(make, world):
    site = make(**OPAQUE)
    tokens = site.auth.sessions.sign_in(Account("alice"))

    assert "alice" == run(world, site.auth.async_verify(tokens.access_token)).subject


def test_claims_that_json_cannot_hold_are_kept_nowhere(world, clock):
    """A signed token with such claims is never issued either."""
    site = LoginSite(world, clock=clock, add_claims=lambda _: {"tags": {"a set"}}, **OPAQUE)

    with pytest.raises(Unavailable, match="JSON"):
        site.auth.sessions.sign_in(Account("alice"))
    site.close()


def test_a_removed_key_is_503(make):
    """Their state is unknown, so the session is not reported as ended."""
    site = make(**OPAQUE)
    client = LoginClient(site)
    client.get_tokens()
    site.lose_secrets()

    token = client.tokens["access_token"]

    assert 503 == client.use()
    assert 503 == client.request("POST", "/auth/logout", bearer=token, with_cookies=False)


def test_an_opaque_token_of_a_removed_shard_is_401(make):
    """The token is from a time when the store had more shards."""
    wide, narrow = make(**OPAQUE, store={"url": "memory://", "shards": 64}), make(**OPAQUE)
    token = wide.auth.sessions.sign_in(Account("alice")).access_token

    assert 200 == LoginClient(wide).use(token)
    assert 401 == LoginClient(narrow).use(token)
