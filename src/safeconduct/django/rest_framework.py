"""Integrate with REST framework: the authentication class, and the permission by scopes."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from safeconduct._core.requirement import refusal_of
from safeconduct._core.wrong_arguments import wants
from safeconduct.django.http import RequestState, state_of
from safeconduct.errors import ConfigurationError, Unavailable
from safeconduct.guard import principal, requires
from safeconduct.principal import Principal


class SafeconductAuthentication(BaseAuthentication):
    """
    Authenticate as the middleware did: ``request.auth`` is the principal, and ``request.user`` their row.

    A principal without a row, such as a service, is an ``AnonymousUser`` with a ``request.auth``.  Whatever carried the
    credential, the middleware has checked its origin and its CSRF token.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the user and the principal; None for an anonymous request."""
        state = _required(request)
        identity = state.passed.identity
        if not isinstance(identity, Principal) or state.is_signed_out:
            return None
        user: Any = getattr(request._request, "user", None)  # noqa: SLF001 - as REST framework's own classes do
        return user, identity

    def authenticate_header(self, request: Request) -> str:
        """
        Return the challenges for a 401.

        Raises:
            Unavailable: If the credential of the caller could not be checked; the answer is 503.
        """
        state = _required(request)
        error = refusal_of(state.passed.identity)
        if isinstance(error, Unavailable):
            raise error
        reply = state.gate.answer(error, state.request)
        return ", ".join(value for name, value in reply.text_fields if name == "www-authenticate")


class HasScope(BasePermission):
    """
    Permit a view for principals with every scope in its ``required_scopes``; an empty list permits every principal.

    The answer is the middleware's: 401 with a challenge, or 403 that names the scopes.  ``HasScope.of("read")`` is the
    same for views without that attribute.  It raises instead of returning False, so put it into the list of permissions
    and not into an expression with ``|``.
    """

    scopes: Collection[str] | None = None

    @wants('HasScope.of("read")')
    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, *scopes: str) -> "type[HasScope]":
        """Return a permission for *scopes*, whatever the view says."""
        return type("HasScope", (cls,), {"scopes": scopes})

    def has_permission(self, request: Request, view: Any) -> bool:
        """
        Return True for a principal with the scopes.

        Raises:
            MissingCredential: If the request is anonymous.
            InsufficientRights: If a scope is missing.
            ConfigurationError: If the view does not say which scopes it needs.
        """
        scopes: Any = getattr(view, "required_scopes", None) if self.scopes is None else self.scopes
        if scopes is None:
            raise ConfigurationError(f"{type(view).__name__}.required_scopes: got none, wanted a list of scopes")
        _required(request)
        requires(scopes=scopes)(principal)()
        return True


def _required(request: Request) -> RequestState:
    state = state_of(request)
    if state is None:
        raise ImproperlyConfigured("this request did not come through safeconduct.django.SafeconductMiddleware")
    return state
