"""
An anchored path template: literal segments, ``{name}`` for one segment, a final ``{rest...}`` for any rest.

Of two templates that match one path the more specific is found segment by segment from the left: a literal beats
``{name}``, which beats ``{rest...}``; the end of a template counts as a literal.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

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
    """A template that was read: one (kind, text) for each segment."""

    text: str
    segments: Segments

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

    @property
    def without_slash(self) -> "Template":
        """Return the template without the ``/`` at its end, itself where there is none."""
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
        """Return the template without the names: two with one shape match the same paths."""
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
        ConfigurationError: If what stands before the path is not a method.
    """
    method, space, text = entry.rpartition(" ")
    if not space:
        return None, entry
    if not _METHOD.fullmatch(method):
        raise ConfigurationError(f"a public entry is '/path' or 'METHOD /path', got {entry!r}")
    return method, text
