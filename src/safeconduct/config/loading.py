"""
Load the configuration from a TOML file and from environment variables, which override the file.

``SAFECONDUCT_TOKENS__FORMAT`` is the field ``tokens.format``.  The value of a text field is taken as it is, and every
other value is read as TOML.  A list replaces the one in the file; a table is merged with it.
"""

import logging
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from safeconduct.config.config import Config
from safeconduct.config.field_errors import FieldPath
from safeconduct.config.fields import Choice, FieldType, FilePath, Keys, OrNone, Text
from safeconduct.config.regular_files import read_regular_file
from safeconduct.config.sections import Section, field_types_of
from safeconduct.config.shown_values import TYPING_ERROR, is_list, is_table, nearest, shown
from safeconduct.errors import ConfigurationError

PREFIX: Final = "SAFECONDUCT_"
FILE_VARIABLE: Final = "SAFECONDUCT_CONFIG"
DEFAULT_FILE: Final = Path("safeconduct.toml")
_OWN_SERVICE: Final = re.compile(r"SAFECONDUCT_(?:SERVICE_|PORT(?:_|$))", re.ASCII)
_OTHER_SERVICE: Final = re.compile(
    r"SAFECONDUCT(?:_[A-Z0-9]+)+_"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9]+)*|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)",
    re.ASCII,
)
_OTHER_PORT: Final = re.compile(r"SAFECONDUCT(?:_[A-Z0-9]+)+_PORT", re.ASCII)
_LINK: Final = re.compile(r"(?:tcp|udp|sctp)://", re.ASCII)
_logger = logging.getLogger("safeconduct.config")

ROOT: Final = "safeconduct"

_NO_FILE: Final = f", and no {DEFAULT_FILE} in the working directory (name a file: {FILE_VARIABLE}, Config.load(path))"
_REFERENCE: Final = re.compile(r"env:(SAFECONDUCT_\w+)", re.ASCII)


def load(path: str | Path | None, environ: Mapping[str, str]) -> tuple[dict[str, Any], FieldPath, str]:
    """Return the values, the field path with their base, and the origin of the values for the heading of an error."""
    file = _chosen(path, environ)
    values = dict(parse(_read(file), source=str(file))) if file else {}
    at = FieldPath(base=file.absolute().parent if file else None)
    _override(values, environ, at)
    return values, at, f" in {file}" if file else _NO_FILE


def parse(text: str, *, source: str = "") -> Mapping[str, Any]:
    """
    Return the table ``[safeconduct]`` of a TOML document.

    Raises:
        ConfigurationError: If the document is no TOML, or has another table beside that one.
    """
    where = f" in {source}" if source else ""
    document = _toml(text, where)
    for name in document:
        if name != ROOT:
            # Anything beside the table would be ignored silently, and it may be an access rule.
            said = f"{shown(name)}: outside of [{ROOT}], wanted below it, or in another file"
            if nearest(name, [ROOT], likeness=TYPING_ERROR):
                said += f"; did you mean [{ROOT}]?"
            raise ConfigurationError(f"wrong configuration{where}:\n  {said}")
    table = document.get(ROOT)
    if not is_table(table):
        raise ConfigurationError(f"wrong configuration{where}:\n  {ROOT}: got {shown(table)}, wanted a table [{ROOT}]")
    return cast("Mapping[str, Any]", table)  # keys in TOML are texts


def _toml(text: str, where: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        end = f"at line {text.count(chr(10)) + 1}, the end of the document"
        said = str(error).replace("at end of document", end)
    except (ValueError, RecursionError):
        said = "a number or a nesting beyond every bound"
    # Not chained, because the error of the parser may contain the document with its secrets.
    raise ConfigurationError(f"wrong configuration{where}:\n  no TOML: {said}") from None


def _chosen(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    named = environ.get(FILE_VARIABLE) if path is None else path
    if named is not None:
        return Path(named)
    # A dangling link counts as a file, so that reading it is an error: without the file the configuration would differ.
    return DEFAULT_FILE if os.path.lexists(DEFAULT_FILE) else None


def _read(file: Path) -> str:
    try:
        return read_regular_file(file)[0].decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8, or no path"
        raise ConfigurationError(f"wrong configuration:\n  {shown(file)}: {why}, wanted a readable TOML file") from None


def _override(values: dict[str, Any], environ: Mapping[str, str], at: FieldPath) -> None:
    """Override *values* with the variables of *environ*, those of whole sections first; report wrong ones *at* root."""
    known = variables()
    for name in sorted(known.keys() & environ.keys(), key=lambda name: len(known[name][0])):
        path, kind = known[name]
        value = environ[name] if _is_text(kind) else _read_value(environ[name], FieldPath(name, at.problems))
        if value is not None:
            _put(values, path, kind, value)
    # A variable that `keys` refers to is no field, and no mistake.
    meant = {FILE_VARIABLE, *known, *_references(values)}
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in meant):
        if is_of_service(name, environ[name]):
            _logger.debug("%s is ignored: Kubernetes sets such variables for a Service", name)
            continue
        FieldPath(name, at.problems).report(f"unknown variable{nearest(name, [*known, FILE_VARIABLE])}")


def is_of_service(name: str, value: str) -> bool:
    """
    Return whether Kubernetes set the variable, for a Service called ``safeconduct`` or ``safeconduct-…``.

    For the latter only certain names count: ``SAFECONDUCT_STORE_PORT`` may be a mistyped field.
    """
    if _OWN_SERVICE.match(name) or _OTHER_SERVICE.fullmatch(name):
        return True
    return _OTHER_PORT.fullmatch(name) is not None and _LINK.match(value) is not None


def variables() -> Mapping[str, tuple[tuple[str, ...], FieldType]]:
    """Return the path and the type of the field of every variable."""
    found: dict[str, tuple[tuple[str, ...], FieldType]] = {}
    for name, kind in field_types_of(Config).items():
        found[f"{PREFIX}{name}".upper()] = (name,), kind
        if isinstance(kind, Section):
            for inner, inner_kind in field_types_of(kind.cls).items():
                found[f"{PREFIX}{name}__{inner}".upper()] = (name, inner), inner_kind
    return found


def _is_text(kind: FieldType) -> bool:
    if isinstance(kind, OrNone):
        return _is_text(kind.kind)
    if isinstance(kind, Section):
        return kind.shorthand is not None
    return isinstance(kind, Text | Choice | FilePath | Keys)


def _read_value(text: str, at: FieldPath) -> object:
    """Return the TOML value of *text*; report *at* its path and return None, which TOML lacks, if it has none."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        document = {}
    if list(document) == ["value"]:
        return document["value"]
    at.report('wanted one value in TOML, such as 10, true or ["a", "b"]')
    return None


def _put(values: dict[str, Any], path: tuple[str, ...], kind: FieldType, value: object) -> None:
    name, *inner = path
    before = _long_form(values.get(name, {}), field_types_of(Config)[name])
    fresh = {inner[0]: value} if inner else _long_form(value, kind)
    if is_table(before) and is_table(fresh):
        values[name] = {**before, **fresh}
    elif not inner:
        values[name] = fresh
    # Otherwise the file has something other than a table here; it stays, and is refused later.


def _long_form(value: object, kind: FieldType) -> object:
    if isinstance(kind, Section) and kind.shorthand is not None and isinstance(value, str):
        return {kind.shorthand: value}
    return value


def _references(values: Mapping[str, Any]) -> Iterator[str]:
    trust: object = values.get("trust")
    tables: list[object] = [values, *(trust if is_list(trust) else ())]
    for table in tables:
        keys = table.get("keys") if is_table(table) else None
        found = _REFERENCE.fullmatch(keys) if isinstance(keys, str) else None
        if found:
            yield found[1]
