"""What an application's own tests need: a clock that is moved by hand, keys to throw away, and who is signed in."""

from safeconduct.testing.clock import Clock
from safeconduct.testing.keys import throw_away_keys
from safeconduct.testing.signed_in import signed_in

__all__ = ["Clock", "signed_in", "throw_away_keys"]
