"""Define what all pages for people share, and where they lead."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from safeconduct._http.paths import HOME, safe_next
from safeconduct._http.request import Request

SIGN_IN = "sign-in"
"""The last segment of the path of our sign-in page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """What the pages are made with."""

    #: Identifies the ``Auth``.
    owner: object = field(repr=False)
    #: The prefix of our endpoints.
    prefix: str
    #: The name of the application, if it has one for people.
    title: str | None
    #: The path of the sign-in page relative to the application, ours or the application's; None if there is none.
    sign_in_url: str | None
    #: Whether users sign in here with a password and get cookies for it.
    has_login: bool

    @property
    def serves_sign_in(self) -> bool:
        """Whether the sign-in page is ours."""
        return self.has_login and self.sign_in_url == f"{self.prefix}/{SIGN_IN}"

    def endpoint(self, name: str, request: Request) -> str:
        """Return the path of one of our endpoints as a page names it, with the prefix of the mount."""
        return quote(f"{request.endpoints_root(self.owner)}{self.prefix}/{name}", errors="replace")

    def sign_in_path(self, request: Request) -> str | None:
        """Return the path of the sign-in page with the prefix of the mount."""
        return None if self.sign_in_url is None else request.endpoints_root(self.owner) + self.sign_in_url


class Targets:
    """
    Find where a person goes on after a page.

    Args:
        is_own: Returns whether a path, relative to the application, is one of our own endpoints.
    """

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own

    def of(self, text: object, request: Request) -> str:
        """Return *text* if it may be a ``next``; else the beginning of the application."""
        target = safe_next(text, is_own=self._is_own, root_path=request.root_path)
        return home_of(request) if target == HOME else target


def home_of(request: Request) -> str:
    """Return the path of the beginning of the application, with the prefix of the mount."""
    return f"{quote(request.root_path, errors='replace')}/"
