"""What says whether the session behind a connection lives."""

from safeconduct._core.ports import Store
from safeconduct._core.revocation import Revocations
from safeconduct._core.session.life import Lifetimes
from safeconduct._core.session.prolonging import Prolonging
from safeconduct._core.session.reaches import Reaches
from safeconduct._workshop.login import KeepsSessions
from safeconduct.config import Config


def prolonging_of(config: Config, store: Store, revocations: Revocations | None) -> Prolonging | None:
    """Make it, or return None where no session of ours can be asked for."""
    if config.issuer is None or revocations is None or not isinstance(store, KeepsSessions):
        return None
    return Prolonging(
        store.sessions,
        revocations,
        reaches=Reaches(config.issuer, client_id=config.tokens.client_id or config.issuer, shards=config.store.shards),
        lives=Lifetimes.of(config),
        leeway_ms=config.tokens.leeway_seconds * 1000,
    )
