"""Print tables, JSON and messages, and end a command with an error."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import click

Row = Mapping[str, object]

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)


class UsageError(click.ClickException):
    """An argument, the configuration or a file is wrong."""

    exit_code = 2


class CommandFailed(click.ClickException):
    """The command was right, but the answer is no or the work was not done."""

    exit_code = 1


def print_table(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print *rows*, which all have the same columns."""
    if as_json:
        print_json(rows)
    elif rows:
        columns = list(rows[0])
        lines = [columns, *([as_text(row[column]) for column in columns] for row in rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
        for number, line in enumerate(lines):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            click.secho(text, bold=number == 0)


def print_record(record: Row, *, as_json: bool) -> None:
    """Print *record*, one line for each of its fields."""
    if as_json:
        print_json(record)
        return
    width = max(len(name) for name in record)
    for name, value in record.items():
        click.echo(f"{name.ljust(width)}  {as_text(value)}")


def print_json(value: object) -> None:
    """Print *value* as ASCII JSON, which cannot control a terminal."""
    click.echo(json.dumps(value, indent=2))


def as_text(value: object) -> str:
    """Return *value* as the text of a cell, with every character escaped that could control a terminal."""
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in cast("list[object]", value))
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(value))


def print_note(text: str) -> None:
    """Print a message on standard error, so that it does not get into a pipe."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning on standard error."""
    click.secho(f"Warning: {text}", fg="yellow", err=True)
