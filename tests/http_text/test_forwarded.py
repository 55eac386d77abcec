"""Believe forwarding fields only if a trusted proxy wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_client import request_with
from safeconduct._http.forwarded import MAX_FIELD_BYTES, Client, Proxies, client_of
from safeconduct.errors import ConfigurationError

_TRUSTED = Proxies.of(["10.0.0.0/8", "2001:db8::1"])
_BY_SOCKET = Proxies.of(["unix", "10.0.0.0/8"])
_PEER = Client("10.0.0.7", is_secure=False)


def _client(*fields, peer="10.0.0.7", trusted=_TRUSTED, is_secure=False, merges=False):
    request = request_with(*fields, client_host=peer, is_secure=is_secure)
    request.merges_spellings = merges
    return client_of(request, trusted)


def _forwarded(value):
    return _client((b"forwarded", value))


@pytest.mark.parametrize("peer", ["192.0.2.9", "11.0.0.7", "2001:db8::2", None, "", "testclient"])
def test_the_word_of_an_untrusted_peer_is_ignored(peer):
    """This holds for a peer without an address, too."""
    fields = [(b"forwarded", b"for=198.51.100.1;proto=https"), (b"x-forwarded-proto", b"https")]

    assert Client(peer, is_secure=False) == _client(*fields, peer=peer)


def test_without_trusted_proxies_nothing_is_read():
    """By default no proxy is trusted."""
    assert _PEER == _client((b"x-forwarded-for", b"198.51.100.1"), trusted=Proxies())


@pytest.mark.parametrize("peer", ["10.255.0.1", "2001:db8::1", "::ffff:10.0.0.7"])
def test_a_trusted_peer_names_the_client(peer):
    """An IPv4 address mapped to IPv6 is the same address."""
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
        (b"for=198.51.100.1;", Client("198.51.100.1", is_secure=False)),
        (b"proto=wss", Client("10.0.0.7", is_secure=True)),
        (b"by=10.0.0.7", _PEER),
    ],
    ids=repr,
)
def test_the_last_element_of_forwarded_counts(value, expected):
    """RFC 7239 §4: missing parameters are taken from the connection."""
    assert expected == _forwarded(value)


@pytest.mark.parametrize(
    "value",
    [
        b"for=198.51.100.1;for=198.51.100.2",
        b'for="198.51.100.1',
        b"for=198.51.100.1 proto=https",
        b"198.51.100.1",
        b"proto=ftp;for=198.51.100.1",
        b"for=198.51.100.1;;proto=https",
        b"for=198.51.100.1;proto=https;x=" + b"a" * MAX_FIELD_BYTES,
        b"for=198.51.100.1;proto=https,",
        b"",
    ],
    ids=lambda value: repr(value[:40]),
)
def test_c8_a_last_element_that_can_not_be_read_leaves_the_peers_own(value):
    """The search ends at the peer; its scheme is that of the connection."""
    assert _PEER == _forwarded(value)


@pytest.mark.parametrize("node", [b"unknown", b"_hidden", b"198.51.100.999", b'"2001:db8::9:80:1:1:1:1:1:1"', b'""'])
def test_c8_a_node_that_is_hidden_leaves_the_scheme(node):
    """A trusted proxy knows the scheme of the request that it got."""
    assert Client("10.0.0.7", is_secure=True) == _forwarded(b"for=" + node + b";proto=https")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # client, edge: the balancer at 10.0.0.7 got the request from the edge at 10.0.0.2
        (b"for=198.51.100.1;proto=https, for=10.0.0.2;proto=http", Client("198.51.100.1", is_secure=True)),
        (b"for=6.6.6.6, for=198.51.100.1;proto=https, for=10.0.0.2", Client("198.51.100.1", is_secure=True)),
        (b"for=6.6.6.6;proto=https, for=198.51.100.1;proto=http", Client("198.51.100.1", is_secure=False)),
        (b'for="[2001:db8::1]";proto=https,for=10.0.0.2;proto=http', Client("2001:db8::1", is_secure=True)),
        (b"for=_a;proto=https, for=10.0.0.2;proto=http", Client("10.0.0.2", is_secure=True)),
        (b"nonsense, for=10.0.0.2;proto=https", Client("10.0.0.2", is_secure=True)),
        (b'for=", for=198.51.100.1;proto=https', Client("198.51.100.1", is_secure=True)),
        (b'for=6.6.6.6, for=", for=198.51.100.1;proto="https"', Client("198.51.100.1", is_secure=True)),
        (b'a=", for=198.51.100.1;host="b, for=6.6.6.6"', _PEER),
        (b'host="a, for=6.6.6.6", for=198.51.100.1', Client("198.51.100.1", is_secure=False)),
        (b"for=6.6.6.6, nonsense, for=10.0.0.2", Client("10.0.0.2", is_secure=False)),
    ],
    ids=repr,
)
def test_c3_forwarded_is_walked_from_the_right(value, expected):
    """Elements count while their writer is trusted; the last of them gives the scheme."""
    assert expected == _forwarded(value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(b"x-forwarded-for", b"198.51.100.1")], Client("198.51.100.1", is_secure=False)),
        ([(b"x-forwarded-for", b"203.0.113.1, 198.51.100.1")], Client("198.51.100.1", is_secure=False)),
        ([(b"x-forwarded-for", b"198.51.100.1, 10.0.0.2")], Client("198.51.100.1", is_secure=False)),
        ([(b"x-forwarded-for", b"6.6.6.6, 198.51.100.1,10.0.0.3, 10.0.0.2")], Client("198.51.100.1", is_secure=False)),
        ([(b"x-forwarded-for", b"10.0.0.3, 10.0.0.2")], Client("10.0.0.3", is_secure=False)),
        (
            [(b"x-forwarded-for", b"203.0.113.1"), (b"x-forwarded-for", b"2001:DB8::9")],
            Client("2001:db8::9", is_secure=False),
        ),
        (
            [(b"x-forwarded-for", b"198.51.100.1:80"), (b"x-forwarded-proto", b"HTTPS")],
            Client("198.51.100.1", is_secure=True),
        ),
        (
            [(b"x-forwarded-for", b"198.51.100.1, 10.0.0.2"), (b"x-forwarded-proto", b"https")],
            Client("198.51.100.1", is_secure=True),
        ),
        (
            [(b"x-forwarded-for", b"198.51.100.1, 10.0.0.2"), (b"x-forwarded-proto", b"https, http")],
            Client("198.51.100.1", is_secure=True),
        ),
        (
            [(b"x-forwarded-for", b"6.6.6.6, 198.51.100.1"), (b"x-forwarded-proto", b"https, http")],
            Client("198.51.100.1", is_secure=False),
        ),
        (
            [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"quic")],
            Client("198.51.100.1", is_secure=False),
        ),
        ([(b"x-forwarded-proto", b"https")], Client("10.0.0.7", is_secure=True)),
        ([(b"x-forwarded-for", b"fe80::1%eth0")], _PEER),
        ([(b"x-forwarded-for", b"")], _PEER),
        ([(b"x-forwarded-for", b"\xff")], _PEER),
    ],
    ids=repr,
)
def test_c3_the_older_fields_are_walked_from_the_right(fields, expected):
    """Several fields form one list."""
    assert expected == _client(*fields)


@pytest.mark.parametrize("nodes", [b"", b",", b"198.51.100.1,", b"unknown", b"198.51.100.1, garbage", b"\xff"])
def test_c8_a_node_that_can_not_be_read_does_not_discard_the_scheme(nodes):
    """The hop to its right is used; the scheme comes from another field."""
    actual = _client((b"x-forwarded-for", nodes), (b"x-forwarded-proto", b"https"))

    assert Client("10.0.0.7", is_secure=True) == actual


def test_c8_the_hop_to_the_right_of_what_can_not_be_read_is_counted():
    actual = _client((b"x-forwarded-for", b"198.51.100.1, oops, 10.0.0.2"), (b"x-forwarded-proto", b"https"))

    assert Client("10.0.0.2", is_secure=True) == actual


@pytest.mark.parametrize("value", [b"https,http", b"http,https", b"http, https", b"https,"])
def test_c9_a_comma_in_a_scheme_is_not_believed(value):
    """A proxy writes one value; a joined one may contain the client's X_Forwarded_Proto."""
    named = (b"x-forwarded-for", b"198.51.100.1")

    assert _PEER == _client((b"x-forwarded-proto", value))
    assert Client("198.51.100.1", is_secure=False) == _client(named, (b"x-forwarded-proto", value))


def test_c9_where_spellings_are_merged_a_comma_without_a_blank_is_not_believed():
    """The client's part is unknown, so the proxy's address is used, also beside ``Forwarded``."""
    merged = (b"x-forwarded-for", b"198.51.100.1,6.6.6.6")
    schemes = (b"x-forwarded-proto", b"http,https")
    written = (b"x-forwarded-for", b"198.51.100.1, 10.0.0.2")

    assert _PEER == _client(merged, schemes, merges=True)
    assert _PEER == _client(merged, (b"forwarded", b"for=6.6.6.6"), merges=True)
    assert Client("198.51.100.1", is_secure=False) == _client(written, merges=True)
    assert Client("6.6.6.6", is_secure=False) == _client(merged)


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_c2_a_peer_without_an_address_is_believed_if_it_is_named(peer):
    """A proxy behind a Unix socket is trusted only if it is named."""
    fields = [(b"x-forwarded-for", b"198.51.100.1, 10.0.0.2"), (b"x-forwarded-proto", b"https")]

    assert Client("198.51.100.1", is_secure=True) == _client(*fields, peer=peer, trusted=_BY_SOCKET)
    assert Client("unix", is_secure=False) == _client(peer=peer, trusted=_BY_SOCKET)
    assert Client("unix", is_secure=True) == _client(
        (b"x-forwarded-for", b"?"), fields[1], peer=peer, trusted=_BY_SOCKET
    )
    assert Client(peer, is_secure=False) == _client(*fields, peer=peer)


def test_c2_no_field_names_a_unix_socket():
    """Only the server can tell that a peer came through a Unix socket."""
    named = _client((b"x-forwarded-for", b"198.51.100.1, unix"), trusted=_BY_SOCKET)

    assert Client("10.0.0.7", is_secure=False) == named
    assert Client("192.0.2.9", is_secure=False) == _client(
        (b"x-forwarded-for", b"::1"), peer="192.0.2.9", trusted=_BY_SOCKET
    )


def test_a_trusted_peer_may_say_that_it_was_plain():
    """This holds although the hop from the proxy to us uses TLS."""
    actual = _client((b"x-forwarded-proto", b"http"), is_secure=True)

    assert Client("10.0.0.7", is_secure=False) == actual


def test_two_families_of_fields_must_agree():
    """One of them may come from the client."""
    older = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"http")]

    assert _PEER == _client((b"forwarded", b"for=203.0.113.1;proto=http"), *older)
    assert _PEER == _client((b"forwarded", b"for=198.51.100.1;proto=https"), *older)
    assert _PEER == _client((b"forwarded", b"nonsense"), *older)
    assert Client("198.51.100.1", is_secure=False) == _client((b"forwarded", b"for=198.51.100.1;proto=http"), *older)


def test_what_only_one_family_says_is_no_disagreement():
    actual = _client((b"forwarded", b"for=198.51.100.1"), (b"x-forwarded-proto", b"https"))

    assert Client("198.51.100.1", is_secure=True) == actual


@pytest.mark.parametrize("text", ["10.0.0.1/8", "example.org", "", "10.0.0.0/33"])
def test_what_is_no_network_cannot_be_trusted(text):
    """A network with host bits is refused too, because it is ambiguous."""
    with pytest.raises(ConfigurationError):
        Proxies.of([text])


_ATOMS = st.sampled_from(
    ["for=", "proto=", "https", '"', "\\", ",", ";", " ", "198.51.100.1", "[2001:db8::1]", ":80", "x", "%", "\t", "="]
)
_HEADERS = st.lists(_ATOMS, max_size=10).map(lambda atoms: "".join(atoms).encode()) | st.binary(max_size=30)


@pytest.mark.parametrize("value", [b'"\\",' * 2000, b'for="' * 1600, b'",' * 4000, b"for=1.2.3.4," * 650, b"\\" * 8000])
def test_a_long_field_is_read_in_one_go(value):
    """Parsing does not backtrack: 8 KB take no longer than any other 8 KB."""
    assert isinstance(_client((b"forwarded", value), (b"x-forwarded-for", value)), Client)


@given(
    st.lists(st.tuples(st.sampled_from([b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"]), _HEADERS), max_size=4)
)
def test_nothing_leaves_and_an_untrusted_peer_gains_nothing(fields):
    """Any content of the fields raises nothing but an ``AuthError``."""
    assert isinstance(_client(*fields), Client)
    assert Client("192.0.2.9", is_secure=False) == _client(*fields, peer="192.0.2.9")
