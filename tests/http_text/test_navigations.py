"""Tell a person's navigation from a script's request, and find where it returns to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_client import request_with
from safeconduct._http.fetch_metadata import is_browser, is_form_navigation, is_navigation
from safeconduct._http.paths import safe_next, target_of

HTML = (b"accept", b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(b"sec-fetch-mode", b"navigate")], True),
        ([(b"sec-fetch-mode", b"navigate"), (b"accept", b"*/*")], True),
        ([(b"sec-fetch-mode", b"cors"), HTML], False),
        ([(b"sec-fetch-mode", b"websocket"), HTML], False),
        ([(b"sec-fetch-mode", b"navigate"), (b"sec-fetch-mode", b"cors")], False),
        ([HTML], True),
        ([(b"accept", b"TEXT/HTML")], True),
        ([(b"accept", b"application/json, text/html;level=1")], True),
        ([(b"accept", b"text/html;q=0, */*")], False),
        ([(b"accept", b"text/html; q=0.0")], False),
        ([(b"accept", b"text/htmlx")], False),
        ([(b"accept", b"*/*")], False),
        ([(b"accept", b"text/*")], False),
        ([], False),
    ],
    ids=str,
)
def test_a_navigation_is_what_the_browser_calls_one(fields, expected):
    """Only without its word ``Accept`` counts, and there only what a script does not send."""
    assert expected == is_navigation(request_with(*fields))


def test_a_handshake_is_no_navigation():
    assert not is_navigation(request_with(HTML, is_websocket=True))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([FORM, HTML], True),
        ([(FORM[0], b"Application/X-WWW-Form-Urlencoded; charset=utf-8"), HTML], True),
        ([(FORM[0], b"application/json"), HTML], False),
        ([FORM, FORM, HTML], False),
        ([FORM, (b"sec-fetch-mode", b"same-origin"), HTML], False),
        ([HTML], True),
        ([], False),
    ],
    ids=str,
)
def test_a_form_of_a_page_is_a_form_and_a_navigation(fields, expected):
    """One without fields may have no type."""
    assert expected == is_form_navigation(request_with(*fields, method="POST"))


def test_a_browser_is_known_by_any_of_its_fields():
    assert is_browser(request_with((b"sec-fetch-dest", b"empty")))
    assert not is_browser(request_with(HTML))


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/me", b"", "/me"),
        ("/a b/é", b"x=1&y=%23", "/a%20b/%C3%A9?x=1&y=%23"),
        ("/me", b'q="a"\\<b>#c\r\n\xff', "/me?q=%22a%22%5C%3Cb%3E%23c%0D%0A%FF"),
        ("/me?x", b"", "/me%3Fx"),
        ("/" + "a" * 2047, b"", "/" + "a" * 2047),
        ("/" + "a" * 2046, b"b", None),
    ],
)
def test_the_target_has_the_path_with_its_query(path, query, target):
    """A target that is longer than ``next`` may be counts as none."""
    assert target == target_of(path, query)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "me",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/a\\b",
        "/a\n",
        "\\/x",
        "https://evil.example",
        "/\ud800",
    ],
    ids=ascii,
)
def test_the_way_back_never_leads_to_another_site(path):
    """There is none if the path does not begin with one slash or a browser would change it."""
    assert target_of(path, b"") is None


@given(st.text(), st.binary())
def test_a_target_is_printable_ascii_and_its_own_next(path, query):
    """Whatever is in the query, it cannot make the target lead elsewhere."""
    target = target_of(f"/{path}", query)

    if target is not None:
        assert target.isascii()
        assert target.isprintable()
        assert safe_next(target, is_excluded=lambda _path: False) in {target, "/"}
