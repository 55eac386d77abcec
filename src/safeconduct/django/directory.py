"""Let the users of a Django project sign in with the passwords that they have."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.db import close_old_connections

from safeconduct._core.directory import Account
from safeconduct.django.users import row_of, user_field


class DjangoDirectory:
    """
    The users of ``django.contrib.auth``: ``SAFECONDUCT_DIRECTORY = "safeconduct.django.DjangoDirectory"``.

    Passwords are checked by the ``AUTHENTICATION_BACKENDS``, at most ``login.hashing_threads`` at once and within the
    limits of the throttle.  The subject is the user name, or the field that ``SAFECONDUCT_USER_FIELD`` names; the
    roles are the names of the user's groups.  An inactive user is disabled.
    """

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if a backend accepts the password, else None."""
        close_old_connections()
        try:
            user = authenticate(None, username=username, password=password)
            return None if user is None else _account(user)
        finally:
            # The thread may be one of our own, where no signal of a request ends old connections.
            close_old_connections()

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        close_old_connections()
        try:
            row = row_of(subject)
            return None if row is None else _account(row)
        finally:
            close_old_connections()


def _subject(user: object) -> str:
    return str(getattr(user, user_field()))


def _account(user: Any) -> Account:
    groups = cast("list[str]", list(user.groups.values_list("name", flat=True))) if hasattr(user, "groups") else []
    return Account(
        _subject(user),
        roles=groups,
        display_name=user.get_username() or None,
        disabled=not user.is_active,
    )
