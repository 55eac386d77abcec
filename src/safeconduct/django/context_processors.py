"""Tell templates who is asking and what they may do."""

from functools import partial
from typing import Any

from django.http import HttpRequest

from safeconduct.django.http import state_of
from safeconduct.principal import Anonymous


def identity(request: HttpRequest) -> dict[str, Any]:
    """
    Return ``current_identity`` and ``allows`` for a template.

    ``allows("POST", "/orders")`` can be called in Jinja; templates of Django use ``{% load safeconduct %}`` and
    ``{% allows "POST" "/orders" as may_order %}``.
    """
    state = state_of(request)
    if state is None:
        return {"current_identity": Anonymous(), "allows": _refuse}
    identity = state.passed.identity
    return {"current_identity": identity, "allows": partial(state.auth.allows, identity)}


def _refuse(_method: str, _path: str, **_prefix: str) -> bool:
    """Refuse everything: nothing has judged the request."""
    return False
