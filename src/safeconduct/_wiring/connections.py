"""What watches the connections of one world, put together."""

from collections.abc import Callable

from safeconduct._core.authentication import Authenticator
from safeconduct._core.connection_checks import ConnectionChecks
from safeconduct._core.revocation import Revocations
from safeconduct._core.sessions.lookup import SessionExtension, SessionKeys
from safeconduct._core.sessions.model import Lifetimes
from safeconduct._core.store import Store, View
from safeconduct.config import Config
from safeconduct.events import Event


def watching_of(
    config: Config,
    *,
    store: Store,
    revocations: Revocations | None,
    authenticator: Authenticator,
    view: View | None,
    announce: Callable[[Event], None],
) -> ConnectionChecks:
    """Make it; see ``ConnectionChecks`` for what each part is for."""
    return ConnectionChecks(
        authenticator=authenticator,
        view=view,
        extension=_prolonging_of(config, store, revocations),
        staleness_seconds=config.revocation.staleness_seconds,
        announce=announce,
    )


def _prolonging_of(config: Config, store: Store, revocations: Revocations | None) -> SessionExtension | None:
    """Make it, or return None where no session of ours can be asked for."""
    if config.issuer is None or revocations is None or store.sessions is None:
        return None
    return SessionExtension(
        store.sessions,
        revocations,
        session_keys=SessionKeys.of(config),
        lives=Lifetimes.of(config),
        leeway_ms=config.tokens.leeway_seconds * 1000,
    )
