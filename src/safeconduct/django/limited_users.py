"""
Limit the row of a user to what an API key, or a service that acts for them, may do.

Such a credential has the scopes and roles that it was given, and not all of its owner's.  Django's own permissions know
neither, so the row that a view sees has only

- the permissions of those of its groups that the credential names as roles,
- those that the credential names as scopes, such as ``shop.view_order``,

and no more than the user has.  It is no staff and no superuser.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async

from safeconduct.principal import Principal


def is_limited(identity: Principal) -> bool:
    """Say whether *identity* may have less than the user whom it names."""
    return identity.scheme == "api_key" or identity.actor is not None


def limited_user(row: Any, *, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    """Return *row* with the permissions that *scopes* and *roles* leave it; it is saved and deleted as before."""
    user: Any = object.__new__(_limited(row.__class__))
    # One state for both: what is set on one is seen by the other, and saved.
    user.__dict__ = row.__dict__
    user.__dict__["_safeconduct_limits"] = (scopes, roles)
    return user


def _denied(name: str) -> property:
    """Return a property that is False, whatever is set and saved."""

    def put(user: Any, value: object) -> None:
        user.__dict__[name] = value

    return property(lambda _user: False, put)


class _Limits:
    """What takes precedence over the methods of a user model, and of its own code that calls them."""

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
        """Say whether both have the permission, the user and the credential."""
        return bool(perm in _granted(self) and _row_of(self).has_perm(perm, obj))

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        """Say whether both have the permission, the user and the credential."""
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
        """Return those of the user's own permissions that the credential has too."""
        return _granted(self).intersection(_row_of(self).get_user_permissions(obj))

    async def aget_user_permissions(self, obj: Any = None) -> set[str]:
        """Return those of the user's own permissions that the credential has too."""
        return (await _agranted(self)).intersection(await _row_of(self).aget_user_permissions(obj))

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """Return those of the groups' permissions that the credential has too."""
        return _granted(self).intersection(_row_of(self).get_group_permissions(obj))

    async def aget_group_permissions(self, obj: Any = None) -> set[str]:
        """Return those of the groups' permissions that the credential has too."""
        return (await _agranted(self)).intersection(await _row_of(self).aget_group_permissions(obj))

    def save(self, *arguments: Any, **named: Any) -> None:
        """Save the row, with what it is and not with what it may do here."""
        _row_of(self).save(*arguments, **named)

    def delete(self, *arguments: Any, **named: Any) -> Any:
        """Delete the row."""
        return _row_of(self).delete(*arguments, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a copy have the same limits."""
        make, arguments, state = _row_of(self).__reduce__()
        return _again, (make, arguments, *self._safeconduct_limits), state


def _again(make: Callable[..., Any], arguments: Any, scopes: frozenset[str], roles: frozenset[str]) -> Any:
    return limited_user(make(*arguments), scopes=scopes, roles=roles)


@cache
def _limited(model: Any) -> Any:
    """Return the class of limited users of a *model*, which is a class of Python and no model of its own."""
    kept = {"__module__": model.__module__, "__qualname__": model.__qualname__, "_safeconduct_model": model}
    # Past the metaclass, which would make a table for it.
    return type.__new__(model.__class__, model.__name__, (_Limits, model), kept)


def _row_of(user: Any) -> Any:
    """Return *user* without limits, with the same state."""
    model: Any = user._safeconduct_model  # noqa: SLF001 - ours
    row: Any = object.__new__(model)
    row.__dict__ = user.__dict__
    return row


def _granted(user: Any) -> set[str]:
    """Return the permissions that the credential names, by scopes and by roles."""
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
