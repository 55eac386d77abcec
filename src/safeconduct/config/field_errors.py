"""Report the wrong fields of a configuration in one error."""

from collections.abc import Iterable
from pathlib import Path

from safeconduct.errors import ConfigurationError


class Problem:
    """A wrong field: its dotted *name*, and a *message* with the value that was seen and the one that is wanted."""

    __slots__ = ("message", "name")

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        self.message = message


class FieldPath:
    """The path of the value that is being read, and the list to which problems with it are added."""

    __slots__ = ("base", "name", "problems")

    def __init__(self, name: str = "", problems: list[Problem] | None = None, *, base: Path | None = None) -> None:
        self.name = name
        self.problems = [] if problems is None else problems
        #: The folder that relative file paths start from; None leaves them unchanged.
        self.base = base

    def field(self, name: str) -> "FieldPath":
        """Return the path of the field *name* of this one."""
        return FieldPath(f"{self.name}.{name}" if self.name else name, self.problems, base=self.base)

    def item(self, index: int) -> "FieldPath":
        """Return the path of an item of this list."""
        return FieldPath(f"{self.name}[{index}]", self.problems, base=self.base)

    def refuse(self, seen: str, wanted: str) -> None:
        """Report that the value is *seen*, already masked, and not *wanted*."""
        self.report(f"got {seen}, wanted {wanted}")

    def report(self, message: str) -> None:
        """Report what is wrong with the value."""
        self.problems.append(Problem(self.name, message))


def raise_for(problems: Iterable[Problem], *, where: str = "") -> None:
    """
    Raise one error for all *problems*, if there are any.

    Raises:
        ConfigurationError: With one line for each field, below a heading that ends with *where*.
    """
    messages: dict[str, list[str]] = {}
    for problem in problems:
        messages.setdefault(problem.name, []).append(problem.message)
    if messages:
        lines = (f"\n  {name}: {'; '.join(each)}" for name, each in messages.items())
        raise ConfigurationError(f"wrong configuration{where}:{''.join(lines)}")
