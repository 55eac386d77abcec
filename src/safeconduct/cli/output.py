"""What commands print: a table for people, or the same rows as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import click

Row = Mapping[str, object]

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)


def print_table(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print *rows*, all of the same columns."""
    if as_json:
        print_json(rows)
    elif rows:
        columns = list(rows[0])
        lines = [columns, *([as_text(row[column]) for column in columns] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
        for number, line in enumerate(lines):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            click.secho(text, bold=number == 0)


def print_record(record: Row, *, as_json: bool) -> None:
    """Print one thing, a line for each of its members."""
    if as_json:
        print_json(record)
        return
    width = max(len(name) for name in record)
    for name, value in record.items():
        click.echo(f"{name.ljust(width)}  {as_text(value)}")


def print_json(value: object) -> None:
    """Print *value* as JSON in ASCII, in which nothing can steer a terminal."""
    click.echo(json.dumps(value, indent=2))


def as_text(value: object) -> str:
    """Return *value* as a cell: lists with commas, nothing as a dash, and nothing in it that steers a terminal."""
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in cast("list[object]", value))
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(value))


class UsageError(click.ClickException):
    """The command was given what cannot work: an argument, a configuration, a file."""

    exit_code = 2


class CommandFailed(click.ClickException):
    """The command was right, and the answer is no, or the work is not done."""

    exit_code = 1


def tell(text: str) -> None:
    """Say something to the person and not to the pipe."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Say to the person what must not be missed."""
    click.secho(f"Warning: {text}", fg="yellow", err=True)
