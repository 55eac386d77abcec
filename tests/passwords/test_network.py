"""Reduce a client's address to the network that the throttle counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._http.forwarded import UNKNOWN, network_of


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", UNKNOWN),
        (None, UNKNOWN),
        ("/run/app.sock", UNKNOWN),
        ("testclient", UNKNOWN),
        ("192.0.2.7:80", UNKNOWN),
        ("192.0.2.07", UNKNOWN),
    ],
    ids=str,
)
def test_an_address_names_its_network(host, expected):
    """An IPv4 address is one network, an IPv6 address its /64, and everything else one network together."""
    assert expected == network_of(host)


@given(st.text(max_size=50))
def test_any_text_has_a_network(host):
    assert network_of(host)
