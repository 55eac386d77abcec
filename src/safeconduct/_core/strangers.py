"""Who passes without being recognised: one ``Passed`` for each reason, made once."""

from typing import Final, get_args

from safeconduct._core.decision import Clock, Passed
from safeconduct.errors import AuthError, CrossSiteRequest, InvalidRequest, MissingCredential, Unavailable
from safeconduct.principal import Anonymous, Reason

_REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


class Strangers:
    """The four ways of being nobody."""

    def __init__(self, clock: Clock, owner: object) -> None:
        self._by_reason = {reason: Passed.of(Anonymous(reason=reason), clock, owner) for reason in _REASONS}
        self.nobody = self._by_reason["none"]

    def because_of(self, error: AuthError) -> Passed:
        """Return who passes an open route though *error* came of the credential."""
        return self._by_reason[_reason(error)]


def _reason(error: AuthError) -> Reason:
    match error:
        case MissingCredential():
            return "none"
        case Unavailable():
            return "unavailable"
        case InvalidRequest() | CrossSiteRequest():
            return "invalid_request"
        case _:
            return "invalid_token"
