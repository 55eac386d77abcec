"""One thing that was looked at: how it is, in a sentence, and what to do."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict about *subject*; *remedy* says what to do where it is not ok."""

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""

    @property
    def row(self) -> dict[str, object]:
        """The line of a table."""
        return {"verdict": self.verdict, "subject": self.subject, "text": self.text, "remedy": self.remedy or None}


def ok(subject: str, text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding("ok", subject, text)


def warn(subject: str, text: str, remedy: str) -> Finding:
    """Say that something may be meant, and may not."""
    return Finding("warn", subject, text, remedy)


def fail(subject: str, text: str, remedy: str) -> Finding:
    """Say that something does not work, or is not safe."""
    return Finding("fail", subject, text, remedy)
