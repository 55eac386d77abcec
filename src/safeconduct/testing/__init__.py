"""
Help the tests of an application.

A clock that is moved by hand, throw-away keys, signed-in requests, an issuer whose keys rotate, and the contract of
stores; ``safeconduct.testing.conformance`` attacks a whole application.
"""

from typing import TYPE_CHECKING

from safeconduct.testing.clock import Clock
from safeconduct.testing.fake_issuer import FakeIssuer, reload_keys
from safeconduct.testing.keys import throw_away_keys
from safeconduct.testing.signed_in import RequestHeaders, SignedInCookies, signed_in, signed_in_cookies

if TYPE_CHECKING:
    from safeconduct.testing.store_contract import SessionStoreContract, StoreContract

__all__ = [
    "Clock",
    "FakeIssuer",
    "RequestHeaders",
    "SessionStoreContract",
    "SignedInCookies",
    "StoreContract",
    "reload_keys",
    "signed_in",
    "signed_in_cookies",
    "throw_away_keys",
]


def __getattr__(name: str) -> object:
    """Load the contracts when they are asked for: they alone need pytest."""
    if name in {"SessionStoreContract", "StoreContract"}:
        from safeconduct.testing import store_contract  # noqa: PLC0415 - see above

        return getattr(store_contract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
