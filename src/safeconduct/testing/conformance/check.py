"""Define what a check is, and the expectations that checks share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NoReturn
from unittest import SkipTest

from safeconduct.testing.conformance.in_process import AppResponse, AttackRequest, Fields
from safeconduct.testing.conformance.site import Site

#: The fields by which a browser tells that another site's page sent a request.
FOREIGN_PAGES: Final[tuple[tuple[str, str], ...]] = (
    ("origin", "https://attacker.example"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
    ("referer", "https://attacker.example"),
)
#: The statuses of a request that was refused or not understood: no 2xx, and no fault of the application.
NOT_SERVED: Final = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 414, 431, 501})


@dataclass(frozen=True, slots=True)
class Check:
    """One property of a protected application; its text is the id of a test."""

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
        """Return the text."""
        return self.says


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of each check."""

    passed: tuple[str, ...]
    #: Each with the reason.
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


def get(
    path: str, headers: Fields = (), *, query: str = "", planted: Mapping[str, Any] = MappingProxyType({})
) -> AttackRequest:
    """Return a request by GET."""
    return AttackRequest("GET", path, headers, query=query, planted=planted)


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
    Check that sessions are stored, so that they can end.

    Raises:
        unittest.SkipTest: If there is no store.
    """
    if site.auth.config.store.url == "none":
        raise SkipTest("there is no store")
