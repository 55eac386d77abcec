"""Verify a server's certificate over TLS: its name, its authority and its validity."""

import re
from types import SimpleNamespace

import pytest

from certificates import Authority
from safeconduct.errors import Unavailable
from safeconduct.events import CertificatesUnreadable, StoreUnavailable
from safeconduct.stores.redis import connection_asyncio
from safeconduct.stores.redis.addresses import parse_address, parse_location
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


def test_the_authorities_of_the_system_are_not_trusted_beside_ours(
    enter, open_stores, start, authority, tmp_path, monkeypatch
):
    """Anyone who gets a certificate of the store's name from one of them could read and change every reply."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    port = start()
    assert begin(enter(open_stores(f"rediss://127.0.0.1:{port}"))).name
    world = enter(open_stores(url_of(port, Authority(tmp_path, "other"))))

    with pytest.raises(Unavailable, match="certificate"):
        begin(world)


@pytest.fixture
def trusted(authority, tmp_path):
    """A file with the authorities that a store trusts, and a function that replaces it."""
    file, other = tmp_path / "trusted.pem", Authority(tmp_path, "other")

    def trust(which):
        draft = tmp_path / "draft.pem"
        draft.write_bytes({"ours": authority, "other": other, "both": authority}[which].file.read_bytes())
        if which == "both":
            draft.write_bytes(draft.read_bytes() + other.file.read_bytes())
        draft.replace(file)

    trust("ours")
    return SimpleNamespace(file=file, trust=trust, other=other)


def test_files_are_read_once_for_all_connections(trusted, authority):
    """Reading those of a system takes longer than a handshake."""
    key, certificate = authority.issue("client.example")
    url = f"rediss://a/?ssl_ca_certs={trusted.file}&ssl_certfile={certificate}&ssl_keyfile={key}"
    for addresses in (
        [parse_address(url)] * 2,
        parse_location(url.replace("rediss://a", "rediss+cluster://a,b")).nodes,
        parse_location(url.replace("rediss://a/", "rediss+sentinel://a,b/main")).nodes,
    ):
        first, second = (address.certificates.context() for address in addresses)
        assert first is second is addresses[0].at("c", 1).certificates.context()


@pytest.mark.parametrize("change", ["replaced", "written", "gone"])
def test_a_file_that_has_changed_is_read_anew(trusted, change):
    certificates = parse_address(f"rediss://a/?ssl_ca_certs={trusted.file}").certificates
    known = certificates.context()

    if change == "replaced":
        trusted.trust("ours")
    elif change == "written":
        trusted.file.write_bytes(trusted.file.read_bytes() + trusted.other.file.read_bytes())
    else:
        trusted.file.unlink()
        assert known is certificates.context()
        trusted.trust("ours")

    assert known is not certificates.context()
    assert certificates.context() is certificates.context()


@pytest.mark.parametrize("half", ["authorities", "certificate", "key"])
def test_a_file_that_is_half_written_takes_no_store_away(trusted, authority, tmp_path, half):
    """Two files are never exchanged at once: for a while, the key is that of the other certificate."""
    files = {"authorities": trusted.file, "key": tmp_path / "own.key", "certificate": tmp_path / "own.crt"}
    for name, source in zip(("key", "certificate"), authority.issue("client.example"), strict=True):
        files[name].write_bytes(source.read_bytes())
    url = f"rediss://a/?ssl_ca_certs={trusted.file}&ssl_certfile={files['certificate']}&ssl_keyfile={files['key']}"
    certificates, whole = parse_address(url).certificates, files[half].read_bytes()
    known = certificates.context()

    files[half].write_bytes(whole[: len(whole) // 2])

    assert known is certificates.context()
    with pytest.raises(OSError, match=r"PEM|NO_CERTIFICATE"):
        parse_address(url).certificates.context()
    files[half].write_bytes(whole)
    assert known is not certificates.context()
    assert certificates.context() is certificates.context()


def test_unreadable_certificates_are_announced_once_a_minute(enter, open_stores, start, trusted, events, monotonic):
    world = enter(open_stores(f"rediss://127.0.0.1:{start()}/0?ssl_ca_certs={trusted.file}"))
    assert begin(world).name

    trusted.file.write_bytes(b"no certificate")
    for later_seconds in (0, 59, 2):
        monotonic.seconds += later_seconds
        drop_connections(world)
        # The authorities from before are still trusted.
        assert begin(world).name

    assert [CertificatesUnreadable] * 2 == [type(event) for event in events]
    assert re.match(r"ssl_ca_certs: .*(PEM|NO_CERTIFICATE)", events[0].reason)


def test_the_systems_authorities_are_read_anew_too(monkeypatch, trusted):
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    certificates = parse_address("rediss://a").certificates
    known = certificates.context()
    assert known is certificates.context()

    trusted.trust("both")

    assert known is not certificates.context()
    assert 2 == certificates.context().cert_store_stats()["x509_ca"]


def test_authorities_are_exchanged_without_a_restart(enter, open_stores, start, trusted):
    """A connection that is open stays; the next one is judged by the new file."""
    first, second = start(), start(trusted.other)
    world = enter(open_stores(f"rediss://127.0.0.1:{first}/0?ssl_ca_certs={trusted.file}"))
    later = enter(open_stores(f"rediss://127.0.0.1:{second}/0?ssl_ca_certs={trusted.file}"))
    assert begin(world).name
    with pytest.raises(Unavailable, match="certificate"):
        begin(later)

    trusted.trust("both")
    assert begin(world).name
    assert begin(later).name

    trusted.trust("other")
    drop_connections(world)
    with pytest.raises(Unavailable, match="certificate"):
        begin(world)
    drop_connections(later)
    assert begin(later).name


def test_a_certificate_of_our_own_is_exchanged_without_a_restart(enter, open_stores, start, authority, tmp_path):
    port, files = start(asks_clients="yes"), [tmp_path / "own.crt", tmp_path / "own.key"]

    def show(signing):
        for file, source in zip(files, reversed(signing.issue("client.example")), strict=True):
            file.write_bytes(source.read_bytes())

    show(Authority(tmp_path, "unknown"))
    own = f"&ssl_certfile={files[0]}&ssl_keyfile={files[1]}"
    world = enter(open_stores(url_of(port, authority, more=own)))
    with pytest.raises(Unavailable):
        begin(world)

    show(authority)

    assert begin(world).name


def drop_connections(world):
    world.run(world.store.close())
