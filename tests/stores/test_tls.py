"""Verify a server's certificate over TLS: its name, its authority and its validity."""

import pytest

from certificates import Authority
from safeconduct.errors import Unavailable
from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis import connection_asyncio
from safeconduct.stores.redis.addresses import parse_address
from safeconduct.stores.redis.connection import connection_arguments
from safeconduct.stores.redis.health import FAILURES
from safeconduct.testing.store_contract.revocations import question
from store_servers import Server, free_port

QUICK_MS = 80


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def start(authority):
    """Start Debian's Redis with a certificate; Valkey's wheel has no TLS."""
    started = []

    def begin(signing=authority, name="127.0.0.1", *, days=1, asks_clients="no"):
        key, certificate = signing.issue(name, days=days)
        server = Server(
            "redis", "--tls-port", str(port := free_port()), "--tls-cert-file", str(certificate), "--tls-key-file",
            str(key), "--tls-ca-cert-file", str(authority.file), "--tls-auth-clients", asks_clients,
        )  # fmt: skip
        started.append(server)
        return port

    yield begin
    for server in started:
        server.stop()


def url_of(port, authority, host="127.0.0.1", *, more=""):
    return f"rediss://{host}:{port}/0?ssl_ca_certs={authority.file}{more}"


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


def test_e12_a_server_with_a_certificate_of_its_name_is_asked(enter, open_stores, start, authority):
    world = enter(open_stores(url_of(start(), authority)))

    assert begin(world).name
    assert not world.run(world.store.ask(question())).is_revoked


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"name": "other.example"}, "not valid for|mismatch"),
        ({"days": -1}, "expired"),
    ],
    ids=["another name", "expired"],
)
def test_e12_a_server_with_a_wrong_certificate_is_unavailable(
    enter, open_stores, start, authority, events, shown, reason
):
    """An attacker between us and the store could read and change every reply."""
    world = enter(open_stores(url_of(start(**shown), authority)))

    for _ in range(FAILURES):
        with pytest.raises(Unavailable, match=reason):
            begin(world)

    assert [StoreUnavailable] == [type(event) for event in events]
    assert "certificate" in events[0].reason


def test_e12_a_certificate_by_another_authority_is_unavailable(enter, open_stores, start, authority, tmp_path):
    other = Authority(tmp_path, "other")
    world = enter(open_stores(url_of(start(other), authority)))

    with pytest.raises(Unavailable, match="certificate"):
        begin(world)


def test_e12_without_an_authority_the_system_decides(enter, open_stores, start):
    """The system does not trust the authority of the tests."""
    world = enter(open_stores(f"rediss://127.0.0.1:{start()}"))

    with pytest.raises(Unavailable, match="certificate"):
        begin(world)


def test_e12_there_is_no_fallback_to_plain_text(enter, open_stores, server, authority):
    """The client never falls back to plain text with a server that does not use TLS."""
    world = enter(open_stores(url_of(server.port, authority), deadline_ms=QUICK_MS))

    with pytest.raises(Unavailable, match="does not answer"):
        begin(world)


def test_e12_a_certificate_of_our_own_is_shown(enter, open_stores, start, authority):
    """The server requires client certificates."""
    key, certificate = authority.issue("client.example")
    port = start(asks_clients="yes")
    own = f"&ssl_certfile={certificate}&ssl_keyfile={key}"
    known, unknown = (enter(open_stores(url_of(port, authority, more=more))) for more in (own, ""))

    assert begin(known).name
    with pytest.raises(Unavailable):
        begin(unknown)


def test_e12_every_driver_is_told_to_check_the_name():
    """Before version 6, redis-py does not check the name by default."""
    arguments = connection_arguments(parse_address("rediss://store.example"))

    assert arguments["ssl_check_hostname"] is True
    assert "required" == arguments["ssl_cert_reqs"]


def test_e5_a_closed_loop_leaves_no_encrypted_connection(open_stores, start, authority):
    """The socket belongs to the underlying transport and is closed with it."""
    stores = open_stores(url_of(start(), authority))
    loop = connection_asyncio.asyncio.new_event_loop()
    loop.run_until_complete(stores.native().begin_epoch(0, reason="new", seen=None))
    [known] = stores._loops._by_loop.values()
    [link] = known.client._pool._connections
    sock = link._connection._writer.transport.get_extra_info("socket")
    loop.close()

    stores.end()

    assert -1 == sock.fileno()
