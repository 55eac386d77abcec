"""
Write our HTML pages: one template, without styles and, but for one page, without scripts.

The policy lets a page load nothing, send its forms to our origin alone, and be framed by nobody.  The browser's own
style follows the person's choice of light or dark.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from safeconduct._http.problems import NO_STORE
from safeconduct._http.request import Field, Reply

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<meta name="color-scheme" content="light dark"></head>
<body><main>{header}<h1>{heading}</h1>
{content}
</main></body>
</html>
"""
_FORM: Final = '<form method="post" action="{action}">{fields}{inputs}<button>{label}</button></form>'
_FIELD: Final = '<input type="hidden" name="{name}" value="{value}">'

PAGE_FIELDS: Final[tuple[Field, ...]] = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    # A form of the page needs an Origin, and nothing outside learns its address.
    (b"referrer-policy", b"same-origin"),
)
"""The fields of every page with a form of ours, besides its policy."""


def paragraph(text: str, *, is_alert: bool = False) -> str:
    """Return *text* as a paragraph, which a screen reader announces at once if it *is_alert*."""
    return f'<p role="alert">{escape(text)}</p>' if is_alert else f"<p>{escape(text)}</p>"


def link(target: str, text: str) -> str:
    """Return a paragraph with a link to *target*, a path on this site."""
    return f'<p><a href="{escape(target)}">{escape(text)}</a></p>'


def form(action: str, values: Mapping[str, str], label: str, *, inputs: str = "") -> str:
    """Return a form that posts the hidden *values* and *inputs*, which are HTML, to *action*."""
    fields = "".join(_FIELD.format(name=name, value=escape(value)) for name, value in values.items())
    return _FORM.format(action=escape(action), fields=fields, inputs=inputs, label=escape(label))


def password_input() -> str:
    """Return the labelled field for a password that is known already."""
    return (
        '<p><label for="password">Password</label><br>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required></p>'
    )


def page(title: str, content: str, *, site: str | None = None) -> bytes:
    """
    Return the body of a page.

    Args:
        title: Its heading, as text.
        content: What follows, as HTML.
        site: The name of the application, as text.
    """
    name = escape(site or "")
    text = _PAGE.format(
        title=escape(title) + (f" · {name}" if name else ""),
        header=f"<p>{name}</p>" if name else "",
        heading=escape(title),
        content=content,
    )
    return text.encode("utf-8", "replace")


def page_reply(body: bytes, *, status: int = 200, scripts: str = "", fields: Iterable[Field] = ()) -> Reply:
    """
    Return a page of ours as a reply that no cache keeps.

    Args:
        body: What ``page`` returned.
        status: The status.
        scripts: A directive for the scripts of the page, which ends in ``; ``.
        fields: More header fields.
    """
    policy = f"default-src 'none'; {scripts}form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return Reply(
        status,
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            NO_STORE,
            (b"content-security-policy", policy.encode("ascii")),
            *PAGE_FIELDS,
            *fields,
        ),
        body,
    )
