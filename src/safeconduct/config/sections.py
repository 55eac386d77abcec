"""
Check a frozen dataclass as one section of the configuration.

A section calls ``check_section`` in ``__post_init__``.  It reads every field by its type, runs the cross-checks between
fields, and raises one error for everything that is wrong.  A table inside a section becomes a draft first, so that its
wrong fields are reported together with those of the whole configuration.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from functools import wraps
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin

from safeconduct.config.field_errors import FieldPath, Problem, raise_for
from safeconduct.config.fields import Boolean, Choice, FieldType, FilePath, ListOf, OrNone, TableOf, Text
from safeconduct.config.shown_values import is_table, nearest, shown

SectionT = TypeVar("SectionT")

_INDEX: Final = r"\[\d+\]"
_LONGEST_KEY: Final = 80

LINE: Final = Text("one line of text without surrounding spaces", bool)


class CrossCheck:
    """
    A check of several fields of a section against each other.

    *check* runs only if none of the fields that it *reads* is wrong already.  *reads* are dotted names within the
    section.
    """

    __slots__ = ("check", "reads")

    def __init__(self, reads: tuple[str, ...], check: Callable[[Any], Iterable[Problem]]) -> None:
        self.reads = reads
        self.check = check

    def can_run(self, wrong: Iterable[str]) -> bool:
        """Return whether no name in *wrong* is inside, or around, a field that is read."""
        return not any(f"{name}.".startswith(f"{read}.") or f"{read}.".startswith(f"{name}.")
                       for name in wrong for read in self.reads)  # fmt: skip


CrossChecks = tuple[CrossCheck, ...]


class Section:
    """A nested section: an instance, a table of its fields, or a text for its field *shorthand*."""

    __slots__ = ("cls", "example", "shorthand")

    def __init__(self, cls: type[Any], *, shorthand: str | None = None, example: str = "") -> None:
        self.cls = cls
        self.shorthand = shorthand
        self.example = example

    @property
    def wanted(self) -> str:
        """Describe the table, and the text with an example if there is a shorthand."""
        return f"a table, or its {self.shorthand} as a text: {self.example}" if self.shorthand else "a table"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return the section; an instance has been checked already."""
        if isinstance(value, self.cls):
            return value
        if self.shorthand is not None and isinstance(value, str):
            return draft(self.cls, {self.shorthand: value}, at)
        if is_table(value):
            return draft(self.cls, value, at)
        at.refuse("a text" if isinstance(value, str) else shown(value), self.wanted)
        return value


_PLAIN: Final[Mapping[Any, FieldType]] = {bool: Boolean(), str: LINE, Path: FilePath()}


def field_type_of(annotation: Any) -> FieldType:
    """Return the field type that *annotation* names, or the one for its Python type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kind: FieldType = arguments[1]
        return kind
    if origin in {Union, UnionType}:
        return OrNone(field_type_of(arguments[0]))
    if origin is Literal:
        return Choice(arguments)
    if origin is tuple:
        return ListOf(field_type_of(arguments[0]))
    if origin is Mapping:
        return TableOf(field_type_of(arguments[1]))
    return _PLAIN[annotation] if annotation in _PLAIN else Section(annotation)


def field_types_of(cls: type[Any]) -> Mapping[str, FieldType]:
    """Return the type of every field of *cls*, in order."""
    return MappingProxyType({field.name: field_type_of(field.type) for field in fields(cls)})


def checked_constructor(cls: type[SectionT]) -> type[SectionT]:
    """Make the constructor of a section report unknown and missing fields in the same way as wrong values."""
    construct: Callable[..., None] = cls.__init__
    all_fields = fields(cast("Any", cls))
    known = frozenset(field.name for field in all_fields)
    needed = frozenset(
        field.name for field in all_fields if field.default is MISSING and field.default_factory is MISSING
    )

    @wraps(construct)
    def construct_checked(self: SectionT, *positional: object, **values: Any) -> None:
        if positional or not needed <= values.keys() <= known:
            _refuse(cls, positional, values)
        construct(self, **values)

    cls.__init__ = construct_checked  # type: ignore[assignment, method-assign]  # it takes what the dataclass's takes
    return cls


def _refuse(cls: type[Any], positional: tuple[object, ...], values: Mapping[str, Any]) -> None:
    at = FieldPath()
    for index, value in enumerate(positional):
        at.item(index).refuse(shown(value) if is_table(value) else "a positional argument", "every field by its name")
    draft(cls, values, at)
    raise_for(at.problems, where=f" in {cls.__name__}(…)")


def check_section(section: Any, title: str = "") -> None:
    """
    Read and check every field of a *section* that is being made.

    Raises:
        ConfigurationError: With one line for each wrong field, its name prefixed with *title*.
    """
    at = FieldPath(title)
    _read_fields(section, at)
    raise_for(at.problems)


def draft(cls: type[Any], values: Mapping[Any, object], at: FieldPath) -> Any:
    """
    Return a section of *values*; its wrong fields are reported *at* its path and keep the given values.

    It bypasses the constructor, which would raise before the fields of other sections were checked.
    """
    known = field_types_of(cls)
    for key in values:
        if key not in known:
            at.field(_shown_key(key)).report(f"unknown{nearest(str(key), known)}")
    section = object.__new__(cls)
    for field in fields(cls):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        object.__setattr__(section, field.name, values.get(field.name, default))
    _read_fields(section, at)
    return section


def _read_fields(section: Any, at: FieldPath) -> None:
    inside = FieldPath(base=at.base)
    for name, kind in field_types_of(section.__class__).items():
        value = getattr(section, name)
        if value is MISSING:
            inside.field(name).refuse("nothing", kind.wanted)
        else:
            object.__setattr__(section, name, kind.read(value, inside.field(name)))
    wrong = {re.sub(_INDEX, "", problem.name) for problem in inside.problems}
    cross_checks: CrossChecks = getattr(section, "cross_checks", ())
    for cross_check in cross_checks:
        if cross_check.can_run(wrong):
            inside.problems.extend(cross_check.check(section))
    for problem in inside.problems:
        at.field(problem.name).report(problem.message)


def _shown_key(key: object) -> str:
    is_plain = isinstance(key, str) and key.isprintable() and 0 < len(key) <= _LONGEST_KEY
    return str(key) if is_plain else shown(key)
