"""The network that a request came from, as far as an address tells it."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from safeconduct._http.forwarded import UNIX

UNKNOWN: Final = "unknown"
"""Where those come from who have no address, behind a proxy that nobody named: it tells nothing of them."""


_IPV6_PREFIX_BITS: Final = 64


def network_of(host: str | None) -> str:
    """
    Return the network of the peer *host*: an IPv4 address itself, the /64 of an IPv6 address.

    A customer gets a /64 at least, so that a single IPv6 address says nothing.  An IPv4 address that travels inside
    an IPv6 one is the same network either way.  *host* must be the server's own word, or that of a trusted proxy.
    """
    if host == UNIX:
        # A proxy that is named and names nobody: one hop, with the bounds of a network.
        return UNIX
    try:
        address = ip_address(host or "")
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return _of_ipv6(address)
    return str(address)


def _of_ipv6(address: IPv6Address) -> str:
    mapped: IPv4Address | None = address.ipv4_mapped
    if mapped is not None:
        return str(mapped)
    return str(IPv6Network((int(address), _IPV6_PREFIX_BITS), strict=False))
