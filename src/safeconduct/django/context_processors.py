"""Tell templates who is asking and what they may do."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from safeconduct.django.http import state_of
from safeconduct.guard import csrf_token
from safeconduct.principal import Anonymous


def identity(request: HttpRequest) -> dict[str, Any]:
    """
    Return ``current_identity``, ``allows`` and ``safeconduct_csrf_token`` for a template.

    ``allows("POST", "/orders")`` can be called in Jinja; templates of Django use ``{% load safeconduct %}`` and
    ``{% allows "POST" "/orders" as may_order %}``.  ``safeconduct_csrf_token`` is what a script sends as
    ``X-CSRF-Token``; ``csrf_token`` stays Django's own, for its forms.
    """
    state = state_of(request)
    if state is None:
        return {"current_identity": Anonymous(), "allows": _refuse, "safeconduct_csrf_token": ""}
    identity = state.passed.identity
    return {
        "current_identity": identity,
        "allows": partial(state.auth.allows, identity),
        # Made only where it is shown, masked anew.
        "safeconduct_csrf_token": SimpleLazyObject(csrf_token),
    }


def _refuse(_method: str, _path: str, **_prefix: str) -> bool:
    """Refuse everything: nothing has judged the request."""
    return False
