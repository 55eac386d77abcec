"""Check the local view of the revocations: load it once, as each process does, and say how much that is."""

import time
from collections.abc import Iterator
from typing import Final, cast

from safeconduct._wiring.settings import horizon_of, leeway_of
from safeconduct.cli.doctor.finding import Finding, ok, warn
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.stores import open_store
from safeconduct.stores.view.local_view import LocalView

#: A process whose view takes longer asks the store about each request meanwhile.
_TIMEOUT_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.002


def check_view(config: Config) -> Iterator[Finding]:
    """Load the view of a store that has an epoch in every shard; a load would begin one."""
    if not config.has_bounded:
        return
    try:
        store = open_store(
            config.store, config.revocation, clock=time.time, horizon_ms=horizon_of(config) * 1000,
            leeway_ms=leeway_of(config) * 1000, announce=lambda _event: None, keeps_view=True,
        )  # fmt: skip
    except ConfigurationError as error:
        yield warn("view", f"it cannot be loaded: {error}", "Correct that.")
        return
    try:
        # There is one: it was asked for.
        yield _loaded(cast("LocalView", store.blocking().bounded_view), config)
    finally:
        store.end()


def _loaded(view: LocalView, config: Config) -> Finding:
    began_at = time.monotonic()
    view.begin()
    while view.age_seconds >= config.revocation.staleness_seconds:
        if time.monotonic() - began_at > _TIMEOUT_SECONDS:
            text = f"it was not loaded within {_TIMEOUT_SECONDS:.0f} seconds: until it is, every request asks the store"
            return warn("view", text, "See the findings on the store, and the rights of its user.")
        time.sleep(_PAUSE_SECONDS)
    took_ms = int((time.monotonic() - began_at) * 1000)
    revocations = sum(len(shard.marks) + len(shard.cuts) for shard in view.shards.values())
    return ok("view", f"a process loads {revocations} revocations in {took_ms} ms and knows of later ones at once")
