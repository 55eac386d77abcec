"""
Attack an application in its own tests, with the configuration that it runs with.

Everything happens in this process: no network, no server.  With pytest::

    @pytest.fixture(scope="module")
    def site():
        with Site(create_app(), closed="/me", public="/", needs_role=("/admin", "admin")) as site:
            yield site

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    def test_conformance(check, site):
        check(site)

A check raises ``AssertionError`` if the application does not behave as it must, and ``unittest.SkipTest``, which pytest
reports as skipped, if it is about something that the site does not have.
"""

from typing import Final
from unittest import SkipTest

from safeconduct.testing.conformance.access_checks import ACCESS_CHECKS
from safeconduct.testing.conformance.check import Check, Report
from safeconduct.testing.conformance.cookie_checks import COOKIE_CHECKS
from safeconduct.testing.conformance.login_checks import LOGIN_CHECKS
from safeconduct.testing.conformance.site import Site
from safeconduct.testing.conformance.websocket_checks import WEBSOCKET_CHECKS

__all__ = ["CHECKS", "Check", "Report", "Site", "check_all"]

CHECKS: Final[tuple[Check, ...]] = (*ACCESS_CHECKS, *COOKIE_CHECKS, *LOGIN_CHECKS, *WEBSOCKET_CHECKS)
"""Every check, for ``pytest.mark.parametrize("check", CHECKS, ids=str)``."""


def check_all(site: Site) -> Report:
    """Run every check and return the outcomes; an exception of the application itself is raised."""
    passed: list[str] = []
    skipped: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    for check in CHECKS:
        try:
            check(site)
        except SkipTest as reason:
            skipped.append((check.says, str(reason)))
        except AssertionError as reason:
            failed.append((check.says, str(reason)))
        else:
            passed.append(check.says)
    return Report(tuple(passed), tuple(skipped), tuple(failed))
