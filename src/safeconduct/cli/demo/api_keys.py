"""The API keys of the demo's users: what both of its applications answer on ``/api-keys``."""

import json
from typing import Any, Final

from safeconduct._core.api_keys.verbs import ApiKey, NewApiKey
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Principal

LIFETIME_SECONDS: Final = 7 * 86_400
#: A key makes and ends no keys.
SCHEMES: Final = ("cookie", "bearer", "basic")
_LONGEST_NAME: Final = 100


def wanted(who: Principal, body: bytes) -> dict[str, Any]:
    """
    Return the arguments of ``create`` for a request to make a key of *who*.

    Raises:
        InvalidRequest: If *body* has no name that can be shown.
    """
    try:
        name = json.loads(body)["name"]
    except (KeyError, TypeError, ValueError):
        raise InvalidRequest("the body is not an object with a name") from None
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest("the body has no name for the key")
    return {"name": name, "roles": sorted(who.roles), "expires_in_seconds": LIFETIME_SECONDS}


def shown_once(key: NewApiKey) -> dict[str, Any]:
    """Return what the page shows of a new key."""
    return {"key": key.key, **listed(key)}


def listed(key: ApiKey) -> dict[str, Any]:
    """Return what the page shows of a key."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
