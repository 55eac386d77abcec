"""
Define the errors of a service that asks for access.

::

    TokenRequestFailed
    ├── TokenRequestRefused        the token endpoint answered with an OAuth error
    ├── TokenEndpointUnavailable   no answer, a timeout, 429, or a fault of the server
    └── InvalidTokenResponse       an answer that is no usable token
    InsecureDestination            the token was not sent, since others could read it on the way

None of them contains a secret, an assertion or a token, and none has the request of the HTTP client as its cause.
"""


class TokenRequestFailed(Exception):
    """
    A token was asked for and not received.

    Attributes:
        error: The ``error`` of the answer (RFC 6749 §5.2), or a constant text such as ``timeout``.
        description: The ``error_description`` of the answer, if there is one and it repeats nothing secret.
        status: The HTTP status of the answer, if there was one.
        retry_after_seconds: The ``Retry-After`` of the answer, if there is one.
    """

    def __init__(
        self,
        error: str,
        description: str | None = None,
        status: int | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        # All of them, so that a copy for another thread is made of the same arguments.
        super().__init__(error, description, status, retry_after_seconds)
        self.error = error
        self.description = description
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """Return what went wrong, without anything secret."""
        status = "" if self.status is None else f" (HTTP {self.status})"
        return f"no token: {self.error}{status}" + ("" if self.description is None else f": {self.description}")


class TokenRequestRefused(TokenRequestFailed):
    """The token endpoint refused: asking again, unchanged, is of no use."""


class TokenEndpointUnavailable(TokenRequestFailed):
    """The token endpoint did not decide: asking again later may be of use."""


class InvalidTokenResponse(TokenRequestFailed):
    """The token endpoint answered, but not with a token that can be used."""


class InsecureDestination(Exception):
    """A request would have carried the token over plain http, or to an origin that is not among ``origins``."""
