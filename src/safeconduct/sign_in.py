"""Sign users in from pages of the application, in code without an event loop."""

from safeconduct._core.directory import Account
from safeconduct._core.sessions.binding import RequestOrigin
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._core.sign_in_by_code import AsyncCookies, AsyncPasswords, TextFields
from safeconduct._http.given_request import GivenRequest
from safeconduct.sessions import run

__all__ = ["AsyncCookies", "AsyncPasswords", "Cookies", "Passwords"]


class Cookies:
    """
    The same verbs as ``AsyncCookies``, blocking.

    ``set_on`` raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread.
    """

    def __init__(self, cookies: AsyncCookies) -> None:
        self._cookies = cookies

    def origin_of(self, request: GivenRequest) -> RequestOrigin:
        """Return what a session that begins with *request* records of it; see ``AsyncCookies.origin_of``."""
        return self._cookies.origin_of(request)

    def set_on(self, tokens: Tokens, request: GivenRequest) -> TextFields:
        """Return the ``Set-Cookie`` fields for the response to *request*; see ``AsyncCookies.set_on``."""
        return run("cookies.set_on", self._cookies.set_on(tokens, request))

    def clear(self) -> TextFields:
        """Return the fields of a sign-out; see ``AsyncCookies.clear``."""
        return self._cookies.clear()


class Passwords:
    """
    The same verb as ``AsyncPasswords``, blocking.

    It raises a ``RuntimeError`` that names its awaitable twin if an event loop runs in this thread.
    """

    def __init__(self, passwords: AsyncPasswords) -> None:
        self._passwords = passwords

    def check(self, username: str, password: str, *, request: GivenRequest) -> Account:
        """Return the account of *username* if the password is right; see ``AsyncPasswords.check``."""
        return run("passwords.check", self._passwords.check(username, password, request=request))
