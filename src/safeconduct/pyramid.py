"""Integrate with Pyramid: a security policy, and the answers to an ``AuthError`` and to a permission that is denied."""

from typing import Any, Final

from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.unchecked_requirements import report_unchecked

try:
    from pyramid.authorization import ACLHelper, Authenticated, Everyone  # type: ignore[import-untyped]  # no types
    from pyramid.config import Configurator  # type: ignore[import-untyped]  # as above
    from pyramid.events import ApplicationCreated, NewRequest  # type: ignore[import-untyped]  # as above
    from pyramid.interfaces import ISecurityPolicy  # type: ignore[import-untyped]  # as above
    from pyramid.location import lineage  # type: ignore[import-untyped]  # as above
    from pyramid.response import Response  # type: ignore[import-untyped]  # as above
    from pyramid.security import Allowed, Denied  # type: ignore[import-untyped]  # as above
except ImportError as missing:
    raise missing_extra("pyramid", missing) from None

from safeconduct._core.requirement import refusal_of
from safeconduct._core.wrapped_app import described, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.environ import read_environ
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError, InsufficientRights
from safeconduct.principal import Identity, Principal

_KEY: Final = "safeconduct.auth"


@wants("install(config, Auth(Config.load()))")
def install(config: Any, auth: Auth) -> None:
    """
    Set the security policy, and answer an ``AuthError`` of a view and a permission that is denied.

    The application still needs the middleware around it: ``application = auth.wsgi(config.make_wsgi_app())``.  Without
    it every request is an error.  Directives of the application itself, such as ``add_forbidden_view``, override those
    of this function.

    Args:
        config: The application's ``Configurator``.
        auth: The ``Auth`` that wraps it.

    Raises:
        ConfigurationError: If one of them is anything else, or *config* has another ``Auth``.
    """
    require_auth(auth, "wsgi")
    _require_configurator(config)
    if config.registry.setdefault(_KEY, auth) is not auth:
        raise ConfigurationError("auth: got a second Auth for this Configurator, wanted the one that it has")
    # Included directives yield to those that the application sets itself.
    config.include(_include)


class SecurityPolicy:
    """
    Pyramid's security policy over the identity that the middleware proved.

    ``request.identity`` is the ``Principal`` or None, ``request.authenticated_userid`` its name in ``REMOTE_USER``.
    Where the context or one of its parents has an ``__acl__``, that decides about a permission, for the principals
    ``user:NAME``, ``role:NAME``, ``scope:NAME``, ``Authenticated`` and ``Everyone``.  Everywhere else a permission is a
    scope that the caller must have.
    """

    def identity(self, request: Any) -> Principal | None:
        """Return the principal who sent *request*, None for an anonymous caller."""
        found = identity(request)
        return found if isinstance(found, Principal) else None

    def authenticated_userid(self, request: Any) -> str | None:
        """Return the caller's name: the subject, or what the configuration makes of a foreign one."""
        return identity(request).remote_user

    def permits(self, request: Any, context: Any, permission: str) -> Any:
        """Say whether the caller has *permission* on *context*."""
        caller = identity(request)
        if any(hasattr(location, "__acl__") for location in lineage(context)):
            acl: Any = ACLHelper()
            is_allowed = bool(acl.permits(context, _principals(caller), permission))
            return Allowed("allowed by an ACL") if is_allowed else _denial("denied by the ACL of %s", context)
        if permission in caller.scopes:
            return Allowed("the caller has the scope %s", permission)
        return _denial("the caller does not have the scope %s", permission, scopes=(permission,))

    def remember(self, request: Any, userid: str, **options: Any) -> list[tuple[str, str]]:
        """
        Refuse to sign a user in by their name alone.

        Raises:
            NotImplementedError: Always; ``POST /auth/login`` and ``auth.sessions`` sign in.
        """
        raise NotImplementedError("sign in by POST /auth/login or auth.sessions.sign_in; a name alone proves nothing")

    def forget(self, request: Any, **options: Any) -> list[tuple[str, str]]:
        """
        Refuse to end a session in the browser alone.

        Raises:
            NotImplementedError: Always; ``POST /auth/logout`` and ``auth.sessions`` sign out.
        """
        raise NotImplementedError("sign out by POST /auth/logout or auth.sessions.sign_out")


def identity(request: Any) -> Identity:
    """
    Return who sent *request*.

    Raises:
        LookupError: If the middleware is missing.
    """
    found: Identity | None = request.environ.get("safeconduct.identity")
    if found is None:
        raise LookupError("this request did not come through safeconduct: wrap the application, auth.wsgi(app)")
    return found


def _require_configurator(config: object) -> None:
    if not isinstance(config, Configurator):
        raise ConfigurationError(f"config: got {described(config)}, wanted a Configurator: install(config, auth)")


def _denial(text: str, about: object, *, scopes: tuple[str, ...] = ()) -> Any:
    """Return a permission that is denied, and the scopes that would have been enough."""
    denial: Any = Denied(text, about)
    denial.safeconduct_scopes = scopes
    return denial


def _principals(caller: Identity) -> list[str]:
    found = [Everyone, *(f"role:{role}" for role in caller.roles), *(f"scope:{scope}" for scope in caller.scopes)]
    if isinstance(caller, Principal):
        found.append(Authenticated)
        if caller.remote_user is not None:
            found.append(f"user:{caller.remote_user}")
    return found


def _include(config: Any) -> None:
    answer = config.registry[_KEY].wsgi_gate().answer

    def respond(error: AuthError, request: Any) -> Any:
        route = getattr(request, "matched_route", None)
        template = None if route is None else "/" + route.pattern.lstrip("/")
        reply = answer(error, read_environ(request.environ).matched_by(template))
        return Response(body=reply.body, status=reply.status, headerlist=reply.text_fields)

    def respond_to_denial(forbidden: Any, request: Any) -> Any:
        scopes = getattr(getattr(forbidden, "result", None), "safeconduct_scopes", None)
        if scopes is None:
            # Raised by the application in words of its own.
            return forbidden
        caller = identity(request)
        if isinstance(caller, Principal):
            return respond(InsufficientRights(scopes), request)
        return respond(refusal_of(caller), request)

    config.set_security_policy(SecurityPolicy())
    config.add_exception_view(respond, context=AuthError)
    config.add_forbidden_view(respond_to_denial)
    config.add_subscriber(_require_identity, NewRequest)
    config.add_subscriber(_require_policy, ApplicationCreated)
    config.add_subscriber(_report_unchecked, ApplicationCreated)


def _require_identity(event: Any) -> None:
    identity(event.request)


def _require_policy(event: Any) -> None:
    policy: object = event.app.registry.queryUtility(ISecurityPolicy)
    if isinstance(policy, type):
        # Each request that asks a class would be an error.
        raise ConfigurationError(f"set_security_policy: got {described(policy)}, wanted {policy.__name__}()")


def _report_unchecked(event: Any) -> None:
    report_unchecked(event.app, event.app.registry[_KEY].wsgi_gate())
