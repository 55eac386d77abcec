"""Configure the store, and how revocations are checked in it."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final, Literal

from safeconduct.config.fields import Consistency, Integer, Outage, PositiveNumber, Text
from safeconduct.config.sections import check_section, checked_constructor
from safeconduct.config.shown_values import shown_url
from safeconduct.config.urls import like

_USERINFO: Final = r"(?:[^@/?#]*@)?"
_HOST: Final = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_QUERY: Final = r"(?:\?[^#@]*)?"
_URL: Final = (
    rf"(?a)none|memory://|(?:rediss?|valkeys?)://{_USERINFO}({_HOST})(?:/[0-9]{{0,5}})?{_QUERY}"
    rf"|unix://{_USERINFO}/[^?#@]+{_QUERY}"
    rf"|(?:rediss?|valkeys?)\+sentinel://{_USERINFO}({_HOST}(?:,{_HOST})*)/[\w.-]+(?:/[0-9]{{0,5}})?{_QUERY}"
    rf"|(?:rediss?|valkeys?)\+cluster://{_USERINFO}({_HOST}(?:,{_HOST})*)(?:/0?)?{_QUERY}"
)
_PORT: Final = r":([0-9]+)(?:,|$)"
_LARGEST_PORT: Final = 65535
_ENCODED: Final = "such as %23 for #, %2F for /, %3F for ? and %40 for @"
# Redis Cluster reads the hash tag, which decides the slot, in braces, and we write our own.
_KEY_PREFIX: Final = Text("1 to 64 printable ASCII characters without braces", like(r"[!-z|~]{1,64}"))


def _is_url(text: str) -> bool:
    found = re.fullmatch(_URL, text)
    ports = re.findall(_PORT, found[1] or found[2] or found[3] or "") if found else []
    return found is not None and all(0 < int(port) <= _LARGEST_PORT for port in ports)


def _shown(url: str) -> str:
    # All that is wrong is before the last "@"; its characters are part of a password.
    if _is_url(re.sub(r"(?s)//.*@", "//", url)):
        return f"a user or password with characters that must be percent-encoded ({_ENCODED}) in {shown_url(url)}"
    return shown_url(url)


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """
    The store: Redis, Valkey, this process's memory, or none.

    Attributes:
        url: The address. There is no default, because each kind of store gives other guarantees.
        deadline_ms: How long all store commands of one request may take together, in milliseconds.
        pool_size: The maximum number of connections of a process to a server, or to each node of a cluster.
        key_prefix: The prefix of our keys.
        shards: The number of slots over which keys are spread; more than 1 is for a cluster. Shard 7 has the hash tag
            `{sc:07}`: two decimal digits, and more only with 100 shards or more. A store whose data are spread over
            another number is refused.
    """

    url: Annotated[
        str,
        Text(
            "memory://, none, redis://host:port/0, rediss://…, valkey://…, unix:///path, "
            "redis+sentinel://host:port,host:port/service, redis+cluster://host:port,host:port, with user and password "
            "percent-encoded",
            _is_url,
            show=_shown,
        ),
    ]
    deadline_ms: Annotated[int, Integer(1, 60_000)] = 250
    pool_size: Annotated[int, Integer(1, 10_000)] = 20
    key_prefix: Annotated[str, _KEY_PREFIX] = "safeconduct:"
    shards: Annotated[int, Integer(1, 1024)] = 1

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "store")

    def __repr__(self) -> str:
        """Return the fields, without user, password and query of the URL."""
        others = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self)[1:])
        return f"StoreConfig(url={shown_url(self.url)}, {', '.join(others)})"


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationConfig:
    """
    The revocation of tokens, sessions, subjects, clients and keys.

    Attributes:
        consistency: "bounded" looks into a local view that is at most `staleness_seconds` old; "strict" asks the store
            once per request; "none" does not check. Default: "none" without a store, else "bounded".
        staleness_seconds: With "bounded": the maximum age of the local view, in seconds. For every consistency: how
            often the credential of an open WebSocket or stream is checked.
        on_outage: With "bounded": what happens while the view is too old and the store cannot be reached. "refuse"
            answers 503, because a token that may have been revoked must not pass; "serve" lets every token pass that
            is not known to be revoked.
        on_new_store: What happens to tokens older than a store that was never seen before: "accept", so that a first
            start refuses nobody, or "refuse".
        min_replicas: How many replicas must have a revocation before it is done; 0 waits for none. If fewer have it
            within the deadline, it is written all the same, and its caller gets an error.
        accept_eviction: Whether a store may evict revocations when its memory is full.
        epoch_file: A file, shared by all processes of a machine, that keeps what they know of the store's data while
            none of them runs, so that a loss of data in the meantime is noticed. Default: no file.
    """

    consistency: Consistency | None = None
    staleness_seconds: Annotated[float, PositiveNumber(3600)] = 1.0
    on_outage: Outage = "refuse"
    on_new_store: Literal["accept", "refuse"] = "accept"
    min_replicas: Annotated[int, Integer(0, 100)] = 0
    accept_eviction: bool = False
    epoch_file: Path | None = None

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "revocation")
