"""The page at ``/``: one file, with what keeps any script but its own from running in it."""

import secrets
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

_PLACE: Final = "__NONCE__"
_NONCE_BYTES: Final = 18

# What is not named is closed: frames, workers, plugins, fonts, sockets to elsewhere (CSP 3 §6).
# Without its script the page must not send a password in a URL: hence no form-action.
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A response: its text, and the fields that go with it."""

    text: str = field(repr=False)
    fields: dict[str, str]


def new_page() -> Page:
    """Return the page for one response, whose nonce no other response has (CSP 3 §7.1)."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    text = files("safeconduct.cli.demo").joinpath("page.html").read_text("utf-8")
    fields = {
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(text.replace(_PLACE, nonce), fields)
