"""Open the store that a URL names."""

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Counter, Revocation
from safeconduct.errors import ConfigurationError, NotSupported, Unavailable
from safeconduct.stores import MemoryStore, NullStore, open_store
from safeconduct.stores.redis.addresses import Address, Location, parse_address, parse_location
from safeconduct.stores.redis.certificates import Certificates
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, question
from worlds import Clock


class Section:
    """A configuration section with the fields that the stores read."""

    def __init__(self, url):
        self.url = url
        self.deadline_ms, self.pool_size, self.key_prefix, self.shards = 250, 20, "safeconduct:", 1
        self.min_replicas, self.accept_eviction, self.epoch_file = 0, False, None


def opened(url):
    return open_store(
        Section(url), Section(url), clock=Clock(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print
    )


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", MemoryStore),
        ("none", NullStore),
        ("redis://nowhere.invalid", RedisServer),
        ("redis+sentinel://nowhere.invalid/main", RedisServer),
        ("redis+cluster://nowhere.invalid", RedisServer),
        ("unix:///s", RedisServer),
    ],
)
def test_a_url_opens_its_store_and_connects_to_nothing(url, kind):
    assert kind is type(opened(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "redis+sentinel://h",
        "redis+sentinel://h/main/x",
        "redis+sentinel://h,/main",
        "redis+sentinel://h/main?ssl_ca_certs=x",
        "redis+cluster://h/1",
        "redis+cluster://h:70000",
        "redis+cluster://h?sentinel_password=x",
        "redis+cluster://h?x",
        "redis+other://h",
        "http+cluster://h",
        "redis://h:port",
        "redis://h/zero",
        "redis://h/-1",
        "redis://h?ssl_ca_certs=x",
        "rediss://h?ssl_cert_reqs=none",
        "rediss://h?ssl_check_hostname=false",
        "unix://",
        "redis://h?x",
    ],
)
def test_a_url_that_cannot_be_read_is_refused(url):
    with pytest.raises(ConfigurationError):
        opened(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:hunter2@h:port",
        "redis://u:hunter2@h/zero",
        "http://u:hunter2@h",
        "redis+cluster://u:hunter2@h/1",
        "redis+sentinel://u:hunter2@h",
        "redis+sentinel://u:hunter2@h:port/main",
        "redis+sentinel://u:hun#ter2@h/main",
        "redis+sentinel://h/main?sentinel_password=hunter2&x=y",
        "redis+sentinel://h/main?sentinel_password=hunter2&x",
    ],
)
def test_the_password_is_in_no_refusal(url):
    with pytest.raises(ConfigurationError) as caught:
        opened(url)

    assert "hunter2" not in str(caught.value)


def address_with(**fields):
    standard = {"host": "h", "port": 6379, "path": None, "database": 0, "username": None}
    return Address(**{**standard, "password": None, **fields})


CERTIFICATES = Certificates((("ssl_ca_certs", "/c"),))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", address_with(host="127.0.0.1")),
        ("valkey://h:1/2", address_with(port=1, database=2)),
        ("rediss://u:p%40@h", address_with(certificates=Certificates(()), username="u", password="p@")),
        (
            "valkeys://:p@h?db=4&ssl_ca_certs=/c",
            address_with(database=4, password="p", certificates=CERTIFICATES),
        ),
        ("unix://:p@/a/b?db=1", address_with(host=None, path="/a/b", database=1, password="p")),
    ],
    ids=str,
)
def test_a_url_is_read(url, expected):
    assert expected == parse_address(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1", Location("server", (address_with(port=1),), address_with(port=1))),
        (
            "redis+sentinel://u:p%40@a,[::1]:5/my.main/3?sentinel_username=w&sentinel_password=s%2F",
            Location(
                "sentinel",
                (
                    address_with(host="a", port=26379, username="w", password="s/"),
                    address_with(host="::1", port=5, username="w", password="s/"),
                ),
                address_with(host=None, port=0, database=3, username="u", password="p@"),
                "my.main",
            ),
        ),
        (
            "valkeys+cluster://:p@a:7000,b/?ssl_ca_certs=/c",
            Location(
                "cluster",
                (
                    address_with(host="a", port=7000, password="p", certificates=CERTIFICATES),
                    address_with(host="b", port=6379, password="p", certificates=CERTIFICATES),
                ),
                address_with(host=None, port=0, password="p", certificates=CERTIFICATES),
            ),
        ),
    ],
    ids=str,
)
def test_a_url_of_several_servers_is_read(url, expected):
    assert expected == parse_location(url)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("redis+sentinel://a,b:70000/main", "host 2"),
        ("redis+sentinel://a", "path after the sentinels"),
        ("redis+cluster://a/3", "path after the nodes"),
        ("redis+cluster://a?db=3", "query has db"),
        ("redis+cluster://a?db", "query cannot be read"),
        ("redis+ring://a", "redis[+]cluster://"),
    ],
)
def test_a_refusal_names_the_part_that_is_wrong(url, part):
    with pytest.raises(ConfigurationError, match=part):
        parse_location(url)


def test_an_address_shows_no_password():
    assert "unix" not in parse_address("redis://u:hunter2@h").place
    assert "hunter2" not in repr(parse_address("redis://u:hunter2@h"))


def test_no_store_revokes_nothing():
    stores = opened("none")
    store = stores.blocking()

    answer = run_sync(store.ask(question()))
    epoch = run_sync(store.begin_epoch(0, reason="lost", seen=None))

    assert stores.native() is store
    assert (None, None, None) == (store.sessions, store.opaque_tokens, store.view)
    assert {} == run_sync(store.ask_all([question()]))
    assert not answer.is_revoked
    assert epoch is answer.epoch
    assert 1_800_000_000_000 == run_sync(store.issue_time(question())).iat_ms
    with pytest.raises(NotSupported):
        run_sync(store.revoke(0, Revocation("key", b"k", (0,))))


def test_no_store_counts_tries_all_the_same():
    """A server without a store still has a throttle."""
    stores = opened("none")
    store = stores.blocking()
    counter = Counter(b"a", 1, 60_000)
    run_sync(store.count_try([counter], try_id=b"1"))

    under_way = run_sync(store.count_try([counter], try_id=b"2"))
    run_sync(store.fail_try([counter], try_id=b"1"))
    refused = run_sync(store.count_try([counter], try_id=b"2"))
    run_sync(store.give_back([counter], [], try_id=b"1"))
    given_back = run_sync(store.count_try([counter], try_id=b"3"))
    run_sync(store.close())
    stores.end()

    assert (10_000, 60_000) == (under_way, refused)
    assert 0 == given_back
    with pytest.raises(Unavailable):
        run_sync(store.count_try([counter], try_id=b"4"))
