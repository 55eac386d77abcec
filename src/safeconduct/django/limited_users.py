"""
Limit a user's permissions in Django to the scopes and roles of an API key, or of a service that acts for the user.

Such a credential has only the scopes and roles that it was given.  Django's permissions depend on neither, so the user
that a view sees has only

- the permissions of the user's groups whose names are among the roles of the credential,
- the permissions whose names are among its scopes, such as ``shop.view_order``,

and of these only what the user has.  ``is_staff`` and ``is_superuser`` are False.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async

from safeconduct.principal import Principal


def is_limited(identity: Principal) -> bool:
    """Say whether the credential of *identity* may permit less than its user may do."""
    return identity.scheme == "api_key" or identity.actor is not None


def limited_user(row: Any, *, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    """
    Return a user with the fields of *row*, and of its permissions only those that *scopes* and *roles* name.

    Saving or deleting it saves or deletes *row*.
    """
    user: Any = object.__new__(_limited_class(row.__class__))
    # Both share their state, so that a field that is set on one of them is saved by either.
    user.__dict__ = row.__dict__
    user.__dict__["_safeconduct_limits"] = (scopes, roles)
    return user


def _denied(name: str) -> property:
    """Return a property that reads as False; a value that is set is kept for the row, and saved."""

    def set_on_row(user: Any, value: object) -> None:
        user.__dict__[name] = value

    return property(lambda _user: False, set_on_row)


class _Limits:
    """
    Override the permissions of a user model, for callers and for the model's own methods alike.

    "Both" are the user and the credential.
    """

    _safeconduct_limits: tuple[frozenset[str], frozenset[str]]
    _safeconduct_model: type

    is_staff = _denied("is_staff")
    is_superuser = _denied("is_superuser")

    @property
    def groups(self) -> Any:
        """The groups that the credential names as roles."""
        _, roles = self._safeconduct_limits
        return _row_of(self).groups.filter(name__in=roles)

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

    def save(self, *arguments: Any, **named: Any) -> None:
        """Save the row; the limits are not saved."""
        _row_of(self).save(*arguments, **named)

    def delete(self, *arguments: Any, **named: Any) -> Any:
        """Delete the row."""
        return _row_of(self).delete(*arguments, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the user with its limits."""
        make, arguments, state = _row_of(self).__reduce__()
        return _restored, (make, arguments, *self._safeconduct_limits), state


def _restored(make: Callable[..., Any], arguments: Any, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    """Return the copy of a limited user, before ``__setstate__``."""
    return limited_user(make(*arguments), scopes=scopes, roles=roles)


@cache
def _limited_class(model: Any) -> Any:
    """Return the class of the limited users of *model*; for Django it is not another model."""
    attributes = {"__module__": model.__module__, "__qualname__": model.__qualname__, "_safeconduct_model": model}
    # Without the `__new__` of Django's metaclass, which would register a model with a table of its own.
    return type.__new__(model.__class__, model.__name__, (_Limits, model), attributes)


def _row_of(user: Any) -> Any:
    """Return the row of *user*, without limits and with the same state."""
    model: Any = user._safeconduct_model  # noqa: SLF001 - ours
    row: Any = object.__new__(model)
    row.__dict__ = user.__dict__
    return row


def _granted(user: Any) -> set[str]:
    """Return the permissions of the credential: its scopes, and those of the groups that it names as roles."""
    known: dict[str, Any] = user.__dict__
    if "_safeconduct_granted" not in known:
        scopes, roles = known["_safeconduct_limits"]
        found: Any = ()
        if roles and hasattr(user._safeconduct_model, "groups"):  # noqa: SLF001 - ours
            found = user.groups.values_list("permissions__content_type__app_label", "permissions__codename")
        known["_safeconduct_granted"] = set(scopes) | {f"{label}.{codename}" for label, codename in found}
    granted: set[str] = known["_safeconduct_granted"]
    return granted


async def _agranted(user: Any) -> set[str]:
    return await sync_to_async(_granted)(user)


def _is_among(app_label: str, permissions: Iterable[str]) -> bool:
    return any(perm.partition(".")[0] == app_label for perm in permissions)
