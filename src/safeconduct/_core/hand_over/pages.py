"""Write the pages of a hand-over: one posts its token again from our own origin, one asks which person it is to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from safeconduct._http.html import form, page, page_reply
from safeconduct._http.request import Reply

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
    content = form(action, {"token": token}, "Continue") + _SUBMIT.format(nonce=nonce)
    return page_reply(page("Continue to sign in", content), scripts=f"script-src 'nonce-{nonce}'; ")


def asking_page(action: str, token: str, confirmation: str, *, present: Sequence[Person], new: Person) -> Reply:
    """Return the page that names who is signed in and who would be; only its button, never a script, goes on."""
    names = " and ".join(f"<strong>{escape(person.text)}</strong>" for person in present)
    text = (
        f"<p>This browser is signed in as {names}.</p>"
        f"<p>Another site wants to sign it in as <strong>{escape(new.text)}</strong> instead. "
        "Close this page if you did not expect that.</p>"
    )
    button = form(action, {"token": token, "confirmation": confirmation}, f"Continue as {new.text}")
    return page_reply(page("Sign in as another person?", text + button))
