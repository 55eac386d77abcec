"""Read the parameters of a request to an OAuth endpoint: a form, and nothing in the query (RFC 6749 §3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from authlib.oauth2.rfc6749 import InvalidScopeError

from safeconduct._core.endpoints.routing import EndpointCall
from safeconduct._http.challenges import is_scope_token
from safeconduct._http.request_body import MAX_BODY_BYTES, read_form
from safeconduct.errors import InvalidRequest

#: "Multiple "resource" parameters MAY be used" — RFC 8707 §2; RFC 8693 §2.1 says the same of ``audience``.
_REPEATABLE: Final = frozenset({"resource", "audience"})


@dataclass(frozen=True, slots=True)
class OAuthParameters:
    """The parameters of a request, none of them without a value."""

    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def get(self, name: str) -> str | None:
        """Return the value of *name*, or None where it is absent."""
        return next((value for key, value in self.fields if key == name), None)

    def require(self, name: str) -> str:
        """
        Return the value of *name*.

        Raises:
            InvalidRequest: If it is absent.
        """
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"the body has no {name}")
        return value

    def targets(self) -> frozenset[str]:
        """Return whom the token is to be for: every ``resource`` and ``audience``."""
        return frozenset(value for key, value in self.fields if key in _REPEATABLE)

    def scopes(self) -> frozenset[str] | None:
        """
        Return the scopes that were asked for, or None where ``scope`` is absent.

        Raises:
            InvalidScopeError: If it breaks its grammar (RFC 6749 §3.3).
        """
        text = self.get("scope")
        if text is None:
            return None
        scopes = text.split(" ")
        if not all(map(is_scope_token, scopes)):
            raise InvalidScopeError
        return frozenset(scopes)


async def read_parameters(call: EndpointCall) -> OAuthParameters:
    """
    Read the form of a request.

    Raises:
        PayloadTooLarge: If it is longer than *MAX_BODY_BYTES*.
        UnsupportedMediaType: If it is no form.
        InvalidRequest: If it is malformed, has a parameter twice, or the URL has a query.
    """
    if call.query:
        # "The parameters can only be transmitted in the request-body and MUST NOT be included in the request URI"
        # — RFC 6749 §2.3.1: a URL ends in logs.
        raise InvalidRequest("the URL has a query")
    types = call.request.values(b"content-type")
    if len(types) > 1:
        raise InvalidRequest("there is more than one Content-Type field")
    fields = read_form(types[0] if types else None, await call.body(MAX_BODY_BYTES))
    _refuse_repeated([name for name, _ in fields if name not in _REPEATABLE])
    # "Parameters sent without a value MUST be treated as if they were omitted" — RFC 6749 §3.2
    return OAuthParameters(tuple((name, value) for name, value in fields if value))


def _refuse_repeated(names: Sequence[str]) -> None:
    # "Request and response parameters MUST NOT be included more than once" — RFC 6749 §3.2
    if len(set(names)) != len(names):
        raise InvalidRequest("the body has a parameter twice")
