"""
The tests that every store passes, for those who bring a store of their own; needs pytest.

``StoreContract`` is about revocations, epochs, tokens that count once, and the throttle; ``SessionStoreContract`` is
about sessions, their refresh tokens, and opaque tokens, for a store that keeps them.
"""

import pytest

# Before they are imported, so that a failed assertion shows the values.
pytest.register_assert_rewrite(
    *(
        f"safeconduct.testing.store_contract.{name}"
        for name in (
            *("long_term", "opaque_tokens", "renewals", "revocations", "rotations"),
            *("session_commands", "session_limits", "sessions", "throttle"),
        )
    )
)

from safeconduct.testing.store_contract.contracts import SessionStoreContract, StoreContract  # noqa: E402 - see above

__all__ = ["SessionStoreContract", "StoreContract"]
