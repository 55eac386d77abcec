"""Define a route of an application, and read what ``requires`` asks around its view."""

from dataclasses import dataclass
from typing import Any, Final

from safeconduct._core.requirement import OPEN, Requirement, requirements_of

#: The methods of a class-based view through which frameworks call all others.
_DISPATCHERS: Final = ("dispatch", "dispatch_request")


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path template, as the framework writes it."""

    method: str
    path: str
    #: The path with every parameter filled in, for looking up the rules.
    sample: str
    #: What ``requires`` around the view and checks of the framework before it add; None if there are none.
    added: Requirement | None = None
    #: The name of the view if ``requires`` stands above its route decorator, so that it is never checked.
    unchecked_view: str | None = None
    #: Whether the framework checks something before the view of which it is not known what it asks.
    has_unread_check: bool = False
    #: The methods that have a route of their own, where this one is for any other.
    except_methods: frozenset[str] = frozenset()


def added_for(method: str, view: Any, view_class: type | None) -> tuple[Requirement | None, str | None]:
    """
    Return what ``requires`` asks around *view* and around the methods of *view_class* that serve *method*.

    The second value is the name of *view* if it was given to the framework first and to ``requires`` then.
    """
    # A view without `head` answers HEAD by `get`.
    name = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
    functions = () if view_class is None else (getattr(view_class, each, None) for each in (*_DISPATCHERS, name))
    found = [each for function in (view, *functions) for each in requirements_of(function)]
    unchecked = _name_of(view) if vars_of(view).get("safeconduct_is_guarded") else None
    return (sum(found, OPEN) if found else None), unchecked


def _name_of(view: Any) -> str:
    # A partial function or another callable object has the name of its class.
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"


def vars_of(view: Any) -> dict[str, Any]:
    """Return the attributes that were set on *view* itself."""
    found: dict[str, Any] = getattr(view, "__dict__", {})
    return found
