"""How a command ends that did not do what was asked: one sentence on standard error, and a status."""

import click


class Complaint(click.ClickException):
    """The command was given what cannot work: an argument, a configuration, a file."""

    exit_code = 2


class Refusal(click.ClickException):
    """The command was right, and the answer is no, or the work is not done."""

    exit_code = 1


def tell(text: str) -> None:
    """Say something to the person and not to the pipe."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Say to the person what must not be missed."""
    click.secho(f"Warning: {text}", fg="yellow", err=True)
