"""
Define the types that a configuration field may have.

A type says in words what it accepts, and reads a value.  A field names its type in its annotation:
``Annotated[int, Integer(0, 60)]``.  The types are plain classes, because a dataclass takes a hundred times as long to
define, at every import.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

from safeconduct.config.field_errors import FieldPath
from safeconduct.config.shown_values import MASK, is_list, is_table, shown
from safeconduct.config.urls import is_secure_origin, like
from safeconduct.principal import LEVELS, Level

_ENVIRONMENT_NAME: Final = r"env:[A-Za-z_][A-Za-z0-9_]*"


class FieldType(Protocol):
    """The type of a field."""

    @property
    def wanted(self) -> str:
        """Describe in words what is accepted."""
        ...

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value* in the form that the field holds; report *at* the field what is wrong with it."""
        ...


class Integer:
    """An integer from *least* to *most*."""

    __slots__ = ("least", "most")

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    @property
    def wanted(self) -> str:
        """Describe the bounds."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value*; True and False are not accepted as numbers."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            at.refuse(shown(value), self.wanted)
        return value


class PositiveNumber:
    """A finite number above 0 and at most *most*."""

    __slots__ = ("most",)

    def __init__(self, most: float) -> None:
        self.most = most

    @property
    def wanted(self) -> str:
        """Describe the bounds."""
        return f"a number above 0 and at most {self.most:g}"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value* as a float."""
        # NaN fails the comparison too.
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= self.most:
            at.refuse(shown(value), self.wanted)
            return value
        return float(value)


class Boolean:
    """True or False, and no other value, such as 1 or "true"."""

    @property
    def wanted(self) -> str:
        """Describe what is accepted."""
        return "true or false"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value*."""
        if not isinstance(value, bool):
            at.refuse(shown(value), self.wanted)
        return value


class Choice:
    """One of a few words."""

    __slots__ = ("words",)

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    @property
    def wanted(self) -> str:
        """List the words."""
        *others, last = (f'"{word}"' for word in self.words)
        return f"{', '.join(others)} or {last}" if others else last

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value*."""
        if not isinstance(value, str) or value not in self.words:
            at.refuse(shown(value), self.wanted)
        return value


class Text:
    """A printable text of one line, without surrounding spaces, that *accepts* returns true for."""

    __slots__ = ("accepts", "show", "wanted")

    def __init__(self, wanted: str, accepts: Callable[[str], object], *, show: Callable[[str], str] = shown) -> None:
        self.wanted = wanted
        self.accepts = accepts
        #: Shows a wrong value in an error; must be given if the value may contain a secret.
        self.show = show

    def read(self, value: object, at: FieldPath) -> Any:
        """Return *value*."""
        if not isinstance(value, str):
            at.refuse(shown(value), self.wanted)
        elif not value.isprintable() or value.strip() != value or not self.accepts(value):
            at.refuse(self.show(value), self.wanted)
        return value


class ListOf:
    """A list of items of one type, kept as a tuple."""

    __slots__ = ("kind", "least")

    def __init__(self, kind: FieldType, *, least: int = 0) -> None:
        self.kind = kind
        self.least = least

    @property
    def wanted(self) -> str:
        """Describe the items."""
        return f"a list{' that is not empty' if self.least else ''}, each item {self.kind.wanted}"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return the items as a tuple; a text is not accepted as a list of characters."""
        if not is_list(value) or len(value) < self.least:
            at.refuse("an empty list" if value in ([], ()) else shown(value), self.wanted)
            return value
        return tuple(self.kind.read(item, at.item(index)) for index, item in enumerate(value))


class TableOf:
    """A table from any text to values of one type."""

    __slots__ = ("kind",)

    def __init__(self, kind: FieldType) -> None:
        self.kind = kind

    @property
    def wanted(self) -> str:
        """Describe the values."""
        return f"a table, each value {self.kind.wanted}"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return a copy, which the caller cannot change."""
        if not is_table(value):
            at.refuse(shown(value), self.wanted)
            return value
        if any(not isinstance(key, str) or not key for key in value):
            at.refuse("a key that is not a text", self.wanted)
        return {key: self.kind.read(item, at.field(shown(key))) for key, item in value.items()}


class OrNone:
    """A value of another type, or None."""

    __slots__ = ("kind",)

    def __init__(self, kind: FieldType) -> None:
        self.kind = kind

    @property
    def wanted(self) -> str:
        """Describe what is accepted besides None."""
        return self.kind.wanted

    def read(self, value: object, at: FieldPath) -> Any:
        """Return None, or *value* as the other type reads it."""
        return None if value is None else self.kind.read(value, at)


class FilePath:
    """The path of a file."""

    @property
    def wanted(self) -> str:
        """Describe what is accepted."""
        return "a path"

    def read(self, value: object, at: FieldPath) -> Any:
        """Return the path; a relative one starts from the base of the configuration."""
        if not isinstance(value, str | Path) or not _is_path(str(value)):
            at.refuse(shown(value), self.wanted)
            return value
        return Path(value) if at.base is None else at.base / value


class Keys:
    """The source of keys: a path, the name of an environment variable, or in code the JWK Set itself."""

    @property
    def wanted(self) -> str:
        """Describe what is accepted."""
        return 'the path of a folder of JWKs or of a JWK Set, or "env:NAME"'

    def read(self, value: object, at: FieldPath) -> Any:
        """Return the path, the name or the set; the keys themselves are checked when they are loaded."""
        if is_table(value):
            if not is_list(value.get("keys")):
                at.refuse('a table without a list "keys"', "a JWK Set (RFC 7517 §5)")
            return dict(value)
        if isinstance(value, str) and value.startswith("env:"):
            if not re.fullmatch(_ENVIRONMENT_NAME, value):
                at.refuse(f"'env:{MASK}'", self.wanted)
            return value
        return self._read_path(value, at)

    def _read_path(self, value: object, at: FieldPath) -> Any:
        # A key that was pasted instead of its path must not appear in an error, here or when the path is opened.
        is_pasted = isinstance(value, str) and value.lstrip().startswith(("{", "[", "-----"))
        if is_pasted or not isinstance(value, str | Path) or not _is_path(str(value)):
            at.refuse("what looks like the key itself" if is_pasted else shown(value), self.wanted)
            return value
        path = value if at.base is None else at.base / value
        return str(path) if isinstance(value, str) else path


def _is_path(text: str) -> bool:
    return bool(text) and text.isprintable()


Consistency = Literal["bounded", "strict", "none"]
"""How revocations are checked: in a local view, by asking the store at each request, or not at all."""

Outage = Literal["refuse", "serve"]
"""What happens to a request while revocations cannot be checked."""

TEN_YEARS_SECONDS: Final = 315_360_000

SUBJECT: Final = "{sub}"
"""The placeholder for the subject in a template of ``REMOTE_USER``."""

# "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )" — RFC 6749 §3.3
_SCOPE: Final = r"[\x21\x23-\x5b\x5d-\x7e]+"
_MEDIA_TYPE: Final = r"(?:application/)?[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"

SIGNATURE_NAMES: Final = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    "Ed25519",
)
"""The algorithms that our own tokens may be signed with (RFC 7518 §3.1, RFC 9864 §2.2)."""

ENCRYPTION_NAMES: Final = ("A256KW", "ECDH-ES+A256KW", "dir", "A256GCM")
"""The key management algorithms of a ``jwe``, and its one content encryption (RFC 7518 §4.1, §5.1)."""

Seconds = Annotated[int, Integer(1, TEN_YEARS_SECONDS)]
Leeway = Annotated[int, Integer(0, 60)]
ScopeName = Annotated[str, Text("a scope: printable ASCII without spaces, double quotes and backslashes", like(_SCOPE))]
TokenType = Annotated[str, Text('a media type such as "at+jwt"', like(_MEDIA_TYPE))]
# "anonymous" in a rule or a mapping would look as if it opened a path, and only `public` does that.
ProvenLevel = Annotated[Level, Choice(LEVELS[1:])]
AlgorithmName = Annotated[str, Choice(SIGNATURE_NAMES)]
TrustedAlgorithmName = Annotated[str, Choice((*SIGNATURE_NAMES, "EdDSA", *ENCRYPTION_NAMES))]
OriginText = Annotated[
    str,
    Text("https://host or https://host:port without path (http on localhost, 127.0.0.1, [::1])", is_secure_origin),
]
