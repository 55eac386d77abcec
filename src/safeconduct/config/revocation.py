"""How surely, and how soon, what was ended is refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from safeconduct.config.kinds import Real, Whole
from safeconduct.config.sections import by_name, check
from safeconduct.config.values import Consistency, Outage


@by_name
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
    staleness_seconds: Annotated[float, Real(3600)] = 1.0
    on_outage: Outage = "refuse"
    on_new_store: Literal["accept", "refuse"] = "accept"
    min_replicas: Annotated[int, Whole(0, 100)] = 0
    accept_eviction: bool = False
    epoch_file: Path | None = None

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "revocation")
