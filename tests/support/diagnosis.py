"""What the doctor found, as tests read it."""

from commands import run


def found(*arguments):
    """Return every finding as (verdict, subject, text, remedy)."""
    ended = run("doctor", *arguments, "--json")
    return [(each["verdict"], each["subject"], each["text"], each["remedy"]) for each in ended.json]


def texts(verdict, *arguments):
    return " | ".join(f"{subject}: {text}" for said, subject, text, _ in found(*arguments) if said == verdict)
