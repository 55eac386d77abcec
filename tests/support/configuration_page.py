"""
Write the page ``docs/reference/configuration.md`` from the dataclasses of the configuration.

After a change: ``python tests/support/written_pages.py``, which writes the other generated pages too.
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from inspect import getdoc
from pathlib import Path
from typing import Any, Final

from safeconduct.config.config import Config
from safeconduct.config.cross_checks import NOT_IMPLEMENTED
from safeconduct.config.fields import FieldType, ListOf, OrNone
from safeconduct.config.sections import Section, field_types_of
from safeconduct.config.shown_values import is_list

CONFIGURATION: Final = Path(__file__).parents[2] / "docs/reference/configuration.md"

_HEAD: Final = """\
# Configuration

```sh
pip install safeconduct
```

This page lists every setting, its accepted values and its default.
`Config.load()` reads the file that `SAFECONDUCT_CONFIG` names, or else `safeconduct.toml` in the working directory.
Without either, it reads only environment variables.
The whole configuration is checked at once, and one `ConfigurationError` names every wrong field.

An environment variable overrides the file: `SAFECONDUCT_TOKENS__FORMAT=jwe`, for example, sets `tokens.format`.
A string is taken as it is, and every other value is parsed as TOML.
A list replaces the one in the file, and a table is merged with it.
Variables that Kubernetes makes for a Service, such as `SAFECONDUCT_SERVICE_HOST`, are ignored.

Relative paths start from the folder of the file; without a file, from the working directory.
In code, you can pass a mapping for any section.

## The shortest file

These lines are enough to issue and verify tokens, with keys that `safeconduct keys new` makes:

```toml
[safeconduct]
issuer = "http://localhost:8000"
audience = "http://localhost:8000"
keys = "keys/"
store = "memory://"     # redis://localhost:6379/0 if more than one process serves
```

This page is generated from the code: `python tests/support/written_pages.py`.
"""
_ENTRY: Final = re.compile(r"    (\w+): (.*)")


def page() -> str:
    """Return the page."""
    sections = [_HEAD, *_sections(Config, "safeconduct", is_repeated=False), _not_implemented()]
    return "\n".join(sections)


def meanings(cls: type[Any]) -> dict[str, str]:
    """Return the description of each field in the docstring of *cls*, in order."""
    found: dict[str, str] = {}
    name = ""
    for line in (getdoc(cls) or "").partition("\nAttributes:\n")[2].splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry:
            name = entry[1]
            found[name] = entry[2]
        else:
            found[name] += f" {line.strip()}"
    return found


def _sections(cls: type[Any], title: str, *, is_repeated: bool) -> Iterator[str]:
    summary = (getdoc(cls) or "").partition("\n\nAttributes:")[0].replace("\n\n", " ").replace("\n", " ")
    yield f"## `{f'[[{title}]]' if is_repeated else f'[{title}]'}` ({cls.__name__})\n"
    yield "\n".join(_sentences(_code(summary))) + "\n"
    yield "| Field | Value | Default | Meaning |\n|---|---|---|---|"
    said = meanings(cls)
    for field in fields(cls):
        kind = field_types_of(cls)[field.name]
        if _nested(kind) is None or field.name == "store":
            yield f"| `{field.name}` | {_cell(_wanted(kind))} | {_default(field)} | {_cell(said[field.name])} |"
    yield ""
    for name, kind in field_types_of(cls).items():
        nested = _nested(kind)
        if nested is not None:
            yield from _sections(nested, f"{title}.{name}", is_repeated=isinstance(kind, ListOf))


def _not_implemented() -> str:
    rows = (f"| `{row.name}` | {_cell(row.meant)} | {_cell(row.instead)} |" for row in NOT_IMPLEMENTED)
    head = "## Not implemented yet\n", "The configuration refuses these values.\n", "| Field | Refused | Use instead |"
    return "\n".join((*head, "|---|---|---|", *rows, ""))


def _nested(kind: FieldType) -> type[Any] | None:
    inner = kind.kind if isinstance(kind, ListOf) else kind
    return inner.cls if isinstance(inner, Section) else None


def _wanted(kind: FieldType) -> str:
    return f"{kind.wanted}; may be left out" if isinstance(kind, OrNone) else kind.wanted


def _default(field: "Field[Any]") -> str:
    default = field.default
    if default is MISSING:
        return "required"
    if default is None:
        return "not set"
    return f"`{_toml(default)}`"


def _toml(value: object) -> str:
    if is_list(value):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _sentences(text: str) -> list[str]:
    return re.sub(r"\. +(?=[A-Z])", ".\n", text).splitlines()


def _code(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return _code(text).replace("|", "\\|")
