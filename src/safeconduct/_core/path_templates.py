"""
Read anchored path templates, and find those that match a path, in time that does not grow with their number.

A template consists of literal segments, ``{name}`` for any one segment, and a final ``{rest...}`` for any rest.  Of two
templates that match one path, the more specific is found segment by segment from the left: a literal beats ``{name}``,
which beats ``{rest...}``; the end of a template counts as a literal.

The templates are kept in a tree, one node for each segment.  A path is walked once, from the left.  At each segment at
most two branches continue, the literal and ``{name}``, so only nodes are visited whose templates match so far.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from safeconduct.errors import ConfigurationError

LITERAL: Final = 2
NAME: Final = 1
REST: Final = 0
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}")
_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~0-9-]+")

Kind = Literal[0, 1, 2]
Segments = tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: one (kind, text) for each segment."""

    text: str
    segments: Segments

    @classmethod
    def parse(cls, text: str) -> "Template":
        """
        Parse *text*.

        Raises:
            ConfigurationError: If it does not begin with ``/``, a placeholder is not a whole segment or has a wrong
                name, or ``{rest...}`` is not the last segment.
        """
        if not text.startswith("/"):
            raise ConfigurationError(f"a path template must begin with '/', got {text!r}")
        parts = text[1:].split("/")
        last = len(parts) - 1
        return cls(text, tuple(_segment(part, text, is_last=index == last) for index, part in enumerate(parts)))

    @property
    def without_slash(self) -> "Template":
        """Return the template without its final ``/``."""
        if self.segments[-1] != (LITERAL, ""):
            return self
        return Template(self.text, self.segments[:-1])

    @property
    def specificity(self) -> tuple[int, ...]:
        """Return what orders two templates that match one path: the greater is the more specific."""
        kinds = tuple(kind for kind, _ in self.segments)
        return kinds if kinds and kinds[-1] == REST else (*kinds, LITERAL)

    @property
    def shape(self) -> Segments:
        """Return the template without its names: two of one shape match the same paths."""
        return tuple((kind, text if kind == LITERAL else "") for kind, text in self.segments)


def _segment(part: str, text: str, *, is_last: bool) -> tuple[Kind, str]:
    if "{" not in part and "}" not in part:
        if part in {".", ".."} or (part == "" and not is_last):
            raise ConfigurationError(f"a path template has no empty and no dot segments, got {text!r}")
        return LITERAL, part
    found = _PLACEHOLDER.fullmatch(part)
    if found is None:
        raise ConfigurationError(f"a placeholder is a whole segment, '{{name}}' or '{{rest...}}', got {text!r}")
    if found[2] is None:
        return NAME, found[1]
    if not is_last:
        raise ConfigurationError(f"'{{{found[1]}...}}' must be the last segment, got {text!r}")
    return REST, found[1]


def split_entry(entry: str) -> tuple[str | None, str]:
    """
    Return the method, or None for all, and the template's text of a ``public`` entry such as ``GET /health``.

    Raises:
        ConfigurationError: If the part before the path is not a method.
    """
    method, space, text = entry.rpartition(" ")
    if not space:
        return None, entry
    if not _METHOD.fullmatch(method):
        raise ConfigurationError(f"a public entry is '/path' or 'METHOD /path', got {entry!r}")
    return method, text


V = TypeVar("V")


class _Node(Generic[V]):
    """The branches after some segments, and the values of the templates that end there."""

    __slots__ = ("ends", "literals", "name", "rests")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[V]] = {}
        self.name: _Node[V] | None = None
        #: The values of the templates that end here.
        self.ends: list[V] = []
        #: The values of those that go on with ``{rest...}``.
        self.rests: list[V] = []


class TemplateTree(Generic[V]):
    """Keep a value for each template, and find the values for a path."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Node[V] = _Node()

    def add(self, segments: Segments, value: V) -> None:
        """Keep *value* for the template that consists of *segments*."""
        node = self._root
        for kind, text in segments:
            if kind == REST:
                node.rests.append(value)
                return
            if kind == LITERAL:
                following = node.literals.get(text)
                if following is None:
                    following = node.literals[text] = _Node()
            else:
                following = node.name
                if following is None:
                    following = node.name = _Node()
            node = following
        node.ends.append(value)

    def find(self, parts: Sequence[str], *, with_empty_names: bool = False) -> list[V]:
        """
        Return the values of all templates that match a path, in no order.

        Args:
            parts: The segments of the path.
            with_empty_names: Whether ``{name}`` matches an empty segment too.
        """
        found = [*self._root.rests]
        nodes = [self._root]
        for part in parts:
            following: list[_Node[V]] = []
            for node in nodes:
                literal = node.literals.get(part)
                if literal is not None:
                    following.append(literal)
                if node.name is not None and (part or with_empty_names):
                    following.append(node.name)
            if not following:
                return found
            nodes = following
            for node in nodes:
                found += node.rests
        for node in nodes:
            found += node.ends
        return found
