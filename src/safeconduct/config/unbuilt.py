"""
What the design promises and is not built yet: refused by name, instead of silently not done.

Whoever builds one deletes its row.
"""

from collections.abc import Callable, Iterator
from typing import Final

from safeconduct.config.problems import Problem, shown, shown_url
from safeconduct.config.shapes import is_list


def one_of(*values: object) -> Callable[[object], bool]:
    """Return a predicate that is true of *values*."""
    return values.__contains__


def given(value: object) -> bool:
    """Say whether the field was given at all."""
    return value is not None


def is_on(value: object) -> bool:
    """Say whether the field was switched on."""
    return value is True


def begins(*starts: str) -> Callable[[object], bool]:
    """Return a predicate that is true of a text that begins with one of *starts*."""
    return lambda value: isinstance(value, str) and value.startswith(starts)


class Unbuilt:
    """A value of a field that will be possible; in *name*, ``[]`` stands for every item of a list."""

    __slots__ = ("instead", "is_meant", "meant", "name")

    def __init__(self, name: str, meant: str, instead: str, is_meant: Callable[[object], bool]) -> None:
        self.name = name
        #: In words: the values that are meant, and what to choose until then.
        self.meant = meant
        self.instead = instead
        self.is_meant = is_meant


UNBUILT: Final = (
    Unbuilt("sources[]", "`dpop`", "another source than `dpop`", one_of("dpop")),
    Unbuilt(
        "store.url",
        "`redis+sentinel://`, `redis+cluster://`",
        "one server",
        begins("redis+sentinel:", "redis+cluster:"),
    ),
    Unbuilt("access.rules[].consistency", "`bounded`", "`strict` or `none`", one_of("bounded")),
    Unbuilt("access.rules[].on_outage", "`serve`", "`refuse`", one_of("serve")),
    Unbuilt("revocation.consistency", "`bounded`", "`strict` or `none`", one_of("bounded")),
    Unbuilt("revocation.on_outage", "`serve`", "`refuse`", one_of("serve")),
    Unbuilt("trust[].jwks", "every URL", "`keys` with the file of the set", given),
    Unbuilt("trust[].discovery", "`true`", "`keys` with the file of the set", is_on),
)


def what_is_not_built(config: object) -> Iterator[Problem]:
    """Find every value in *config*, which may be a draft, that is not built yet."""
    for row in UNBUILT:
        for name, value in _reach(config, row.name.split("."), ""):
            if row.is_meant(value):
                seen = shown_url(value) if row.name == "store.url" and isinstance(value, str) else shown(value)
                yield Problem(name, f"got {seen}, which is not built yet, wanted {row.instead}")


def _reach(section: object, path: list[str], prefix: str) -> Iterator[tuple[str, object]]:
    step, *rest = path
    name = step.removesuffix("[]")
    value: object = getattr(section, name, None)
    places: list[tuple[str, object]] = [(f"{prefix}{name}", value)]
    if name != step:
        items = enumerate(value if is_list(value) else ())
        places = [(f"{prefix}{name}[{place}]", item) for place, item in items]
    for place, item in places:
        if rest:
            yield from _reach(item, rest, f"{place}.")
        else:
            yield place, item
