"""Report one finding of the doctor: a verdict, a sentence, and what to do."""

from dataclasses import dataclass
from typing import Final, Literal

import click

from safeconduct.cli.output import as_text

Verdict = Literal["ok", "warn", "fail"]

_INDENT: Final = " " * 6
_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict about *subject*; *remedy* says what to do if it is not ok."""

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""

    @property
    def row(self) -> dict[str, object]:
        """The finding as JSON."""
        return {"verdict": self.verdict, "subject": self.subject, "text": self.text, "remedy": self.remedy or None}


def ok(subject: str, text: str) -> Finding:
    """Report that something is as it should be."""
    return Finding("ok", subject, text)


def warn(subject: str, text: str, remedy: str) -> Finding:
    """Report something that may be intended and may be a mistake."""
    return Finding("warn", subject, text, remedy)


def fail(subject: str, text: str, remedy: str) -> Finding:
    """Report something that does not work or is not safe."""
    return Finding("fail", subject, text, remedy)


def print_finding(finding: Finding) -> None:
    """Print a finding for people, in colour."""
    verdict = click.style(finding.verdict.ljust(4), fg=_COLOURS[finding.verdict], bold=finding.verdict != "ok")
    first, *others = [as_text(line.strip()) for line in finding.text.splitlines()]
    click.echo(f"{verdict}  {finding.subject}: {first}")
    for line in others:
        click.echo(f"{_INDENT}{line}")
    if finding.remedy:
        click.echo(f"{_INDENT}→ {finding.remedy}")
