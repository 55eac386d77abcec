"""
Who is at the other end, when proxies that we trust stand between (RFC 7239, and the older ``X-Forwarded-*``).

Each proxy appends an element that says who asked it, and how.  They are walked from the right: the element that a
trusted hop wrote names the next hop, and the first hop that is not trusted is the client.  An element that can't be
read, or hides its node, ends the walk: the hop to its right counts, and the scheme is that of the element at which the
walk ended.  Those proxies must set, or take away, each of the fields they let through.

``X-Forwarded-Proto`` is one value, or one for each element of ``X-Forwarded-For``; anything else is not believed,
since a server or a proxy joined it with what the client sent.  Where ``Forwarded`` and ``X-Forwarded-*`` came both and
disagree, one of the two was let through from the client, and the peer's own address and scheme stand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from safeconduct._http.request import Request
from safeconduct.errors import ConfigurationError

Network = IPv4Network | IPv6Network

MAX_FIELD_BYTES: Final = 8 * 1024
"""The longest fields, joined, that are looked at."""

UNIX: Final = "unix"
"""What ``proxies.trusted`` calls a peer without an address: one that came by a Unix socket."""

_SECURE_SCHEMES: Final = {"https": True, "wss": True, "http": False, "ws": False}
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - a token of RFC 9110 §5.6.2
_PAIR = re.compile(rf'[ \t]*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|\Z)')
_ESCAPED = re.compile(r"\\(.)")
# Possessive, so that a quote that nobody closes is found out in one go.
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"|[",]')
# node = IPv4address / "[" IPv6address "]" [ ":" node-port ] — RFC 7239 §6; X-Forwarded-For has it without brackets too
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
_BARE_COMMA = re.compile(r",(?! )")


@dataclass(frozen=True, slots=True)
class Client:
    """The far end of a request; *address* is None where it is not known."""

    address: str | None
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies that are believed: networks, and whether a peer without an address is one."""

    networks: tuple[Network, ...] = ()
    by_unix_socket: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Proxies":
        """
        Read ``proxies.trusted``: each an address, an address and a prefix length, or ``unix``.

        Raises:
            ConfigurationError: If one is none of these, or has bits behind its prefix.
        """
        listed = tuple(texts)
        return cls(tuple(_network(text) for text in listed if text != UNIX), UNIX in listed)

    def include(self, address: str | None) -> bool:
        """Say whether the hop with this *address*, as it came, is one of them."""
        if address == UNIX:
            return self.by_unix_socket
        read = _address_or_none(address) if self.networks else None
        return read is not None and any(read in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an element says of who asked: None where it says nothing, or nothing that can be read."""

    node: str | None = None
    is_secure: bool | None = None
    #: Whether it was to say a node at all.
    tells_node: bool = True


def client_of(request: Request, proxies: Proxies) -> Client:
    """
    Return who sent *request*: the peer, or whom trusted hops name.

    Args:
        request: Its *client_host* and *is_secure* are the server's own word.
        proxies: Who is believed.
    """
    peer = Client(request.client_host, request.is_secure)
    if proxies.by_unix_socket and _address_or_none(peer.address) is None:
        peer = Client(UNIX, peer.is_secure)
    if not proxies.include(peer.address):
        return peer
    fields = [found for found in (_forwarded(request, proxies), _x_forwarded(request, proxies)) if found is not None]
    nodes = {found.node for found in fields if found.tells_node}
    schemes = {found.is_secure for found in fields if found.is_secure is not None}
    if len(nodes) > 1 or len(schemes) > 1:
        return peer
    node = nodes.pop() if nodes else None
    return Client(node or peer.address, schemes.pop() if schemes else peer.is_secure)


def _walk(elements: Iterable[_Said], proxies: Proxies) -> _Said:
    """Follow *elements*, the last one first, for as long as a trusted hop wrote them."""
    node: str | None = None
    is_secure: bool | None = None
    for element in elements:
        if element.node is None:
            # Where even its scheme can't be read, that of the hop that counts stays.
            return _Said(node, is_secure if element.is_secure is None else element.is_secure)
        node, is_secure = element.node, element.is_secure
        if not proxies.include(node):
            break
    return _Said(node, is_secure)


def _forwarded(request: Request, proxies: Proxies) -> _Said | None:
    text = _joined(request, b"forwarded")
    return None if text is None else _walk(map(_element, reversed(_split(text))), proxies)


def _x_forwarded(request: Request, proxies: Proxies) -> _Said | None:
    nodes, schemes = (_listed(request, name) for name in (b"x-forwarded-for", b"x-forwarded-proto"))
    if nodes is None:
        return None if schemes is None else _Said(is_secure=_is_secure(_sole(schemes)), tells_node=False)
    if schemes is None or len(schemes) != len(nodes):
        schemes = [_sole(schemes or [])] * len(nodes)
    return _walk(map(_Said, map(_node, reversed(nodes)), map(_is_secure, reversed(schemes))), proxies)


def _sole(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else ""


def _joined(request: Request, name: bytes) -> str | None:
    """Return all fields *name* as one, None where there is none; one that can't be read where they are too long."""
    values = request.values(name)
    if sum(map(len, values)) > MAX_FIELD_BYTES:
        return ""
    return b", ".join(values).decode("latin-1") if values else None


def _listed(request: Request, name: bytes) -> list[str] | None:
    text = _joined(request, name)
    if text is None:
        return None
    if request.merges_spellings and _BARE_COMMA.search(text):
        # What the server joined may be X_Forwarded_For of the client, and its place tells nothing.
        return [""]
    return [part.strip(" \t") for part in text.split(",")]


def _split(text: str) -> list[str]:
    """Split at each comma that is not quoted; a quote that nobody closes quotes nothing."""
    parts: list[str] = []
    start = 0
    for mark in _MARK.finditer(text):
        if mark[0] == '"':
            break
        if mark[0] == ",":
            parts.append(text[start : mark.start()])
            start = mark.end()
    else:
        return [*parts, text[start:]]
    return parts + text[start:].split(",")


def _element(text: str) -> _Said:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None or match[1].lower() in pairs:
            return _Said()
        pairs[match[1].lower()] = match[2] or _ESCAPED.sub(r"\1", match[3])
        at = match.end()
    scheme = pairs.get("proto")
    is_secure = None if scheme is None else _is_secure(scheme)
    # A scheme that is none is no element of a proxy that we know.
    return _Said() if scheme is not None and is_secure is None else _Said(_node(pairs.get("for", "")), is_secure)


def _node(text: str) -> str | None:
    match = _NODE.fullmatch(text)
    address = None if match is None else _address_or_none(match[1] or match[2] or match[3])
    return None if address is None else str(address)


def _is_secure(text: str) -> bool | None:
    return _SECURE_SCHEMES.get(text.lower())


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ConfigurationError(f'proxies.trusted must be addresses, networks or "{UNIX}", got {text!r}') from None


def _address_or_none(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        read = ip_address(text or "")
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is how a socket for both families shows 192.0.2.1
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read


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
