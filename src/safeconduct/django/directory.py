"""Let the users of a Django project sign in with the passwords that they have."""

from dataclasses import replace
from typing import Any, cast

from django.contrib.auth import authenticate
from django.db import close_old_connections

from safeconduct._core.directory import Account
from safeconduct.directories.validation import WrongAnswer
from safeconduct.django.users import row_of, user_field


class DjangoDirectory:
    """
    The users of ``django.contrib.auth``: ``SAFECONDUCT_DIRECTORY = "safeconduct.django.DjangoDirectory"``.

    Passwords are checked by the ``AUTHENTICATION_BACKENDS``, at most ``login.hashing_threads`` at once and within the
    limits of the throttle.  The subject is the user name, or the field that ``SAFECONDUCT_USER_FIELD`` names; the
    roles are the names of the user's groups.  An inactive user is disabled.

    Nobody has scopes.  To give some, derive a class and override ``account_of``, which ``check`` and ``lookup`` both
    call: a user then has the same rights after a sign-in as after a renewal.
    """

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if a backend accepts the password, else None."""
        close_old_connections()
        try:
            user = authenticate(None, username=username, password=password)
            return None if user is None else _checked(self.account_of(user), user)
        finally:
            # The thread may be one of our own, where no signal of a request ends old connections.
            close_old_connections()

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        close_old_connections()
        try:
            row = row_of(subject)
            return None if row is None else _checked(self.account_of(row), row)
        finally:
            close_old_connections()

    def account_of(self, user: Any) -> Account:
        """
        Return what a row of the user model means: its subject, roles, scopes, level and display name.

        It may ask the database, behind ASGI too, since it runs in a thread.  Whatever an override returns, an inactive
        user stays disabled, and an account with another subject is refused with 503.

        Args:
            user: The row, whether or not it is active.
        """
        groups = cast("list[str]", list(user.groups.values_list("name", flat=True))) if hasattr(user, "groups") else []
        return Account(
            _subject(user), roles=groups, display_name=user.get_username() or None, disabled=not user.is_active
        )


def _checked(account: object, user: Any) -> Account:
    """
    Return what an override of ``account_of`` may have changed.

    Raises:
        WrongAnswer: If it is not the account of *user*.
    """
    if not isinstance(account, Account):
        # None would be a wrong password, which it is not.
        raise WrongAnswer(f"{type(account).__name__} instead of an Account")
    if account.subject != _subject(user):
        raise WrongAnswer("the account of another subject")
    return account if user.is_active else replace(account, disabled=True)


def _subject(user: object) -> str:
    return str(getattr(user, user_field()))
