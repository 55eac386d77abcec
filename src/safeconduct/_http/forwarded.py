"""
Who is at the other end, when a proxy that we trust stands between (RFC 7239, and the older ``X-Forwarded-*``).

Only what the last hop says counts: the last element of the last field, and only if the peer is a trusted proxy.  That
proxy must set, or take away, each of the fields it lets through.  Where the fields are malformed, or ``Forwarded`` and
``X-Forwarded-*`` came both and disagree (one of the two was let through from the client), the peer's own address and
scheme stand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from safeconduct._http.message import Request
from safeconduct.errors import ConfigurationError

Network = IPv4Network | IPv6Network

MAX_FIELD_BYTES: Final = 8 * 1024
"""The longest fields, joined, that are looked at."""

_SECURE_SCHEMES: Final = {"https": True, "wss": True, "http": False, "ws": False}
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - a token of RFC 9110 §5.6.2
_PAIR = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*(?:([,;])[ \t]*|\Z)')
_ESCAPED = re.compile(r"\\(.)")
# node = IPv4address / "[" IPv6address "]" [ ":" node-port ] — RFC 7239 §6; X-Forwarded-For has it without brackets too
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")


@dataclass(frozen=True, slots=True)
class Client:
    """The far end of a request; *address* is None where it is not known."""

    address: str | None
    is_secure: bool


def trusted_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """
    Read the networks of ``proxies.trusted``, each an address or an address and a prefix length.

    Raises:
        ConfigurationError: If one is neither, or has bits behind its prefix.
    """
    return tuple(_network(text) for text in texts)


def client_of(request: Request, trusted: Sequence[Network]) -> Client:
    """
    Return who sent *request*: the peer, or whom a trusted peer names.

    Args:
        request: Its *client_host* and *is_secure* are the server's own word.
        trusted: The networks of the proxies that are believed.
    """
    peer = Client(request.client_host, request.is_secure)
    if not _is_trusted(peer.address, trusted):
        return peer
    try:
        said = [read(request, peer) for read in (_forwarded, _x_forwarded)]
    except ValueError:
        return peer
    told = {client for client in said if client is not None}
    return told.pop() if len(told) == 1 else peer


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ConfigurationError(f"proxies.trusted must be addresses or networks, got {text!r}") from None


def _is_trusted(address: str | None, trusted: Sequence[Network]) -> bool:
    read = _address_or_none(address) if trusted else None
    return read is not None and any(read in network for network in trusted)


def _address_or_none(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        return _address(text or "")
    except ValueError:
        return None


def _address(text: str) -> IPv4Address | IPv6Address:
    read = ip_address(text)
    # ::ffff:192.0.2.1 is how a socket for both families shows 192.0.2.1
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read


def _joined(request: Request, name: bytes) -> str | None:
    """Return all fields *name* as one, None where there is none; raise ValueError where they are too long."""
    values = request.values(name)
    if sum(map(len, values)) > MAX_FIELD_BYTES:
        raise ValueError(name)
    return b", ".join(values).decode("latin-1") if values else None


def _forwarded(request: Request, peer: Client) -> Client | None:
    text = _joined(request, b"forwarded")
    if text is None:
        return None
    last = _last_element(text)
    return Client(_node(last.get("for"), peer), _is_secure(last.get("proto"), peer))


def _x_forwarded(request: Request, peer: Client) -> Client | None:
    node, scheme = (_joined(request, name) for name in (b"x-forwarded-for", b"x-forwarded-proto"))
    if node is None and scheme is None:
        return None
    return Client(_node(_last(node), peer), _is_secure(_last(scheme), peer))


def _last(text: str | None) -> str | None:
    return None if text is None else text.rpartition(",")[2].strip(" \t")


def _last_element(text: str) -> dict[str, str]:
    """Return the pairs of the last element; quotes are read from the start, so that none hides a comma."""
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None or match[1].lower() in pairs:
            raise ValueError(text)
        pairs[match[1].lower()] = match[2] or _ESCAPED.sub(r"\1", match[3])
        at = match.end()
        if match[4] == ",":
            pairs = {}
    return pairs


def _node(text: str | None, peer: Client) -> str | None:
    if text is None:
        return peer.address
    match = _NODE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return str(_address(match[1] or match[2] or match[3]))


def _is_secure(text: str | None, peer: Client) -> bool:
    if text is None:
        return peer.is_secure
    if text.lower() not in _SECURE_SCHEMES:
        raise ValueError(text)
    return _SECURE_SCHEMES[text.lower()]
