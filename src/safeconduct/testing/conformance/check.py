"""Say what holds for a site, and how a check fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from safeconduct.testing.conformance.site import AppResponse, AttackRequest, Site

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
