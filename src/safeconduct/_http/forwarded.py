"""
Find the client behind trusted proxies (RFC 7239, and the older ``X-Forwarded-*``).

Each proxy appends an element that says who sent it the request, and how.  The elements are read from the right: the one
that a trusted proxy wrote names the next hop, and the first hop that is not trusted is the client.  An element that is
malformed, or hides its node, ends the search: the hop to its right counts, with the scheme of the element at which the
search ended.  The trusted proxies must set or remove each of these fields.

``X-Forwarded-Proto`` has one value, or one for each element of ``X-Forwarded-For``; any other number is ignored, since
a server or a proxy joined it with what the client sent.  Where both ``Forwarded`` and ``X-Forwarded-*`` came and they
disagree, one of them was passed through from the client, and the peer's own address and scheme count.
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
"""The longest fields, joined, that are parsed."""

UNIX: Final = "unix"
"""The entry in ``proxies.trusted`` for a peer without an address, which connects by a Unix socket."""

UNKNOWN: Final = "unknown"
"""The network of every client without an address, behind a proxy that is not configured."""

_IPV6_PREFIX_BITS: Final = 64
_SECURE_SCHEMES: Final = {"https": True, "wss": True, "http": False, "ws": False}
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - a token of RFC 9110 §5.6.2
_PAIR = re.compile(rf'[ \t]*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|\Z)')
_ESCAPED = re.compile(r"\\(.)")
# Possessive, so that an unclosed quote is found in one pass.
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"|[",]')
# node = IPv4address / "[" IPv6address "]" [ ":" node-port ] — RFC 7239 §6; X-Forwarded-For has it without brackets too
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
_BARE_COMMA = re.compile(r",(?! )")


@dataclass(frozen=True, slots=True)
class Client:
    """The client that sent a request; *address* is None where it is not known."""

    address: str | None
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Proxies:
    """The trusted proxies: their networks, and whether a peer without an address is one."""

    networks: tuple[Network, ...] = ()
    by_unix_socket: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Proxies":
        """
        Read ``proxies.trusted``, whose entries are an address, an address with a prefix length, or ``unix``.

        Raises:
            ConfigurationError: If an entry is none of these, or has bits set after its prefix.
        """
        listed = tuple(texts)
        return cls(tuple(_network(text) for text in listed if text != UNIX), UNIX in listed)

    def include(self, address: str | None) -> bool:
        """Return whether the hop with this *address* is a trusted proxy."""
        if address == UNIX:
            return self.by_unix_socket
        parsed = _address_or_none(address) if self.networks else None
        return parsed is not None and any(parsed in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class _Hop:
    """The previous hop, as one element names it; None where the element omits it or is malformed."""

    node: str | None = None
    is_secure: bool | None = None
    #: Whether the element was meant to name a node.
    names_node: bool = True


def client_of(request: Request, proxies: Proxies) -> Client:
    """
    Return the client of *request*: the peer, or the hop that trusted proxies name.

    Args:
        request: Its *client_host* and *is_secure* are those that the server saw.
        proxies: The trusted proxies.
    """
    peer = Client(request.client_host, request.is_secure)
    if proxies.by_unix_socket and _address_or_none(peer.address) is None:
        peer = Client(UNIX, peer.is_secure)
    if not proxies.include(peer.address):
        return peer
    fields = [found for found in (_forwarded(request, proxies), _x_forwarded(request, proxies)) if found is not None]
    nodes = {found.node for found in fields if found.names_node}
    schemes = {found.is_secure for found in fields if found.is_secure is not None}
    if len(nodes) > 1 or len(schemes) > 1:
        return peer
    node = nodes.pop() if nodes else None
    return Client(node or peer.address, schemes.pop() if schemes else peer.is_secure)


def _first_untrusted(elements: Iterable[_Hop], proxies: Proxies) -> _Hop:
    """Follow *elements*, the last one first, as long as a trusted proxy wrote them."""
    node: str | None = None
    is_secure: bool | None = None
    for element in elements:
        if element.node is None:
            # Where its scheme is malformed too, the scheme of the hop that counts stays.
            return _Hop(node, is_secure if element.is_secure is None else element.is_secure)
        node, is_secure = element.node, element.is_secure
        if not proxies.include(node):
            break
    return _Hop(node, is_secure)


def _forwarded(request: Request, proxies: Proxies) -> _Hop | None:
    text = _joined(request, b"forwarded")
    return None if text is None else _first_untrusted(map(_element, reversed(_split(text))), proxies)


def _x_forwarded(request: Request, proxies: Proxies) -> _Hop | None:
    nodes, schemes = (_listed(request, name) for name in (b"x-forwarded-for", b"x-forwarded-proto"))
    if nodes is None:
        return None if schemes is None else _Hop(is_secure=_is_secure(_sole(schemes)), names_node=False)
    if schemes is None or len(schemes) != len(nodes):
        schemes = [_sole(schemes or [])] * len(nodes)
    return _first_untrusted(map(_Hop, map(_node, reversed(nodes)), map(_is_secure, reversed(schemes))), proxies)


def _sole(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else ""


def _joined(request: Request, name: bytes) -> str | None:
    """Return all fields *name* joined, None where there are none, and an empty text where they are too long."""
    values = request.values(name)
    if sum(map(len, values)) > MAX_FIELD_BYTES:
        return ""
    return b", ".join(values).decode("latin-1") if values else None


def _listed(request: Request, name: bytes) -> list[str] | None:
    text = _joined(request, name)
    if text is None:
        return None
    if request.merges_spellings and _BARE_COMMA.search(text):
        # The server may have joined it with X_Forwarded_For from the client, so the order tells nothing.
        return [""]
    return [part.strip(" \t") for part in text.split(",")]


def _split(text: str) -> list[str]:
    """Split at each comma that is not quoted; an unclosed quote quotes nothing."""
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


def _element(text: str) -> _Hop:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None or match[1].lower() in pairs:
            return _Hop()
        pairs[match[1].lower()] = match[2] or _ESCAPED.sub(r"\1", match[3])
        at = match.end()
    scheme = pairs.get("proto")
    is_secure = None if scheme is None else _is_secure(scheme)
    # No proxy that we know writes an unknown scheme.
    return _Hop() if scheme is not None and is_secure is None else _Hop(_node(pairs.get("for", "")), is_secure)


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
        address = ip_address(text or "")
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is how a socket for both families shows 192.0.2.1
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def network_of(host: str | None) -> str:
    """
    Return the network of *host*: an IPv4 address itself, the /64 of an IPv6 address.

    Providers assign at least a /64 to each customer, so a single IPv6 address identifies nobody.  An IPv4-mapped IPv6
    address counts as its IPv4 address.  *host* must come from the server or from a trusted proxy.
    """
    if host == UNIX:
        # A trusted proxy that names no client: it is limited as one network.
        return UNIX
    address = _address_or_none(host)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _IPV6_PREFIX_BITS), strict=False))
    return str(address)
