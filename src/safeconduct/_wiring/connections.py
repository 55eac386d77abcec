"""What watches the connections of one world, put together."""

from collections.abc import Callable

from safeconduct._core.authentication import Authenticator
from safeconduct._core.bearer import BearerAuthenticator
from safeconduct._core.connection_checks import Watching
from safeconduct._core.opaque import OpaqueTokenResolver
from safeconduct._core.revocation import Revocations
from safeconduct._core.sessions.lookup import SessionExtension, SessionKeys
from safeconduct._core.sessions.model import Lifetimes
from safeconduct._core.store import Store, View
from safeconduct._core.validity import ValidityCheck
from safeconduct.config import Config
from safeconduct.events import Event


def watching_of(  # noqa: PLR0913 - every part that decides about a request decides here again
    config: Config,
    *,
    store: Store,
    revocations: Revocations | None,
    identification: Authenticator,
    recognition: BearerAuthenticator,
    resolution: OpaqueTokenResolver,
    validity: ValidityCheck,
    view: View,
    announce: Callable[[Event], None],
) -> Watching:
    """Make it; see ``Watching`` for what each part is for."""
    return Watching(
        identification=identification,
        recognition=recognition,
        resolution=resolution,
        validity=validity,
        view=view,
        prolonging=_prolonging_of(config, store, revocations),
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
