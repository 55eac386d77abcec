"""Say what holds for a site, and how a check fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from unittest import SkipTest

from safeconduct.testing.conformance.in_process import AppResponse, AttackRequest, Fields
from safeconduct.testing.conformance.site import Site

#: What a browser says of a page that is not ours.
FOREIGN_PAGES: Final[tuple[tuple[str, str], ...]] = (
    ("origin", "https://attacker.example"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
    ("referer", "https://attacker.example"),
)
#: What a request gets that is refused or not understood; never 2xx, and never a fault of the application.
NOT_SERVED: Final = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 414, 431, 501})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that holds for a site; its text says what, and is the id of a test."""

    says: str
    run: Callable[[Site], None]

    def __call__(self, site: Site) -> None:
        """
        Check it.

        Raises:
            AssertionError: If it does not hold.
            unittest.SkipTest: If it is about something that the site does not have.
        """
        self.run(site)

    def __str__(self) -> str:
        """Return what holds."""
        return self.says


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each check."""

    passed: tuple[str, ...]
    #: Each with the reason why it does not apply.
    skipped: tuple[tuple[str, str], ...]
    #: Each with what was seen instead.
    failed: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Return a line for each check, the failed ones first."""
        lines = [f"FAILED   {says}: {why}" for says, why in self.failed]
        lines += [f"skipped  {says}: {why}" for says, why in self.skipped]
        return "\n".join([*lines, *(f"passed   {says}" for says in self.passed)])


def fail(request: AttackRequest, response: AppResponse, wanted: str) -> NoReturn:
    """Raise ``AssertionError``: *request* got another response than *wanted*."""
    raise AssertionError(f"{request.method} {request.path}: got {response.status}, wanted {wanted}")


def expect(site: Site, request: AttackRequest, *statuses: int) -> AppResponse:
    """Send a request and return its response, which must have one of *statuses*."""
    response = site.ask(request)
    if response.status not in statuses:
        fail(request, response, " or ".join(map(str, statuses)))
    return response


def expect_served(site: Site, request: AttackRequest) -> AppResponse:
    """Send a request and return its response, which must be 2xx."""
    response = site.ask(request)
    if not response.is_served:
        fail(request, response, "2xx")
    return response


def expect_not_served(site: Site, request: AttackRequest) -> None:
    """Send a request, which must be refused or not be understood."""
    response = site.ask(request)
    if response.status not in NOT_SERVED:
        fail(request, response, "a refusal")


def get(path: str, headers: Fields = (), **more: Any) -> AttackRequest:
    """Return a request by GET."""
    return AttackRequest("GET", path, headers, **more)


def fields(headers: dict[str, str]) -> Fields:
    """Return the fields of *headers*."""
    return tuple(headers.items())


def revoke(site: Site, subject: str) -> None:
    """
    Revoke every token that *subject* has.

    Raises:
        unittest.SkipTest: If the application does not ask whether a token was revoked.
    """
    if site.auth.config.consistency == "none":
        raise SkipTest("revocations are not checked: there is no store, or revocation.consistency is none")
    site.auth.sessions.revoke_subject(subject, issuer=site.tokens.issuer)


def require_stored_sessions(site: Site) -> None:
    """
    Return if sessions are kept, so that they can end.

    Raises:
        unittest.SkipTest: If there is no store.
    """
    if site.auth.config.store.url == "none":
        raise SkipTest("there is no store")
