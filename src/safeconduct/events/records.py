"""Turn events into plain values, for logs and metrics that know nothing of this package."""

import logging
import math
from dataclasses import fields
from typing import Any, cast

from safeconduct.events.requests import Event


def to_mapping(event: Event) -> dict[str, Any]:
    """
    Return *event* as an object for JSON: its class as ``event``, the name of its level as ``severity``, its fields.

    Tuples become lists, and a number that JSON does not have, such as infinity, becomes None.
    """
    found = {each.name: _plain(getattr(event, each.name)) for each in fields(event)}
    return {"event": type(event).__name__, "severity": logging.getLevelName(event.log_level), **found}


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[object, ...]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value
