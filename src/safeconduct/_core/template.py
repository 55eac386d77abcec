"""
An anchored path template: literal segments, ``{name}`` for one segment, a final ``{rest...}`` for any rest.

Of two templates that match one path the more specific is found segment by segment from the left: a literal beats
``{name}``, which beats ``{rest...}``; the end of a template counts as a literal.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from safeconduct.errors import ConfigurationError

_LITERAL: Final = 2
_NAME: Final = 1
_REST: Final = 0
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}")
_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~0-9-]+")

Kind = Literal[0, 1, 2]


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read: one (kind, text) for each segment."""

    text: str
    segments: tuple[tuple[Kind, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """
        Read *text*.

        Raises:
            ConfigurationError: If it does not begin with ``/`` or a placeholder is not a whole segment, has a wrong
                name, or ``{rest...}`` is not the last.
        """
        if not text.startswith("/"):
            raise ConfigurationError(f"a path template must begin with '/', got {text!r}")
        parts = text[1:].split("/")
        last = len(parts) - 1
        return cls(text, tuple(_segment(part, text, is_last=place == last) for place, part in enumerate(parts)))

    def matches(self, parts: list[str]) -> bool:
        """Say whether the path whose segments are *parts* is meant."""
        segments = self.segments
        if segments[-1][0] == _REST:
            segments = segments[:-1]
            if len(parts) < len(segments):
                return False
        elif len(parts) != len(segments):
            return False
        return all(
            part == text if kind == _LITERAL else part != ""
            for (kind, text), part in zip(segments, parts, strict=False)
        )  # fmt: skip

    @property
    def specificity(self) -> tuple[int, ...]:
        """Return what orders two templates that match one path: the greater is the more specific."""
        kinds = tuple(kind for kind, _ in self.segments)
        return kinds if kinds[-1] == _REST else (*kinds, _LITERAL)

    @property
    def shape(self) -> tuple[tuple[Kind, str], ...]:
        """Return the template without the names: two with one shape match the same paths."""
        return tuple((kind, text if kind == _LITERAL else "") for kind, text in self.segments)


def _segment(part: str, text: str, *, is_last: bool) -> tuple[Kind, str]:
    if "{" not in part and "}" not in part:
        if part in {".", ".."} or (part == "" and not is_last):
            raise ConfigurationError(f"a path template has no empty and no dot segments, got {text!r}")
        return _LITERAL, part
    found = _PLACEHOLDER.fullmatch(part)
    if found is None:
        raise ConfigurationError(f"a placeholder is a whole segment, '{{name}}' or '{{rest...}}', got {text!r}")
    if found[2] is None:
        return _NAME, found[1]
    if not is_last:
        raise ConfigurationError(f"'{{{found[1]}...}}' must be the last segment, got {text!r}")
    return _REST, found[1]


def split_entry(entry: str) -> tuple[str | None, str]:
    """
    Return the method, or None for all, and the template's text of a ``public`` entry such as ``GET /health``.

    Raises:
        ConfigurationError: If what stands before the path is not a method.
    """
    method, space, text = entry.rpartition(" ")
    if not space:
        return None, entry
    if not _METHOD.fullmatch(method):
        raise ConfigurationError(f"a public entry is '/path' or 'METHOD /path', got {entry!r}")
    return method, text
