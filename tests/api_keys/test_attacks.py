"""What an API key must not do, and what must not pass for one, in both worlds."""

import pytest

from api_key_site import SOURCES, ApiKeySite, people
from login_site import ACCESS, OWN_PAGE, LoginClient
from safeconduct import Account
from safeconduct._core.api_keys.wire_form import KeyPlace, new_api_key, new_place
from safeconduct._core.credential_sources import CredentialSource
from safeconduct._core.revocation_keys import revocation_key
from safeconduct.errors import ConfigurationError, InvalidToken, NotSupported
from safeconduct.stores import MemoryStore
from table_tokens import ISSUER


def with_bearer(text):
    return [("authorization", f"Bearer {text}")]


def foreign_key(owner=b"a" * 17, shard=0):
    """Return a key that nobody has made, whose checksum is right."""
    return new_api_key(new_place(shard, owner, lambda size: b"\x07" * size), lambda size: b"\x07" * size)[0]


def test_a_key_counts_only_where_it_is_a_source(workers):
    """The challenge is the bare one, and the store is not asked."""
    key = workers().create()
    site = workers(sources=["bearer"])

    answer = site.request("GET", "/me", with_bearer(key.key))

    assert (401, "MissingCredential") == (answer.status, site.refused())
    assert all("error=" not in each for each in answer.values("www-authenticate"))
    with pytest.raises(InvalidToken):
        site.auth.verify(key.key)


def test_a_token_does_not_count_where_only_keys_do(make):
    token = LoginClient(make())
    assert 200 == token.get_tokens()
    site = make(sources=["api_key"])

    answer = site.request("GET", "/me", with_bearer(token.tokens["access_token"]))

    assert (401, "MissingCredential") == (answer.status, site.refused())
    assert 200 == site.get(site.create())


@pytest.mark.parametrize("fields", [{}, {"keys": None, "issuer": None, "audience": None, "external_url": None}])
def test_keys_need_no_other_source(make, fields):
    """Nor any signing key, since nothing is signed."""
    site = make(sources=["api_key"], **fields)

    assert 200 == site.get(site.create())


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "=",
        lambda key: key.lower(),
        lambda key: key.replace("sck_", "Sck_"),
        lambda key: key[:30] + ("0" if key[30] != "0" else "1") + key[31:],
        lambda key: key[:4] + "A" * (1 << 14),
        lambda key: key + " ",
        lambda key: key + "\t",
        lambda key: key[:40] + " " + key[40:],
        lambda key: key + ", " + key,
    ],
    ids=range(10),
)
@pytest.mark.parametrize("known", [True, False], ids=["used", "unused"])
def test_another_spelling_is_malformed(any_site, change, known):
    key = any_site.create().key
    assert not known or 200 == any_site.get(key)

    assert 401 == any_site.get(change(key))
    assert 200 == any_site.get(key)


def test_more_spaces_after_the_scheme_are_not_another_key(any_site):
    """RFC 6750 allows them; only one spelling is remembered."""
    key = any_site.create()

    assert [200, 200] == [any_site.get("   " + key.key) for _ in range(2)]
    any_site.auth.api_keys.revoke("alice", key.key_id)
    assert 401 == any_site.get("   " + key.key)


def test_two_fields_are_ambiguous(any_site):
    key = any_site.create()

    # A WSGI server has joined them, and no key has a comma.
    expected = 400 if any_site.world == "asgi" else 401
    assert expected == any_site.request("GET", "/me", with_bearer(key.key) * 2).status


@pytest.mark.parametrize("scheme", ["Basic", "DPoP", "Token", "sck"])
def test_a_key_counts_with_bearer_only(any_site, scheme):
    key = any_site.create()

    assert 401 == any_site.request("GET", "/me", [("authorization", f"{scheme} {key.key}")]).status


def test_a_key_is_no_cookie(any_site):
    key = any_site.create()

    answer = any_site.request("GET", "/me", [("cookie", f"{ACCESS}={key.key}"), *OWN_PAGE])

    assert 401 == answer.status


def test_a_key_is_no_subprotocol(make):
    site = make(sources=[*SOURCES, "subprotocol"])
    key = site.create()
    fields = [("sec-websocket-protocol", f"bearer, {key.key}"), ("upgrade", "websocket"), ("connection", "Upgrade")]

    assert 401 == site.request("GET", "/me", fields).status


def test_an_unknown_key_leaves_nothing_behind(make):
    """A flood of ids that nobody has fills no memory."""
    site = make()
    stores = site.auth._container.stores
    cache = site.auth._container.bearer.cache

    for number in range(100):
        key = new_api_key(KeyPlace(0, "00000000", f"{number:06}"), lambda size: b"\x07" * size)[0]
        assert 401 == site.get(key)

    assert ({}, {}) == (stores.api_keys._records, cache.entries)
    assert (0, 0) == (site.directory.lookups, len(site.auth._wsgi.api_keys.owners._younger))


@pytest.mark.parametrize("shard", [1, 61, 3843])
def test_a_shard_that_the_store_has_not_is_not_asked(make, shard):
    assert 401 == make().get(foreign_key(shard=shard))


def test_a_key_counts_on_the_shard_of_its_owner_only(make, clock):
    """Otherwise what revokes the owner would not reach it after the number of shards was changed."""
    stores = MemoryStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    before = make(stores=stores, store={"url": "memory://", "shards": 64})
    keys = [before.create(subject) for subject in ("alice", "bob")]
    assert [200, 200] == [before.get(key) for key in keys]
    after = make(stores=stores, store={"url": "memory://", "shards": 63})

    assert [401, 401] == [after.get(key) for key in keys]
    assert [200, 200] == [after.get(after.create(subject)) for subject in ("alice", "bob")]


def test_two_owners_may_have_the_same_part_of_an_id(workers, directory):
    """It has 47 bits: neither may see, use or end the keys of the other."""
    # Found among 16 million names.
    first, second = "user-05155683", "user-15979609"
    directory.accounts |= {subject: Account(subject) for subject in (first, second)}
    site = workers()
    key, other = site.create(first), site.create(second)
    assert key.key_id[:10] == other.key_id[:10]
    assert [200, 200] == [site.get(key), site.get(other)]

    assert [[key.key_id], [other.key_id]] == [
        [each.key_id for each in site.auth.api_keys.list(subject)] for subject in (first, second)
    ]
    site.auth.sessions.revoke_subject(first)
    assert [401, 200] == [site.get(key), site.get(other)]


def test_a_key_is_neither_a_session_nor_a_refresh_token(any_site):
    """It describes itself, and does nothing with sessions; a sign-out does not end it."""
    key = any_site.create()
    client = LoginClient(any_site)

    assert 200 == client.request("GET", "/auth/session", bearer=key.key)
    assert ("alice", "remembered", None, key.expires_at, ["read", "write"], ["admin", "user"]) == tuple(
        client.json[name] for name in ("subject", "level", "session_id", "expires_at", "scopes", "roles")
    )
    assert client.json["renew_after"] is None
    for method, name, body in (
        ("POST", "renew", {}),
        ("POST", "step-up", {"password": "wonder"}),
        ("POST", "logout-everywhere", {}),
        ("GET", "sessions", None),
    ):
        assert 403 == client.request(method, f"/auth/{name}", bearer=key.key, json_body=body), name
    assert 401 == client.request("POST", "/auth/refresh", json_body={"refresh_token": key.key})
    assert 204 == client.request("POST", "/auth/logout", bearer=key.key, json_body={"refresh_token": key.key})
    assert 200 == any_site.get(key)


def test_the_verbs_on_sessions_take_no_key(any_site):
    key, sessions = any_site.create(), any_site.auth.sessions

    for verb in (sessions.renew, sessions.refresh, sessions.sign_out):
        with pytest.raises(InvalidToken):
            verb(key.key)
    assert 200 == any_site.get(key)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": ""}, {"subject": 5}, {"name": ""}, {"name": "x" * 101}, {"name": "a\nb"}, {"name": None},
        {"scopes": "read"}, {"scopes": [1]}, {"scopes": ["a\0b"]}, {"subject": "a\0b"}, {"subject": "client:x"},
        {"roles": "user"}, {"roles": None},
        {"expires_in_seconds": 0}, {"expires_in_seconds": True}, {"expires_in_seconds": 1.5},
        {"expires_in_seconds": 315_360_001},
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(make, fields):
    site = make()

    with pytest.raises(ValueError, match=next(iter(fields))):
        site.auth.api_keys.create(**{"subject": "alice", "name": "ci"} | fields)


def test_without_a_store_there_are_no_keys(make):
    site = make(store="none", sources=["bearer"], access={})

    for verb in (site.create, lambda: site.auth.api_keys.list("alice"), lambda: site.auth.api_keys.revoke("a", "b")):
        with pytest.raises(NotSupported):
            verb()


def test_a_store_that_keeps_no_keys_is_refused(world, clock):
    stores = MemoryStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    stores.api_keys = None

    with pytest.raises(ConfigurationError, match="api_key"):
        ApiKeySite(world, stores=stores, directory=people())


def test_a_key_under_the_owner_of_another_issuer_is_refused(make):
    """The record names its owner by a digest that the issuer is a part of."""
    site = make()
    key = site.create()
    records = site.auth._container.stores.api_keys._records
    other = revocation_key("api_keys", "https://other.example", "alice")
    assert other != records[key.key_id].owner == revocation_key("api_keys", ISSUER, "alice")
    object.__setattr__(records[key.key_id], "owner", other)

    assert 401 == site.get(key)


def test_the_source_hides_the_key():
    assert "sck_" not in repr(CredentialSource("bearer", b"Bearer sck_" + b"0" * 65))
