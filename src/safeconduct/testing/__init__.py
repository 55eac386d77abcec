"""
Help the tests of an application.

A clock that is moved by hand, throw-away keys, signed-in requests, an issuer whose keys rotate, a conformance suite for
the whole application, and the contract of stores.
"""

from safeconduct.testing.clock import Clock
from safeconduct.testing.fake_issuer import FakeIssuer
from safeconduct.testing.keys import throw_away_keys
from safeconduct.testing.signed_in import RequestHeaders, SignedInCookies, signed_in, signed_in_cookies

__all__ = [
    "Clock",
    "FakeIssuer",
    "RequestHeaders",
    "SignedInCookies",
    "signed_in",
    "signed_in_cookies",
    "throw_away_keys",
]
