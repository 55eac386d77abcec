"""The smallest valid configurations, for tests that make one field of them wrong."""

from collections.abc import Mapping
from typing import Any

import pytest

from safeconduct.config import Config
from safeconduct.errors import ConfigurationError

ISSUER = "https://api.example.com"
TRUST: Mapping[str, Any] = {
    "issuer": "https://idp.example.com",
    "audience": ISSUER,
    "algorithms": ["ES256"],
    "keys": "idp-jwks.json",
}


def minimal_fields(**fields: Any) -> dict[str, Any]:
    """Return the fields of a valid configuration, with *fields* over them."""
    return {"store": "memory://", "issuer": ISSUER, "audience": ISSUER, "keys": "keys/", **fields}


def errors_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the error messages of a configuration with *fields*, by the dotted name of the field."""
    with pytest.raises(ConfigurationError) as caught:
        Config.from_mapping(fields)
    return errors_by_field(caught.value)


def errors_by_field(error: ConfigurationError) -> dict[str, str]:
    """Return the messages of *error* by the dotted name of the field; a field must not be named twice."""
    lines = [line.strip().partition(": ")[::2] for line in str(error).splitlines()[1:]]
    found = dict(lines)
    assert len(lines) == len(found), lines
    return found
