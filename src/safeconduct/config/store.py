"""Where processes share what they must know of each other."""

import re
from dataclasses import dataclass, fields
from typing import Annotated, Final

from safeconduct.config.addresses import like
from safeconduct.config.kinds import Text, Whole
from safeconduct.config.problems import shown_url
from safeconduct.config.sections import by_name, check

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


@by_name
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
    deadline_ms: Annotated[int, Whole(1, 60_000)] = 250
    pool_size: Annotated[int, Whole(1, 10_000)] = 20
    key_prefix: Annotated[str, _KEY_PREFIX] = "safeconduct:"
    shards: Annotated[int, Whole(1, 1024)] = 1

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "store")

    def __repr__(self) -> str:
        """Return the fields, without user, password and query of the URL."""
        others = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self)[1:])
        return f"StoreConfig(url={shown_url(self.url)}, {', '.join(others)})"
