"""Define the tags of ``{% load safeconduct %}``."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def allows(context: Any, method: str, path: str) -> bool:
    """Say whether the access rules would let the caller send another request."""
    may: bool = context["allows"](method, path)
    return may
