"""
Read what REST framework and Ninja check before they call a view of Django.

As for the other frameworks, only what surely refuses an anonymous caller is a requirement.
"""

import sys
from collections.abc import Iterator
from typing import Any, Final

from safeconduct._core.requirement import AUTHENTICATED, Requirement, requirements_of
from safeconduct._integrations.framework_checks import UNREAD, Check, unread
from safeconduct._integrations.route import vars_of

#: ANY may be one of them.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "ANY"})
#: What of REST framework's view leads to the permissions, and from them to a refusal.
_CHECKING: Final = (
    "dispatch", "initial", "check_permissions", "get_permissions", "permission_denied", "perform_authentication",
    "get_authenticators",
)  # fmt: skip
_ANONYMOUS: Final = "django.contrib.auth.models", "AnonymousUser"
#: The function of `as_view`, and `csrf_exempt` around it.
_LAYERS_OF_A_VIEW: Final = 2


def rest_framework_checks(view: Any, method: str) -> Iterator[Check]:
    """Yield what the permissions of a *view* of REST framework ask of *method*."""
    ours, cls = sys.modules.get("safeconduct.django.rest_framework"), getattr(view, "cls", None)
    if ours is None or cls is None:
        return
    permissions = _Permissions(view, ours, method)
    found = list(permissions.all_checks())
    yield from found if _is_plain(view, cls) else unread(found)


def _is_plain(view: Any, cls: Any) -> bool:
    """Say whether nothing of the application is between a request and the permissions."""
    plain, layers = sys.modules["rest_framework.views"].APIView, 0
    while view is not None:
        # A function around the view has its attributes too, and may answer from a cache.
        layers += "cls" in vars_of(view)
        view = getattr(view, "__wrapped__", None)
    return layers == _LAYERS_OF_A_VIEW and all(getattr(cls, name) is getattr(plain, name) for name in _CHECKING)


class _Permissions:
    """
    Read the permissions of one view.

    Args:
        view: What ``as_view`` returned.
        ours: The module of our integration.
        method: The method that is asked for.
    """

    def __init__(self, view: Any, ours: Any, method: str) -> None:
        theirs = sys.modules["rest_framework.permissions"]
        self._view = view
        self._ours = ours
        by_method = theirs.IsAuthenticatedOrReadOnly
        is_safe = method in _SAFE
        #: What refuses a request without a user, and what permits it.
        self._closed = [theirs.IsAuthenticated, theirs.IsAdminUser, *([] if is_safe else [by_method])]
        self._open = [theirs.AllowAny, theirs.BasePermission, *([by_method] if is_safe else [])]

    def all_checks(self) -> Iterator[Check]:
        """Yield what all of them ask: each must permit a request."""
        return (check for each in self._attribute("permission_classes") for check in self.checks(each))

    def checks(self, permission: Any) -> Iterator[Check]:
        """Yield what a *permission*, or an expression of several, asks."""
        theirs = sys.modules["rest_framework.permissions"]
        if isinstance(permission, theirs.OperandHolder):
            found: list[Check] = [*self.checks(permission.op1_class), *self.checks(permission.op2_class)]
            both = permission.operator_class is theirs.AND
            yield from found if both else unread(found)
        elif isinstance(permission, theirs.SingleOperandHolder):
            yield from unread(self.checks(permission.op1_class))
        elif issubclass(permission, self._ours.HasScope):
            is_ours = permission.has_permission is self._ours.HasScope.has_permission
            yield self._scopes(permission) if is_ours else UNREAD
        elif all(permission.has_permission is not each.has_permission for each in self._open):
            is_closed = any(permission.has_permission is each.has_permission for each in self._closed)
            yield from self._of_a_user(is_closed=is_closed)

    def _scopes(self, permission: Any) -> Requirement:
        scopes: Any = permission.scopes
        if scopes is None:
            scopes = self._attribute("required_scopes")
        # Anything else is an error for every request, or known to an instance of the view alone.
        is_known = type(scopes) in {list, tuple, set, frozenset}
        return Requirement(scopes=frozenset(scopes)) if is_known else AUTHENTICATED

    def _of_a_user(self, *, is_closed: bool) -> Iterator[Check]:
        """Yield what a permission for users, or an unknown one, asks: it believes the classes that authenticate."""
        ours, cls = self._ours.SafeconductAuthentication, self._view.cls
        classes = self._attribute("authentication_classes")
        are_ours = all(issubclass(each, ours) and each.authenticate is ours.authenticate for each in classes)
        anonymous = sys.modules["rest_framework.settings"].api_settings.UNAUTHENTICATED_USER
        is_anonymous = anonymous is None or (anonymous.__module__, anonymous.__qualname__) == _ANONYMOUS
        plain = sys.modules["rest_framework.views"].APIView
        view_set = getattr(sys.modules.get("rest_framework.viewsets"), "ViewSetMixin", plain)
        is_plain = cls.initialize_request in (plain.initialize_request, view_set.initialize_request)
        if any(issubclass(each, ours) for each in classes):
            yield AUTHENTICATED if is_closed and are_ours and is_anonymous and is_plain else UNREAD

    def _attribute(self, name: str) -> Any:
        """Return an attribute of the view; `as_view` takes some, and view sets give it those of an extra action."""
        return self._view.initkwargs.get(name, getattr(self._view.cls, name, None))


def ninja_operations(view: Any) -> Iterator[tuple[str, Any, list[Check]]]:
    """Yield each method of a *view* of Ninja, its function, and what is asked before that is called."""
    module = sys.modules.get("ninja.operation")
    if module is None:
        return
    cells = getattr(view, "__closure__", None) or ()
    held: list[Any] = [getattr(view, "__self__", None), *(cell.cell_contents for cell in cells)]
    for path_view in held:
        if isinstance(path_view, module.PathView):
            for operation in path_view.operations:
                checks = list(_ninja_checks(operation))
                yield from ((method, operation.view_func, checks) for method in operation.methods)


def _ninja_checks(operation: Any) -> Iterator[Check]:
    ours = sys.modules.get("safeconduct.django.ninja")
    if ours is None:
        return
    kind = ours.SafeconductAuth
    # The first one whose answer is true lets the request pass, and ours raises an error instead of being false.
    for index, each in enumerate(operation.auth_callbacks):
        if isinstance(each, kind):
            # `decorate_view` puts a function around `run`, and may answer from a cache.
            is_first = index == 0 and type(each).__call__ is kind.__call__ and "run" not in vars(operation)
            found: list[Check] = [*requirements_of(vars(each)["_principal"])]
            yield from found if is_first else unread(found)
