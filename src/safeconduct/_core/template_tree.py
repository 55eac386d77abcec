"""
Find among many templates those that match a path, in steps that do not grow with their number.

The templates lie in a tree, one node for each segment.  A path is walked once, from the left; at each segment at most
two ways go on, that of the literal and that of ``{name}``, so that only nodes are visited whose templates match so far.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

from safeconduct._core.template import LITERAL, REST, Segments

V = TypeVar("V")


class _Node(Generic[V]):
    """What follows after some segments, and what ends there."""

    __slots__ = ("ends", "literals", "name", "rests")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[V]] = {}
        self.name: _Node[V] | None = None
        #: Of the templates that end here.
        self.ends: list[V] = []
        #: Of those that go on with ``{rest...}``.
        self.rests: list[V] = []


class TemplateTree(Generic[V]):
    """Keeps a value for each template."""

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

    def find(self, parts: Sequence[str]) -> list[V]:
        """Return the values of all templates that match the path whose segments are *parts*, in no order."""
        found = [*self._root.rests]
        nodes = [self._root]
        for part in parts:
            following: list[_Node[V]] = []
            for node in nodes:
                literal = node.literals.get(part)
                if literal is not None:
                    following.append(literal)
                if node.name is not None and part:
                    following.append(node.name)
            if not following:
                return found
            nodes = following
            for node in nodes:
                found += node.rests
        for node in nodes:
            found += node.ends
        return found
