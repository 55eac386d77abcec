"""Sentinel and Cluster over TLS, with Debian's Redis; Valkey's wheel has no TLS."""

import pytest

from certificates import Authority
from safeconduct.events import StoreUnavailable
from server_groups import SERVICE, Sentinel, ServerCluster
from store_servers import Server, free_port
from topology_sites import Site


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture
def open_tls_site():
    opened = []

    def make(url, **options):
        opened.append(Site(url, "wsgi", "strict", **options))
        return opened[-1]

    yield make
    for site in opened:
        site.close()


def shown(authority, name="127.0.0.1", *, days=1):
    """Return a server's options for a certificate of *name*."""
    # A later certificate of the same name would be written into the same files.
    key, certificate = (
        file.rename(file.with_name(f"{name}{days}{file.suffix}")) for file in authority.issue(name, days=days)
    )
    return {"tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": authority.file}


def as_arguments(options):
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def start_sentinel(authority):
    """Start a server with TLS and a sentinel, each with a certificate, and return the URL of the sentinel."""
    started = []

    def begin(of_server=None, of_sentinel=None):
        common = {"tls-auth-clients": "no", "tls-replication": "yes"}
        server_options = (of_server or shown(authority)) | common
        port = free_port()
        server = Server("redis", "--tls-port", str(port), *as_arguments(server_options))
        started.append(server)
        lines = [f"{name} {value}" for name, value in ((of_sentinel or shown(authority)) | common).items()]
        started.append(Sentinel("redis", port, "port 0", *lines, tls_port=True))
        return f"rediss+sentinel://127.0.0.1:{started[-1].port}/{SERVICE}?ssl_ca_certs={authority.file}"

    yield begin
    for each in reversed(started):
        each.stop()


def test_e12_sentinel_and_primary_are_asked_over_tls(start_sentinel, open_tls_site):
    site = open_tls_site(start_sentinel())

    assert 200 == site.status(site.sign_in())


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("of_server", {"days": -1}),
        ("of_server", {"name": "other.example"}),
        ("of_sentinel", {"name": "other.example"}),
    ],
    ids=["an expired server", "another server", "another sentinel"],
)
def test_e12_a_wrong_certificate_is_refused(start_sentinel, open_tls_site, authority, where, wrong):
    """Whether the sentinel or the primary shows it."""
    site = open_tls_site(start_sentinel(**{where: shown(authority, **wrong)}))

    assert [None] * 3 == [site.tokens() for _ in range(3)]
    assert any("certificate" in event.reason for event in site.events if isinstance(event, StoreUnavailable))


@pytest.mark.parametrize("where", ["of_server", "of_sentinel"])
def test_e12_another_authority_is_refused(start_sentinel, open_tls_site, tmp_path, where):
    site = open_tls_site(start_sentinel(**{where: shown(Authority(tmp_path, "other"))}))

    assert [None] * 3 == [site.tokens() for _ in range(3)]
    assert any("certificate" in event.reason for event in site.events if isinstance(event, StoreUnavailable))


def test_e12_a_cluster_is_asked_over_tls_with_a_certificate_of_our_own(authority, open_tls_site):
    """Every node requires one, and the nodes name each other's TLS ports."""
    demanded = {"tls-auth-clients": "yes", "tls-cluster": "yes", "tls-replication": "yes"}
    options = as_arguments(shown(authority) | demanded)
    cluster = ServerCluster("redis", *options, nodes=3, has_tls=True)
    try:
        key, certificate = authority.issue("client.example")
        nodes = ",".join(f"127.0.0.1:{port}" for port in cluster.tls_ports)
        url = f"rediss+cluster://{nodes}?ssl_ca_certs={authority.file}"
        known = open_tls_site(f"{url}&ssl_certfile={certificate}&ssl_keyfile={key}", shards=8)
        unknown = open_tls_site(url, shards=8)

        assert [200] * 8 == [known.status(known.sign_in_on(shard)) for shard in range(8)]
        assert unknown.tokens() is None
    finally:
        cluster.stop()
