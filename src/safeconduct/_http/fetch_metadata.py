"""Tell by its header fields whether a person's browser sent a request, and whether it navigates (Fetch Metadata)."""

from typing import Final

from safeconduct._http.request import Request

_METADATA: Final = (b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-dest")
_FORM: Final = b"application/x-www-form-urlencoded"
_NO_WEIGHT: Final = frozenset({b"q=0", b"q=0.", b"q=0.0", b"q=0.00", b"q=0.000"})


def is_browser(request: Request) -> bool:
    """Return whether a browser sent *request*: no page can add these fields."""
    return any(request.values(name) for name in _METADATA)


def is_navigation(request: Request) -> bool:
    """
    Return whether a person navigates, so that they see the answer as a page.

    Without ``Sec-Fetch-Mode``, which browsers send to secure origins only, ``Accept`` must name ``text/html``; scripts
    send ``*/*``.
    """
    if request.is_websocket:
        return False
    modes = request.values(b"sec-fetch-mode")
    if modes:
        return modes == [b"navigate"]
    return any(_names_html(part) for value in request.values(b"accept") for part in value.lower().split(b","))


def is_page_navigation(request: Request) -> bool:
    """Return whether a browser says that it navigates to a page of its own, not to one in a frame."""
    return request.values(b"sec-fetch-mode") == [b"navigate"] and request.values(b"sec-fetch-dest") == [b"document"]


def is_speculative(request: Request) -> bool:
    """Return whether a browser fetches in advance what nobody has asked for yet (``Purpose`` is the older field)."""
    return bool(request.values(b"sec-purpose") or request.values(b"purpose"))


def is_form(request: Request) -> bool:
    """Return whether the body of *request* is a form."""
    return _types_of(request) == [_FORM]


def is_form_navigation(request: Request) -> bool:
    """
    Return whether a person sent a form of a page, and sees the answer as the next page.

    A form without fields has an empty body, whose type may be missing.
    """
    return _types_of(request) in ([_FORM], []) and is_navigation(request)


def _types_of(request: Request) -> list[bytes]:
    return [value.partition(b";")[0].strip().lower() for value in request.values(b"content-type")]


def _names_html(media_range: bytes) -> bool:
    name, *parameters = (part.strip() for part in media_range.split(b";"))
    return name == b"text/html" and _NO_WEIGHT.isdisjoint(parameters)
