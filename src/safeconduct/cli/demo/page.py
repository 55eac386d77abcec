"""Return the page at ``/``, with headers that let no script but its own run in it."""

import secrets
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

#: The age at which ``/danger`` asks for the password again.
STEP_UP_SECONDS: Final = 300
_NONCE_PLACEHOLDER: Final = "__NONCE__"
_NONCE_BYTES: Final = 18

# Everything that is not listed is forbidden: frames, workers, plugins, fonts, connections to other sites (CSP 3 §6).
# Without its script the page must not send a password in a URL: hence no form-action.
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """The text of a response and its header fields."""

    text: str = field(repr=False)
    fields: dict[str, str]


def new_page() -> Page:
    """Return the page for one response, with a nonce that no other response has (CSP 3 §7.1)."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    text = files("safeconduct.cli.demo").joinpath("page.html").read_text("utf-8")
    fields = {
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY.format(nonce=nonce),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(text.replace(_NONCE_PLACEHOLDER, nonce), fields)
