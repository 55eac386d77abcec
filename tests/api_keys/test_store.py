"""What every store promises of API keys: commands that are sent twice, ids that are taken, owners with many keys."""

from dataclasses import replace
from itertools import count

import pytest

from safeconduct._core.api_keys import records, verbs
from safeconduct._core.api_keys.records import StoredApiKey
from safeconduct._core.api_keys.wire_form import KeyPlace, new_api_key, owner_part
from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_keys import api_key_query, revocation_key
from safeconduct._core.revocation_query import ApiKeyRef
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import EndedApiKeys, Revocation
from safeconduct.errors import InvalidRequest, Unavailable
from safeconduct.stores.redis.api_keys import RedisApiKeys
from safeconduct.stores.redis.shard_calls import ShardReply

ISSUER = "https://issuer.example"
OWNER = revocation_key("api_keys", ISSUER, "alice")
LIFETIME_MS = 1_000_000
RECORD = StoredApiKey(
    key_id=KeyPlace(0, owner_part(OWNER), "number").key_id, digest=b"d" * 32, owner=OWNER, subject="alice",
    name="ci ☃", scopes=("a b", "read"), roles=("bot",),
)  # fmt: skip


class StorePort:
    """The port of the store behind a site, in its world."""

    def __init__(self, site):
        self._site = site
        parts = site.auth._asgi if site.world == "asgi" else site.auth._wsgi
        self.store = parts.store
        # The first verb begins the epoch.
        site.auth.api_keys.list("alice")

    def run(self, coroutine):
        if self._site.world == "asgi":
            return self._site._runner.run(coroutine)
        with pytest.raises(StopIteration) as ended:
            coroutine.send(None)
        return ended.value.value

    def query(self, record=RECORD):
        shown = ApiKeyRef(record.key_id, record.digest)
        return api_key_query(ISSUER, 0, shown, owner=record.owner, ends_ms=1 << 52)

    def create(self, record=RECORD, lifetime_ms=LIFETIME_MS):
        return self.run(self.store.api_keys.create(self.query(record), record, lifetime_ms=lifetime_ms))

    def use(self, record=RECORD):
        return self.run(self.store.api_keys.use(self.query(record)))

    def list(self):
        return self.run(self.store.api_keys.list(0, (OWNER, revocation_key("everything", ISSUER)))).records

    def revoke(self, record=RECORD):
        mark = revocation_key("token", ISSUER, record.key_id)
        revocation = Revocation("token", mark, (0,), lives_ms=0, api_keys=EndedApiKeys(key_id=record.key_id))
        self.run(self.store.revoke(0, revocation))


@pytest.fixture
def port(any_site):
    return StorePort(any_site)


def test_what_is_kept_is_returned(port, clock):
    created = port.create()

    found = port.use()

    assert "created" == created.outcome
    expires_ms = (created.created_ms + LIFETIME_MS) // 1000 * 1000
    kept = replace(RECORD, created_ms=created.created_ms, expires_ms=expires_ms)
    assert (False, kept) == (found.status.is_revoked, replace(found.record, last_used_ms=None))
    assert (int(clock()) * 1000,) == tuple(each.last_used_ms for each in port.list())


def test_a_creation_that_is_sent_twice_is_one(port, clock):
    first = port.create()
    clock.advance(seconds=5)

    assert first == port.create()
    assert 1 == len(port.list())


@pytest.mark.parametrize("other", [{"digest": b"e" * 32}, {"owner": b"a" + b"x" * 16}], ids=["secret", "owner"])
def test_an_id_is_given_once(port, other):
    port.create()

    assert "taken" == port.create(replace(RECORD, **other)).outcome
    assert port.use().record.digest == RECORD.digest


def test_a_creation_that_arrives_after_the_revocation_makes_no_key(port):
    """It was sent twice, and the network held the second one back."""
    port.create()
    port.revoke()

    assert "taken" == port.create().outcome
    assert port.use().status.is_revoked


def test_a_key_is_later_than_every_cut_off(port, any_site):
    any_site.auth.sessions.revoke_subject("alice")
    any_site.auth.sessions.revoke_everything()

    port.create()

    assert not port.use().status.is_revoked
    assert not port.run(port.store.ask(port.query())).is_revoked or any_site.auth._container.stores is port.store


def test_another_secret_is_none_of_its_uses(port):
    port.create()
    shown = replace(RECORD, digest=b"e" * 32)

    found = port.use(shown)

    assert (True, None) == (found.status.is_revoked, port.list()[0].last_used_ms)
    assert found.record.digest == RECORD.digest
    assert port.run(port.store.ask(port.query(shown))).is_revoked


def test_an_expired_key_does_not_count_towards_the_limit(port, clock, monkeypatch):
    monkeypatch.setattr(records, "MOST_KEYS", 2)
    for module in ("memory", "redis"):
        monkeypatch.setattr(f"safeconduct.stores.{module}.api_keys.MOST_KEYS", 2)
    numbers = (f"{number:06}" for number in count())

    def create(lifetime_ms):
        record = replace(RECORD, key_id=KeyPlace(0, owner_part(OWNER), next(numbers)).key_id)
        return port.create(record, lifetime_ms).outcome

    assert ["created", "created", "full"] == [create(each) for each in (1000, LIFETIME_MS, LIFETIME_MS)]
    assert "full" == create(1000)
    clock.advance(seconds=2)
    assert 1 == len(port.list())
    assert ["created", "full"] == [create(LIFETIME_MS), create(LIFETIME_MS)]


def test_an_owner_with_too_many_keys_is_told(any_site, monkeypatch):
    for module in ("memory", "redis"):
        monkeypatch.setattr(f"safeconduct.stores.{module}.api_keys.MOST_KEYS", 1)
    any_site.create()

    with pytest.raises(InvalidRequest):
        any_site.create()
    assert any_site.create("bob")


def test_an_id_that_is_taken_is_drawn_again(any_site, monkeypatch):
    places = [KeyPlace(0, "sameuser", number) for number in ("000000", "000000", "000001")]
    monkeypatch.setattr(verbs, "new_place", lambda _shard, _owner, _draw: places.pop(0))

    assert ["000000", "000001"] == [any_site.create().key_id[-6:] for _ in range(2)]
    places[:] = [KeyPlace(0, "sameuser", "000000")] * 3
    with pytest.raises(Unavailable):
        any_site.create()


def test_a_store_without_an_epoch_is_begun(workers):
    """The first command of all may be one on API keys."""
    site = workers()

    assert () == site.auth.api_keys.list("alice")
    assert 200 == site.get(site.create())


def test_a_key_may_be_the_first_that_is_asked_about(workers):
    assert 401 == workers().get(new_api_key(KeyPlace(0, "0" * 8, "0" * 6), bytes)[0])


class OtherCalls:
    """Calls that end with a reply that no script of ours sends."""

    def __init__(self, first, rest):
        self._reply = ShardReply(Epoch("e", 1, "new", 1), is_empty=False, now_ms=1, first=first, second=0, rest=rest)

    async def run(self, *_arguments, **_options):
        return self._reply

    def api_keys_key(self, shard, part):
        return f"{shard}:{part}".encode()


@pytest.mark.parametrize(
    ("verb", "first", "rest"),
    [
        ("create", b"other", []), ("create", 1, []), ("use", 0, []), ("use", 0, [b"x", b"y"]), ("use", 0, [1, 2]),
        ("use", b"gone", []), ("use", 0, [b"x" * 64, b"\xff"]), ("list", b"read", [b"x"]),
        ("list", b"read", [[b"number", b"x" * 64, b"alice\0ci\0one"]]),
    ],
)  # fmt: skip
def test_a_malformed_reply_is_an_outage(verb, first, rest):
    keys, query = RedisApiKeys(OtherCalls(first, rest)), StorePort.query(None)
    command = {
        "create": lambda: keys.create(query, RECORD, lifetime_ms=1),
        "use": lambda: keys.use(query),
        "list": lambda: keys.list(0, query.cuts),
    }[verb]

    with pytest.raises(Unavailable):
        run_sync(command())
