"""Proxies: whom a trusted peer names counts, and nobody else's word does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import request_with
from safeconduct._http.forwarded import MAX_FIELD_BYTES, Client, client_of, trusted_networks
from safeconduct.errors import ConfigurationError

_TRUSTED = trusted_networks(["10.0.0.0/8", "2001:db8::1"])
_PEER = Client("10.0.0.7", is_secure=False)


def _client(*fields, peer="10.0.0.7", trusted=_TRUSTED, is_secure=False):
    return client_of(request_with(*fields, client_host=peer, is_secure=is_secure), trusted)


def _forwarded(value):
    return _client((b"forwarded", value))


@pytest.mark.parametrize("peer", ["192.0.2.9", "11.0.0.7", "2001:db8::2", None, "", "testclient"])
def test_the_word_of_a_stranger_is_ignored(peer):
    """Also that of a peer without an address."""
    fields = [(b"forwarded", b"for=198.51.100.1;proto=https"), (b"x-forwarded-proto", b"https")]

    assert Client(peer, is_secure=False) == _client(*fields, peer=peer)


def test_without_trusted_proxies_nothing_is_read():
    """The default."""
    assert _PEER == _client((b"x-forwarded-for", b"198.51.100.1"), trusted=())


@pytest.mark.parametrize("peer", ["10.255.0.1", "2001:db8::1", "::ffff:10.0.0.7"])
def test_a_trusted_peer_names_the_client(peer):
    """An IPv4 address that a socket for both families shows is the same one."""
    assert Client("198.51.100.1", is_secure=True) == _client((b"forwarded", b"for=198.51.100.1;proto=https"), peer=peer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"for=198.51.100.1", Client("198.51.100.1", is_secure=False)),
        (b"For=198.51.100.1 ; PROTO=HTTPS", Client("198.51.100.1", is_secure=True)),
        (b'for="198.51.100.1:4711";by=_proxy;host="x, y"', Client("198.51.100.1", is_secure=False)),
        (b'for="[2001:DB8::9]:80";proto=https', Client("2001:db8::9", is_secure=True)),
        (b'for="\\1\\98.51.100.1"', Client("198.51.100.1", is_secure=False)),
        (b'for="[::ffff:198.51.100.1]"', Client("198.51.100.1", is_secure=False)),
        (b"for=203.0.113.1;proto=https, for=198.51.100.1", Client("198.51.100.1", is_secure=False)),
        (b"proto=wss", Client("10.0.0.7", is_secure=True)),
        (b"by=10.0.0.7", _PEER),
    ],
    ids=repr,
)
def test_the_last_element_of_forwarded_counts(value, expected):
    """RFC 7239 §4; what it does not say is the peer's own."""
    assert expected == _forwarded(value)


@pytest.mark.parametrize(
    "value",
    [
        b"for=unknown;proto=https",
        b"for=_hidden;proto=https",
        b"for=198.51.100.1;for=198.51.100.2",
        b'for="198.51.100.1',
        b'for=", for=198.51.100.1;proto=https',
        b"for=198.51.100.1 proto=https",
        b"198.51.100.1",
        b"for=198.51.100.999",
        b'for="2001:db8::9:80:1:1:1:1:1:1"',
        b"proto=ftp;for=198.51.100.1",
        b"for=198.51.100.1;;proto=https",
        b'for="";proto=https',
        b"for=198.51.100.1;proto=https;x=" + b"a" * MAX_FIELD_BYTES,
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_malformed_forwarded_leaves_the_peers_own(value):
    """All of it: an address without its scheme would be half a truth."""
    assert _PEER == _forwarded(value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(b"x-forwarded-for", b"198.51.100.1")], Client("198.51.100.1", is_secure=False)),
        ([(b"x-forwarded-for", b"203.0.113.1, 198.51.100.1")], Client("198.51.100.1", is_secure=False)),
        (
            [(b"x-forwarded-for", b"203.0.113.1"), (b"x-forwarded-for", b"2001:DB8::9")],
            Client("2001:db8::9", is_secure=False),
        ),
        (
            [(b"x-forwarded-for", b"198.51.100.1:80"), (b"x-forwarded-proto", b"HTTPS")],
            Client("198.51.100.1", is_secure=True),
        ),
        ([(b"x-forwarded-proto", b"https,http")], _PEER),
        ([(b"x-forwarded-proto", b"http,https")], Client("10.0.0.7", is_secure=True)),
        ([(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"quic")], _PEER),
        ([(b"x-forwarded-for", b"fe80::1%eth0")], _PEER),
        ([(b"x-forwarded-for", b"")], _PEER),
        ([(b"x-forwarded-for", b"\xff")], _PEER),
    ],
    ids=repr,
)
def test_the_last_entry_of_the_older_fields_counts(fields, expected):
    """Several fields are one list; what is malformed leaves the peer's own."""
    assert expected == _client(*fields)


def test_a_trusted_peer_may_say_that_it_was_plain():
    """Though the hop from it to us is over TLS."""
    actual = _client((b"x-forwarded-proto", b"http"), is_secure=True)

    assert Client("10.0.0.7", is_secure=False) == actual


def test_two_families_of_fields_must_agree():
    """One of them may have been let through from the client."""
    older = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"http")]

    assert _PEER == _client((b"forwarded", b"for=203.0.113.1;proto=https"), *older)
    assert _client((b"forwarded", b"for=198.51.100.1;proto=http"), *older) == Client("198.51.100.1", is_secure=False)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "example.org", "", "10.0.0.0/33"])
def test_what_is_no_network_cannot_be_trusted(text):
    """Nor one with bits behind its prefix, which means something else to everybody."""
    with pytest.raises(ConfigurationError):
        trusted_networks([text])


_ATOMS = st.sampled_from(
    ["for=", "proto=", "https", '"', "\\", ",", ";", " ", "198.51.100.1", "[2001:db8::1]", ":80", "x", "%", "\t", "="]
)
_HEADERS = st.lists(_ATOMS, max_size=10).map(lambda atoms: "".join(atoms).encode()) | st.binary(max_size=30)


@given(
    st.lists(st.tuples(st.sampled_from([b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"]), _HEADERS), max_size=4)
)
def test_nothing_leaves_and_a_stranger_gains_nothing(fields):
    """Whatever the fields hold."""
    assert isinstance(_client(*fields), Client)
    assert Client("192.0.2.9", is_secure=False) == _client(*fields, peer="192.0.2.9")
