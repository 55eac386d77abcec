"""What watches the connections of one world, put together."""

from collections.abc import Callable

from safeconduct._core.authentication import Identification
from safeconduct._core.bearer import Recognition
from safeconduct._core.connection_checks import Watching
from safeconduct._core.opaque import Resolution
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import KeepsSessions
from safeconduct._core.sessions.lookup import Prolonging, Reaches
from safeconduct._core.sessions.model import Lifetimes
from safeconduct._core.store import Store, View
from safeconduct._core.validity import Vouching
from safeconduct.config import Config
from safeconduct.events import Event


def watching_of(  # noqa: PLR0913 - every part that decides about a request decides here again
    config: Config,
    *,
    store: Store,
    revocations: Revocations | None,
    identification: Identification,
    recognition: Recognition,
    resolution: Resolution,
    vouching: Vouching,
    view: View,
    announce: Callable[[Event], None],
) -> Watching:
    """Make it; see ``Watching`` for what each part is for."""
    return Watching(
        identification=identification,
        recognition=recognition,
        resolution=resolution,
        vouching=vouching,
        view=view,
        prolonging=_prolonging_of(config, store, revocations),
        staleness_seconds=config.revocation.staleness_seconds,
        announce=announce,
    )


def _prolonging_of(config: Config, store: Store, revocations: Revocations | None) -> Prolonging | None:
    """Make it, or return None where no session of ours can be asked for."""
    if config.issuer is None or revocations is None or not isinstance(store, KeepsSessions):
        return None
    return Prolonging(
        store.sessions,
        revocations,
        reaches=Reaches.of(config),
        lives=Lifetimes.of(config),
        leeway_ms=config.tokens.leeway_seconds * 1000,
    )
