"""Where a server is and who we are there, read out of a store's URL."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from safeconduct.errors import ConfigurationError

_PLAIN = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """A server's place: a host and port, or a socket's path."""

    host: str | None
    port: int
    path: str | None
    is_tls: bool
    database: int
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: Paths of certificates and of the key, by redis-py's names.
    tls_files: tuple[tuple[str, str], ...] = ()


def parse_address(url: str) -> Address:
    """
    Read ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``.

    The query may name a database (``db``) and, with TLS, ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile``.
    Certificates and names are always checked.

    Raises:
        ConfigurationError: If it cannot be read; the text does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        is_unix = parts.scheme == "unix"
        database = int(query.pop("db", "0") if is_unix else query.pop("db", parts.path.strip("/") or "0"))
    except ValueError:
        raise ConfigurationError("store.url: wanted redis://[user:password@]host[:port][/database]") from None
    is_tls = _PLAIN.get(parts.scheme, False)
    if not is_unix and parts.scheme not in _PLAIN:
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
        is_tls=is_tls,
        database=database,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls_files=tuple(sorted(query.items())),
    )
