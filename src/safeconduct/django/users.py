"""Find the row of Django's user model that belongs to a principal."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from safeconduct._core.decision import Passed
from safeconduct.config.tokens import Trust
from safeconduct.django.limited_users import is_limited, limited_user
from safeconduct.errors import ConfigurationError
from safeconduct.principal import Principal

_SUBJECT: Final = "{sub}"


def user_field() -> str:
    """
    Return the field of the user model that holds the subject: ``SAFECONDUCT_USER_FIELD``, or the user name.

    Raises:
        ConfigurationError: If two users may have the same value there.
    """
    model = _user_model()
    field: str = getattr(settings, "SAFECONDUCT_USER_FIELD", None) or model.USERNAME_FIELD
    if field != "pk" and not _is_unique(model._meta, field):  # noqa: SLF001 - documented by Django
        raise ConfigurationError(
            f"SAFECONDUCT_USER_FIELD: got {field!r}, wanted a unique field of {model.__name__}: a user with the "
            "same value as another would be signed in as them"
        )
    return field


def _is_unique(meta: Any, name: str) -> bool:
    try:
        is_unique: bool = meta.get_field(name).unique
    except FieldDoesNotExist:
        return False
    return is_unique or any(tuple(each.fields) == (name,) for each in meta.total_unique_constraints)


def row_of(subject: str) -> Any:
    """Return the row of *subject*, whether or not it is active; None if there is none."""
    field = user_field()
    try:
        rows: list[object] = list(_all_users().filter(**{field: subject})[:2])
    except (ValueError, ValidationError, OverflowError):
        # Not a number, or no UUID.
        return None
    # A database may compare without case, and a number be written in several ways: they are different subjects.
    return next((row for row in rows if str(getattr(row, field)) == subject), None)


def _user_model() -> Any:
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - Django's users may not be installed

    return get_user_model()


def _all_users() -> Any:
    return _user_model()._default_manager  # noqa: SLF001 - documented by Django, for models that it does not know


def put_user(request: Any, passed: Passed, trusts: Sequence[Trust]) -> None:
    """Set ``request.user`` and ``request.auser``, which ask the database only when somebody looks at them."""
    if not apps.is_installed("django.contrib.auth"):
        return
    found: list[object] = []

    def user() -> object:
        if not found:
            found.append(user_of(passed, trusts))
        return found[0]

    request.user = SimpleLazyObject(user)
    request.auser = _awaitable(user, request)


def _awaitable(user: Callable[[], object], request: HttpRequest) -> Callable[[], Any]:
    async def auser() -> object:
        current: object = request.__dict__["user"]
        # ``login`` and ``logout`` put another user there.
        return await sync_to_async(user)() if isinstance(current, SimpleLazyObject) else current

    return auser


def user_of(passed: Passed, trusts: Sequence[Trust]) -> object:
    """
    Return the active user of *passed*; an ``AnonymousUser`` if there is none.

    A credential that has less than its user, such as an API key, limits what Django permits them.
    """
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415 - as above

    name = _name_of(passed, trusts)
    user = None if name is None else row_of(name) or _new_row(name)
    if user is None or not user.is_active:
        return AnonymousUser()
    identity = passed.identity
    if isinstance(identity, Principal) and is_limited(identity):
        return limited_user(user, scopes=identity.scopes, roles=identity.roles)
    return user


def _name_of(passed: Passed, trusts: Sequence[Trust]) -> str | None:
    """Return the name of the row; None for a service, and for a name that may belong to two persons."""
    identity = passed.identity
    name = identity.remote_user
    if not isinstance(identity, Principal) or name is None or passed.remote_user is None:
        # A service, an issuer without a template, or a name with control characters.
        return None
    if name == identity.subject and any(_may_name(trust.remote_user, name) for trust in trusts):
        # One of our own users is called as those of a foreign issuer are.
        return None
    return name


def _may_name(template: str | None, name: str) -> bool:
    if template is None or template == _SUBJECT:
        return False
    start, end = template.split(_SUBJECT)
    return len(name) > len(start) + len(end) and name.startswith(start) and name.endswith(end)


def _new_row(name: str) -> Any:
    model = _user_model()
    field = model._meta.get_field(user_field()) if user_field() != "pk" else None  # noqa: SLF001 - documented by Django
    if field is None or not getattr(settings, "SAFECONDUCT_CREATE_USERS", False):
        return None
    if len(name) > (field.max_length or len(name)) or model.normalize_username(name) != name:
        # The database would cut it, or Django would later compare it with the name of somebody else.
        return None
    user = model(**{field.name: name})
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        # Another request has made it meanwhile, or one differs by its case alone.
        return row_of(name)
    return user
