"""Define what all pages for people share, and where they lead."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from safeconduct._core.access_rules import Policy
from safeconduct._core.endpoints.routing import EndpointRoute, Endpoints
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

    It is never one of our endpoints, nor a path that a rule marks ``unsafe``: our page begins the navigation, so that
    the check of the origin could not see which page led the person there.

    Args:
        routes: All our endpoints; the list may still grow before the first request.
        policy: The access rules.
        shares_paths: Whether other methods of our paths are the application's.
    """

    def __init__(self, routes: Sequence[EndpointRoute], policy: Policy, *, shares_paths: bool) -> None:
        self._routes = routes
        self._policy = policy
        self._shares_paths = shares_paths

    def of(self, text: object, request: Request) -> str:
        """Return *text* if it may be a ``next``; else the beginning of the application."""
        target = safe_next(text, is_excluded=self._is_excluded, root_path=request.root_path)
        return home_of(request) if target == HOME else target

    def _is_excluded(self, path: str) -> bool:
        is_ours = Endpoints(self._routes, shares_paths=self._shares_paths).owns("GET", path)
        return is_ours or self._policy.requirement("GET", path).is_unsafe


def home_of(request: Request) -> str:
    """Return the path of the beginning of the application, with the prefix of the mount."""
    return f"{quote(request.root_path, errors='replace')}/"
