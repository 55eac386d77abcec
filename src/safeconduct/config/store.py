"""Where processes share what they must know of each other."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final, Literal

from safeconduct.config.field_errors import shown_url
from safeconduct.config.fields import Consistency, Integer, Outage, PositiveNumber, Text
from safeconduct.config.sections import check, checked_constructor
from safeconduct.config.urls import like

_USERINFO: Final = r"(?:[^@/?#]*@)?"
_HOST: Final = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_QUERY: Final = r"(?:\?[^#@]*)?"
_URL: Final = (
    rf"(?a)none|memory://|(?:rediss?|valkeys?)://{_USERINFO}({_HOST})(?:/[0-9]{{0,5}})?{_QUERY}"
    rf"|unix://{_USERINFO}/[^?#@]+{_QUERY}"
    rf"|redis\+(?:sentinel|cluster)://{_USERINFO}({_HOST}(?:,{_HOST})*)(?:/[^?#@]*)?{_QUERY}"
)
_PORT: Final = r":([0-9]+)(?:,|$)"
_LARGEST_PORT: Final = 65535
# In braces Redis Cluster sees the tag that decides the slot, and the tag is ours.
_KEY_PREFIX: Final = Text("1 to 64 printable ASCII characters without braces", like(r"[!-z|~]{1,64}"))


def _is_url(text: str) -> bool:
    found = re.fullmatch(_URL, text)
    ports = re.findall(_PORT, found[1] or found[2] or "") if found else []
    return found is not None and all(0 < int(port) <= _LARGEST_PORT for port in ports)


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """
    The store: Redis, Valkey, this process's memory, or none.

    Attributes:
        url: Where it is; there is no default, because each choice gives another guarantee.
        deadline_ms: How long all questions of one request may take together, in milliseconds.
        pool_size: How many connections a process opens at most.
        key_prefix: How the names of our keys begin.
        shards: Over how many slots the keys are spread; more than 1 is for a cluster. Shard 7 has the tag `{sc:07}`:
            two decimal digits, more only from 100 shards on.
    """

    url: Annotated[
        str,
        Text(
            "memory://, none, redis://host:port/0, rediss://…, valkey://…, unix:///path, redis+sentinel://…, "
            "redis+cluster://…, with user and password percent-encoded",
            _is_url,
            show=shown_url,
        ),
    ]
    deadline_ms: Annotated[int, Integer(1, 60_000)] = 250
    pool_size: Annotated[int, Integer(1, 10_000)] = 20
    key_prefix: Annotated[str, _KEY_PREFIX] = "safeconduct:"
    shards: Annotated[int, Integer(1, 1024)] = 1

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "store")

    def __repr__(self) -> str:
        """Return the fields, without user, password and query of the URL."""
        others = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self)[1:])
        return f"StoreConfig(url={shown_url(self.url)}, {', '.join(others)})"


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationConfig:
    """
    Revocation of tokens, sessions, subjects, clients and keys.

    Attributes:
        consistency: "strict" asks the store once a request; "bounded" looks into a local view, at most
            `staleness_seconds` old; "none" asks nothing. Default: "none" without a store, else "bounded", and "strict"
            until that is built.
        staleness_seconds: With "bounded": the greatest age of the local view, in seconds. How often the credential of
            a socket or a stream is asked for, whatever the consistency.
        on_outage: With "bounded": what happens while the view is too old and the store is away; refused with 503,
            because a token that may have been revoked must not pass.
        on_new_store: What happens to tokens older than a store that was never seen before: "accept", so that a first
            start refuses nobody, or "refuse".
        min_replicas: A revocation waits until so many replicas have it; 0 waits for none.
        accept_eviction: Whether a store may forget revocations when its memory is full.
        epoch_file: A file, one for all processes of a machine, that keeps what they know of the store's data over a
            restart of every one, so that a loss is noticed then too; none if left out.
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
        check(self, "revocation")
