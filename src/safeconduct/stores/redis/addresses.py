"""
Read ``store.url``: one server, the sentinels that name a primary, or some nodes of a cluster.

The texts of errors name the part that is wrong and repeat nothing of the URL, which may hold a password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from safeconduct.errors import ConfigurationError
from safeconduct.stores.redis.certificates import Certificates

#: Whether each scheme means TLS.
_SCHEMES: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_TLS_FILES: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_SENTINEL_LOGIN: Final[frozenset[str]] = frozenset({"sentinel_username", "sentinel_password"})
_DEFAULT_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_LARGEST_PORT: Final = 65535
# Not by ``urlsplit``, which knows one host only.
_MANY_HOSTS: Final = (
    r"(?s)(?P<scheme>[a-z]+)\+(?P<kind>sentinel|cluster)://(?:(?P<username>[^@/?#:]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<hosts>[^@/?#]*)(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#@]*))?"
)
_HOST: Final = r"(?a)(?P<host>[\w.-]+|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
_SERVICE: Final = r"(?a)/(?P<service>[\w.-]+)(?:/(?P<database>[0-9]{0,5}))?"

Kind = Literal["server", "sentinel", "cluster"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a host and port, or the path of a Unix socket."""

    host: str | None
    port: int
    path: str | None
    database: int
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: For TLS, and shared by all addresses of a URL; None for plain text.
    certificates: Certificates | None = None

    def at(self, host: str, port: int) -> "Address":
        """Return the address of another server with the same credentials."""
        return replace(self, host=host, port=port)

    @property
    def place(self) -> str:
        """Host and port, or the path, as an error may show them."""
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Location:
    """
    What ``store.url`` names.

    Attributes:
        kind: Whether it names one server, sentinels or nodes of a cluster.
        nodes: The server, the sentinels, or the nodes.
        server: The server, or the credentials, the database and the certificates that all servers share.
        service: The name by which sentinels know the primary.
    """

    kind: Kind
    nodes: tuple[Address, ...]
    server: Address
    service: str = ""


def parse_location(url: str) -> Location:
    """
    Parse the URL of a server (see ``parse_address``), of sentinels or of a cluster.

    ::

        redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database][?…]
        redis+cluster://[user:password@]host[:port][,host[:port]…][?…]

    User and password are those of the servers; ``sentinel_username`` and ``sentinel_password`` in the query are those
    of the sentinels.  ``rediss+`` uses TLS for all of them.

    Raises:
        ConfigurationError: If it cannot be parsed.
    """
    if re.match("[a-z]+[+]", url) is None:
        address = parse_address(url)
        return Location("server", (address,), address)
    found = re.fullmatch(_MANY_HOSTS, url)
    if found is None or found["scheme"] not in _SCHEMES:
        raise ConfigurationError(
            "store.url: wanted redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database] or "
            "redis+cluster://[user:password@]host[:port][,host[:port]…], with rediss for TLS"
        )
    is_tls, is_sentinel = _SCHEMES[found["scheme"]], found["kind"] == "sentinel"
    query = _query(found["query"] or "")
    service, database = _service(found["path"] or "") if is_sentinel else ("", _no_database(found["path"] or ""))
    login = (query.pop("sentinel_username", None), query.pop("sentinel_password", None)) if is_sentinel else None
    _check_query(query, _TLS_FILES if is_tls else frozenset(), is_sentinel=is_sentinel)
    server = Address(
        host=None,
        port=0,
        path=None,
        database=database,
        username=unquote(found["username"]) if found["username"] else None,
        password=unquote(found["password"]) if found["password"] else None,
        certificates=Certificates(tuple(sorted(query.items()))) if is_tls else None,
    )
    node = server if login is None else replace(server, database=0, username=login[0], password=login[1])
    nodes = _nodes(found["hosts"], node, _SENTINEL_PORT if is_sentinel else _DEFAULT_PORT)
    return Location("sentinel" if is_sentinel else "cluster", nodes, server, service)


def parse_address(url: str) -> Address:
    """
    Parse a ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://`` URL.

    The query may name a database (``db``) and, with TLS, ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile``.
    Certificates and server names are always checked.

    Raises:
        ConfigurationError: If it cannot be parsed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        is_unix = parts.scheme == "unix"
        database = int(query.pop("db", "0") if is_unix else query.pop("db", parts.path.strip("/") or "0"))
    except ValueError:
        raise ConfigurationError("store.url: wanted redis://[user:password@]host[:port][/database]") from None
    is_tls = _SCHEMES.get(parts.scheme, False)
    if not is_unix and parts.scheme not in _SCHEMES:
        raise ConfigurationError(f"store.url: scheme {parts.scheme!r}, wanted redis, rediss, valkey, valkeys or unix")
    unknown = sorted(set(query) - (_TLS_FILES if is_tls else set()))
    if unknown or database < 0:
        raise ConfigurationError(f"store.url: unknown {', '.join(unknown) or 'database below 0'}, wanted db, ssl_…")
    if is_unix and not parts.path:
        raise ConfigurationError("store.url: no path, wanted unix:///path/of/the.socket")
    return Address(
        host=None if is_unix else parts.hostname or "127.0.0.1",
        port=port,
        path=unquote(parts.path) if is_unix else None,
        database=database,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        certificates=Certificates(tuple(sorted(query.items()))) if is_tls else None,
    )


def _query(text: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(text, strict_parsing=bool(text)).items()}
    except ValueError:
        raise ConfigurationError("store.url: the query cannot be read, wanted name=value[&name=value…]") from None


def _check_query(query: Mapping[str, str], known: frozenset[str], *, is_sentinel: bool) -> None:
    unknown = sorted(set(query) - known)
    if unknown:
        wanted = ", ".join(sorted(known | _SENTINEL_LOGIN if is_sentinel else known)) or "no query"
        raise ConfigurationError(f"store.url: the query has {', '.join(unknown)}, wanted {wanted}")


def _service(path: str) -> tuple[str, int]:
    found = re.fullmatch(_SERVICE, path)
    if found is None:
        raise ConfigurationError(
            "store.url: the path after the sentinels, wanted /service or /service/database, where the service is the "
            "name in `sentinel monitor`"
        )
    return found["service"], int(found["database"] or "0")


def _no_database(path: str) -> int:
    if path.strip("/") not in {"", "0"}:
        raise ConfigurationError("store.url: the path after the nodes, wanted none: a cluster has only database 0")
    return 0


def _nodes(hosts: str, node: Address, default_port: int) -> tuple[Address, ...]:
    nodes: list[Address] = []
    for number, text in enumerate(hosts.split(","), start=1):
        found = re.fullmatch(_HOST, text)
        port = int((found and found["port"]) or default_port)
        if found is None or not 0 < port <= _LARGEST_PORT:
            raise ConfigurationError(f"store.url: host {number}, wanted host or host:port, with a port up to 65535")
        nodes.append(node.at(found["ipv6"] or found["host"], port))
    return tuple(nodes)


def shard_key(prefix: bytes, shard: int, name: bytes) -> bytes:
    """Return the key *name* of *shard*: all keys of one shard have one hash tag, and so one slot of a cluster."""
    return prefix + b"{sc:%02d}:" % shard + name
