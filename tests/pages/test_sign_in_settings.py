"""``auth.cookies`` and ``auth.passwords`` where they cannot work."""

import pytest

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, ConfigurationError


@pytest.mark.parametrize(
    ("fields", "directory", "named"),
    [
        ({"sources": ["bearer"]}, {"alice": "w"}, "cookies"),
        ({"cookies": {"mode": "off"}}, {"alice": "w"}, "cookies"),
        ({}, {}, "passwords"),
    ],
    ids=str,
)
def test_what_cannot_work_is_said_at_once(fields, directory, named):
    """A view of the application would fail at every request."""
    with Auth(login_configuration(**fields), directory=MemoryDirectory(**directory) if directory else None) as auth:
        with pytest.raises(ConfigurationError, match=f"auth.{named}"):
            getattr(auth, named)
        with pytest.raises(ConfigurationError, match=f"auth.{named}"):
            getattr(auth, f"async_{named}")
