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

A check raises ``AssertionError`` if the application lets something through, and ``unittest.SkipTest``, which pytest
knows, if it is about something that the site does not have.
"""

from safeconduct.testing.conformance.check import Check, Report
from safeconduct.testing.conformance.checks import CHECKS, check_all
from safeconduct.testing.conformance.site import Site

__all__ = ["CHECKS", "Check", "Report", "Site", "check_all"]
