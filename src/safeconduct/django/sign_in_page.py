"""
Check passwords and set our cookies in the views of the project's own sign-in page.

Functions that begin with ``a`` are awaited in async views, as Django's ``alogin`` is.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from safeconduct._core.directory import Account
from safeconduct._core.sessions.verbs import Tokens
from safeconduct.django.http import add_fields, state_of
from safeconduct.django.project import get_auth


def check_password(username: str, password: str, request: HttpRequest) -> Account:
    """
    Return the account if the password that came with *request* is right, as ``Auth.passwords.check`` does.

    Raises:
        CrossSiteRequest: If a page that is not ours sent *request*; it counts as no try.
        BadCredentials: If the name or the password is wrong, or the account is disabled.
        TooManyAttempts: If a limit of the throttle is reached; nothing was compared.
        Unavailable: If the store or the directory cannot be asked, or too many checks are waiting.
    """
    return get_auth().passwords.check(username, password, request=request)


async def acheck_password(username: str, password: str, request: HttpRequest) -> Account:
    """Check a password as ``check_password`` does; awaitable."""
    return await get_auth().async_passwords.check(username, password, request=request)


def set_cookies(response: HttpResponseBase, tokens: Tokens, request: HttpRequest) -> None:
    """
    Set the cookies of a sign-in on *response*, as ``Auth.cookies.set_on`` makes them for *request*.

    Raises:
        CrossSiteRequest: If a page that is not ours sent *request*.
        NotSupported: If a token is too long for a cookie.
        Unavailable: If the store cannot be asked.
        ConfigurationError: If there is a refresh token, and the sign-in had no *origin*.
    """
    _set(response, get_auth().cookies.set_on(tokens, request), request)


async def aset_cookies(response: HttpResponseBase, tokens: Tokens, request: HttpRequest) -> None:
    """Set the cookies of a sign-in as ``set_cookies`` does; awaitable."""
    _set(response, await get_auth().async_cookies.set_on(tokens, request), request)


def clear_cookies(response: HttpResponseBase) -> None:
    """Let *response* delete our cookies; ``Auth.sessions`` ends the session, and Django's ``logout`` does both."""
    add_fields(response, get_auth().cookies.clear())


def _set(response: HttpResponseBase, fields: list[tuple[str, str]], request: HttpRequest) -> None:
    add_fields(response, fields)
    state = state_of(request)
    if state is not None:
        # If Django's ``logout`` has ended the session before, its cookies are now replaced instead of deleted.
        state.is_signed_out = False
