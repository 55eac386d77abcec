"""Define a route of an application, and read what ``requires`` asks around its view."""

from dataclasses import dataclass
from typing import Any, Final

from safeconduct._core.requirement import OPEN, Requirement

#: Stands for a path parameter; no rule names it, so the result holds for every value that has no rule of its own.
ANY_SEGMENT: Final = "\N{HORIZONTAL ELLIPSIS}"
#: The methods of a class-based view through which frameworks call all others.
_DISPATCHERS: Final = ("dispatch", "dispatch_request")


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path template, as the framework writes it."""

    method: str
    path: str
    #: The path with every parameter filled in, for looking up the rules.
    sample: str
    #: What ``requires`` around the view adds; None if it is not used there.
    added: Requirement | None = None
    #: The name of the view if ``requires`` stands above its route decorator, so that it is never checked.
    unchecked_view: str | None = None


def added_for(method: str, view: Any, view_class: type | None) -> tuple[Requirement | None, str | None]:
    """
    Return what ``requires`` asks around *view* and around the methods of *view_class* that serve *method*.

    The second value is the name of *view* if it was given to the framework first and to ``requires`` then.
    """
    # Both frameworks serve HEAD by `get` if there is no `head`.
    name = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
    functions = () if view_class is None else (getattr(view_class, each, None) for each in (*_DISPATCHERS, name))
    found = [added for added in map(_added, (view, *functions)) if added is not None]
    unchecked = f"{view.__module__}.{view.__qualname__}" if vars_of(view).get("safeconduct_is_guarded") else None
    return (sum(found, OPEN) if found else None), unchecked


def vars_of(view: Any) -> dict[str, Any]:
    """Return the attributes that were set on *view* itself."""
    found: dict[str, Any] = getattr(view, "__dict__", {})
    return found


def _added(view: Any) -> Requirement | None:
    """Return the sum of what ``requires`` asks around one function."""
    total: Requirement | None = None
    while view is not None:
        found: object = getattr(view, "safeconduct_requirement", None)
        if isinstance(found, Requirement):
            total = found if total is None else total + found
        view = getattr(view, "__wrapped__", None)
    return total
