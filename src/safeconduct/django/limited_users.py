"""
Limit a user's permissions in Django to the scopes and roles of an API key, or of a service that acts for the user.

Such a credential has only the scopes and roles that it was given.  Django's permissions depend on neither, so the user
that a view sees has only

- the permissions of the user's groups whose names are among the roles of the credential,
- the permissions whose names are among its scopes, such as ``shop.view_order``,

and of these only what the user has.  ``is_staff`` and ``is_superuser`` are False.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from copy import copy
from functools import cache
from typing import Any, Final

from asgiref.sync import sync_to_async

from safeconduct.principal import Principal

_ROW: Final = "_safeconduct_row"
_LIMITS: Final = "_safeconduct_limits"
_GRANTED: Final = "_safeconduct_granted"
_STATE: Final = "_state"
#: Attributes that a limited user and its row do not share.
_NOT_SHARED: Final = frozenset({_ROW, _LIMITS, _GRANTED, _STATE})
#: Django's caches of the permissions and relations of the row, which are not those of the limited user.
_CACHES: Final = frozenset({"_perm_cache", "_user_perm_cache", "_group_perm_cache", "_prefetched_objects_cache"})


def is_limited(identity: Principal) -> bool:
    """Say whether the credential of *identity* may permit less than its user may do."""
    return identity.scheme == "api_key" or identity.actor is not None


def limited_user(row: Any, *, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    """
    Return a user with the fields of *row*, and of its permissions only those that *scopes* and *roles* name.

    Saving or deleting it saves or deletes *row*.  It is another object, so that a value which is computed from the
    permissions of one of them, and cached on it, is not seen by the other.
    """
    user: Any = object.__new__(_limited_class(row.__class__))
    known: dict[str, Any] = user.__dict__
    known.update({name: value for name, value in row.__dict__.items() if name not in _CACHES})
    if _STATE in known:
        # Without the related objects, which lead back to the row.
        known[_STATE] = _copied(known[_STATE], {})
    known[_ROW], known[_LIMITS] = row, (scopes, roles)
    return user


def _copied(state: Any, related: dict[str, Any]) -> Any:
    """Return a copy of a ``ModelState``, with *related* as its cached objects."""
    copied = copy(state)
    copied.fields_cache = related
    return copied


def _denied(name: str) -> property:
    """Return a property that reads as False; a value that is set is kept for the row, and saved."""

    def set_on_row(user: Any, value: object) -> None:
        with _changed_row_of(user) as row:
            setattr(row, name, value)

    return property(lambda _user: False, set_on_row)


def _of_row(name: str) -> Any:
    """Return a method that calls the one of this *name* on the row, whose fields are not limited."""

    def call(user: Any, *arguments: Any, **named: Any) -> Any:
        with _changed_row_of(user) as row:
            return getattr(row, name)(*arguments, **named)

    return call


class _Limits:
    """
    Override the permissions of a user model, for callers and for the model's own methods alike.

    "Both" are the user and the credential.
    """

    is_staff = _denied("is_staff")
    is_superuser = _denied("is_superuser")

    @property
    def groups(self) -> Any:
        """The groups that the credential names as roles."""
        _, roles = self.__dict__[_LIMITS]
        return _row_of(self).groups.filter(name__in=roles)

    @property
    def user_permissions(self) -> Any:
        """The user's own permissions, those of no group, that both have."""
        granted, own = _granted(self), _row_of(self).user_permissions
        found = own.values_list("pk", "content_type__app_label", "codename")
        return own.filter(pk__in=[pk for pk, label, codename in found if f"{label}.{codename}" in granted])

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Say whether both have the permission."""
        return bool(perm in _granted(self) and _row_of(self).has_perm(perm, obj))

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        """Say whether both have the permission."""
        return bool(perm in await _agranted(self) and await _row_of(self).ahas_perm(perm, obj))

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Say whether both have every one of the permissions."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    async def ahas_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Say whether both have every one of the permissions."""
        return all([await self.ahas_perm(perm, obj) for perm in perm_list])

    def has_module_perms(self, app_label: str) -> bool:
        """Say whether both have any permission of an application."""
        return _is_among(app_label, self.get_all_permissions())

    async def ahas_module_perms(self, app_label: str) -> bool:
        """Say whether both have any permission of an application."""
        return _is_among(app_label, await self.aget_all_permissions())

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """Return the permissions that both have."""
        return _granted(self).intersection(_row_of(self).get_all_permissions(obj))

    async def aget_all_permissions(self, obj: Any = None) -> set[str]:
        """Return the permissions that both have."""
        return (await _agranted(self)).intersection(await _row_of(self).aget_all_permissions(obj))

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        """Return the user's own permissions, those of no group, that both have."""
        return _granted(self).intersection(_row_of(self).get_user_permissions(obj))

    async def aget_user_permissions(self, obj: Any = None) -> set[str]:
        """Return the user's own permissions, those of no group, that both have."""
        return (await _agranted(self)).intersection(await _row_of(self).aget_user_permissions(obj))

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """Return the permissions of the user's groups that both have."""
        return _granted(self).intersection(_row_of(self).get_group_permissions(obj))

    async def aget_group_permissions(self, obj: Any = None) -> set[str]:
        """Return the permissions of the user's groups that both have."""
        return (await _agranted(self)).intersection(await _row_of(self).aget_group_permissions(obj))

    save, save_base, delete = _of_row("save"), _of_row("save_base"), _of_row("delete")
    # Django writes the validated values back to the fields.
    full_clean, clean, clean_fields = _of_row("full_clean"), _of_row("clean"), _of_row("clean_fields")
    validate_unique, validate_constraints = _of_row("validate_unique"), _of_row("validate_constraints")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the user with its limits."""
        made: Any = super().__reduce__()
        # *make* returns a row of the model, which Django finds by its name.
        make, arguments, state = made
        kept = {name: value for name, value in state.items() if name not in {_ROW, _LIMITS}}
        return _restored, (make, arguments, *self.__dict__[_LIMITS]), kept


def _restored(make: Callable[..., Any], arguments: Any, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    """Return the copy of a limited user, before ``__setstate__``."""
    return limited_user(make(*arguments), scopes=scopes, roles=roles)


@cache
def _limited_class(model: Any) -> Any:
    """Return the class of the limited users of *model*; for Django it is not another model."""
    attributes = {"__module__": model.__module__, "__qualname__": model.__qualname__}
    # Without the `__new__` of Django's metaclass, which would register a model with a table of its own.
    return type.__new__(model.__class__, model.__name__, (_Limits, model), attributes)


def _row_of(user: Any) -> Any:
    """Return the row of *user*, after the values of *user* were copied to it."""
    known = user.__dict__
    row = known[_ROW]
    row.__dict__.update({name: value for name, value in known.items() if name not in _NOT_SHARED})
    if _STATE in known:
        row.__dict__[_STATE] = _copied(known[_STATE], {**known[_STATE].fields_cache})
    return row


@contextmanager
def _changed_row_of(user: Any) -> Generator[Any]:
    """Yield the row of *user*, and copy what has changed on it back to *user*."""
    known, row = user.__dict__, _row_of(user)
    try:
        yield row
    finally:
        meta = getattr(row, "_meta", None)
        fields: set[str] = set() if meta is None else {each.attname for each in meta.concrete_fields}
        known.update(
            {
                name: value
                for name, value in row.__dict__.items()
                if name in fields or name in known.keys() - _NOT_SHARED
            }
        )
        if _STATE in known:
            known[_STATE].db, known[_STATE].adding = row.__dict__[_STATE].db, row.__dict__[_STATE].adding


def _granted(user: Any) -> set[str]:
    """Return the permissions of the credential: its scopes, and those of the groups that it names as roles."""
    known: dict[str, Any] = user.__dict__
    if _GRANTED not in known:
        scopes, roles = known[_LIMITS]
        found: Any = ()
        if roles and hasattr(known[_ROW].__class__, "groups"):
            found = user.groups.values_list("permissions__content_type__app_label", "permissions__codename")
        known[_GRANTED] = set(scopes) | {f"{label}.{codename}" for label, codename in found}
    granted: set[str] = known[_GRANTED]
    return granted


async def _agranted(user: Any) -> set[str]:
    return await sync_to_async(_granted)(user)


def _is_among(app_label: str, permissions: Iterable[str]) -> bool:
    return any(perm.partition(".")[0] == app_label for perm in permissions)
