"""Write the pages of a hand-over: one posts its token again from our own origin, one asks which person it is to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from safeconduct._http.problems import NO_STORE
from safeconduct._http.request import Reply

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<meta name="color-scheme" content="light dark"></head>
<body><main><h1>{title}</h1>
{content}
</main></body>
</html>
"""
_FORM: Final = '<form method="post" action="{action}">{fields}<button>{label}</button></form>'
_FIELD: Final = '<input type="hidden" name="{name}" value="{value}">'
_SUBMIT: Final = '<script nonce="{nonce}">document.forms[0].submit()</script>'


@dataclass(frozen=True, slots=True)
class Person:
    """A person as a page names them: a subject alone is another person's at another issuer."""

    issuer: str
    subject: str

    @property
    def text(self) -> str:
        """The name on a page."""
        return f"{self.subject} ({self.issuer})"


def posting_page(action: str, token: str, *, nonce: str) -> Reply:
    """Return the page that posts *token* to *action* again, by a script with *nonce* or by its button."""
    form = _form(action, {"token": token}, "Continue")
    return _reply("Continue to sign in", form + _SUBMIT.format(nonce=nonce), f"script-src 'nonce-{nonce}'; ")


def asking_page(action: str, token: str, confirmation: str, *, present: Sequence[Person], new: Person) -> Reply:
    """Return the page that names who is signed in and who would be; only its button, never a script, goes on."""
    names = " and ".join(f"<strong>{escape(person.text)}</strong>" for person in present)
    text = (
        f"<p>This browser is signed in as {names}.</p>"
        f"<p>Another site wants to sign it in as <strong>{escape(new.text)}</strong> instead. "
        "Close this page if you did not expect that.</p>"
    )
    form = _form(action, {"token": token, "confirmation": confirmation}, f"Continue as {new.text}")
    return _reply("Sign in as another person?", text + form, "")


def _form(action: str, values: dict[str, str], label: str) -> str:
    fields = "".join(_FIELD.format(name=name, value=escape(value)) for name, value in values.items())
    return _FORM.format(action=escape(action), fields=fields, label=escape(label))


def _reply(title: str, content: str, scripts: str) -> Reply:
    body = _PAGE.format(title=title, content=content).encode("utf-8", "replace")
    policy = f"default-src 'none'; {scripts}form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return Reply(
        200,
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            NO_STORE,
            (b"content-security-policy", policy.encode("ascii")),
            (b"x-frame-options", b"DENY"),
            (b"x-content-type-options", b"nosniff"),
            # The form of this page needs an Origin, and nothing outside learns its address.
            (b"referrer-policy", b"same-origin"),
        ),
        body,
    )
