"""The code of the close frame that ends a WebSocket, by the error that ended it."""

from safeconduct.errors import AuthError, StepUpRequired

#: Our own, by the HTTP status (RFC 6455 §7.4.2); "try again later" for what may pass, "policy violation" for the rest.
_CODES = {401: 4401, 403: 4403, 429: 1013, 503: 1013}
_POLICY_VIOLATION = 1008


def close_code(error: AuthError) -> int:
    """Return 4401 where the credential no longer counts, 4403 where it is not enough, 1013 where nobody can say."""
    if isinstance(error, StepUpRequired):
        # The credential is good; what is asked of it is more.
        return 4403
    return _CODES.get(error.status, _POLICY_VIOLATION)
