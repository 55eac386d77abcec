"""The endpoints of a login's life, put together for one world."""

from collections.abc import Iterator
from dataclasses import dataclass

from safeconduct._core.endpoints.exchange import ExchangeDesk
from safeconduct._core.endpoints.leaving import LeavingDesk
from safeconduct._core.endpoints.login import SignInDesk
from safeconduct._core.endpoints.overview import OverviewDesk
from safeconduct._core.endpoints.table import Row


@dataclass(frozen=True, slots=True)
class Desks:
    """Who answers what."""

    signing_in: SignInDesk
    exchanging: ExchangeDesk
    leaving: LeavingDesk
    overview: OverviewDesk

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield every endpoint below *prefix*."""
        yield Row("POST", f"{prefix}/login", "Sign in with a password", self.signing_in.login)
        yield Row("POST", f"{prefix}/refresh", "Exchange a refresh token for new tokens", self.exchanging.refresh)
        yield Row("POST", f"{prefix}/renew", "Renew an access token past half of its life", self.exchanging.renew)
        yield Row("POST", f"{prefix}/step-up", "Prove the password again", self.signing_in.step_up)
        yield Row("POST", f"{prefix}/logout", "End this session", self.leaving.logout)
        yield Row("POST", f"{prefix}/logout-everywhere", "End every session", self.leaving.logout_everywhere)
        yield Row("GET", f"{prefix}/session", "Who asks, and what he may do now", self.overview.session)
        yield Row("GET", f"{prefix}/sessions", "The caller's sessions", self.overview.sessions)
        yield Row("DELETE", f"{prefix}/sessions/{{id}}", "End one of the caller's sessions", self.overview.end)
