"""Help the tests of an application: a clock that is moved by hand, throw-away keys, and signed-in requests."""

from safeconduct.testing.clock import Clock
from safeconduct.testing.keys import throw_away_keys
from safeconduct.testing.signed_in import signed_in

__all__ = ["Clock", "signed_in", "throw_away_keys"]
