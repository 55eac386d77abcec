"""Integrate with Ninja: ``auth=SafeconductAuth(…)``, with its security scheme in the OpenAPI document."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.security.base import AuthBase

from safeconduct._core.wrong_arguments import wants
from safeconduct._integrations.openapi import add_refusals, security_schemes
from safeconduct.django.http import answer_of_view, state_of
from safeconduct.django.project import get_auth
from safeconduct.errors import AuthError
from safeconduct.guard import principal, requires
from safeconduct.principal import Level, Principal

#: Where the sources are those of WebSocket handshakes alone; Ninja needs a scheme.
_NO_SCHEME: Final = {"type": "http", "scheme": "bearer"}


class SafeconductAuth(AuthBase):
    """
    Let an operation be called only for a principal that meets every argument, as ``requires`` does.

    ``request.auth`` is the principal, and ``request.user`` their row.  In production the answers are the middleware's;
    with ``DEBUG`` Ninja shows every exception as a traceback, unless ``answer_errors(api)`` was called.

    Raises:
        ConfigurationError: If no principal can meet an argument.
    """

    @wants('auth=SafeconductAuth() or auth=SafeconductAuth(scopes=["read"]), an instance with named arguments')
    def __init__(
        self,
        *,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        level: Level | None = None,
        max_age_seconds: int | None = None,
        schemes: Collection[str] | None = None,
    ) -> None:
        # The document of Ninja has one scheme for each of these.
        [scheme, *_] = [*security_schemes(get_auth().config).values(), _NO_SCHEME]
        for name, value in scheme.items():
            setattr(self, f"openapi_{name}", value)
        super().__init__()
        guard = requires(scopes=scopes, roles=roles, level=level, max_age_seconds=max_age_seconds, schemes=schemes)
        self._principal = guard(principal)

    def __call__(self, request: HttpRequest) -> Principal:
        """
        Return the principal.

        Raises:
            AuthError: If the request is anonymous, or its principal lacks something.
        """
        if state_of(request) is None:
            raise ImproperlyConfigured("this request did not come through safeconduct.django.SafeconductMiddleware")
        return self._principal()


def answer_errors(api: NinjaAPI) -> None:
    """Let *api* answer every ``AuthError`` as the middleware does, with ``DEBUG`` too."""

    def answer(request: HttpRequest, error: Any) -> HttpResponse:
        state = state_of(request)
        if state is None:
            raise error
        return answer_of_view(request, error, state)

    api.add_exception_handler(AuthError, answer)


def describe_refusals(api: NinjaAPI) -> None:
    """
    Describe 401 and 403 for each operation of *api* with ``SafeconductAuth``.

    An operation that describes one of them itself keeps its own.
    """
    plain = api.get_openapi_schema

    def described(**named: Any) -> OpenAPISchema:
        schema = plain(**named)
        # Ninja names a scheme after its class.
        add_refusals(
            schema, get_auth().config, {each.__name__ for each in (SafeconductAuth, *_subclasses_of(SafeconductAuth))}
        )
        return schema

    vars(api)["get_openapi_schema"] = described


def _subclasses_of(kind: type) -> Iterator[type]:
    kinds: list[type] = kind.__subclasses__()
    for each in kinds:
        yield each
        yield from _subclasses_of(each)
