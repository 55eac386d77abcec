"""Refuse ambiguous paths, and find the part of a path that belongs to the application."""

from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpora import cases
from result_or_error import result_or_error
from safeconduct._http.paths import clean_path, decode_path_info, decode_script_name, relative_path
from safeconduct.errors import InvalidRequest

# The rows that the check of the path decides; the rules close every other row.
_UNCLEAN = {
    "path-exemption-005": "a dot segment",
    "path-exemption-009": "an empty segment",
    "path-exemption-013": "a newline",
    "path-exemption-022": "a dot segment",
    "path-exemption-024": "an absolute target that a server hands on whole",
    "path-exemption-040": "a dot segment in SCRIPT_NAME",
}


def _check(path="/", raw_path=None, root_path=""):
    return result_or_error(clean_path, path, raw_path, root_path)


@pytest.mark.parametrize("case", cases("attacks/path-exemption"), ids=lambda case: case["id"])
def test_every_row_of_the_path_corpus_is_clean_or_refused(case):
    """Ambiguous paths are 400; the rules decide on all others."""
    environ = case.get("wsgi", {})
    raw = case.get("raw_target", environ.get("PATH_INFO")).partition("?")[0]

    actual = _check(unquote(raw), raw.encode(), environ.get("SCRIPT_NAME", ""))

    assert (InvalidRequest if case["id"] in _UNCLEAN else None) == actual


@pytest.mark.parametrize(
    "path",
    [
        "/a\x00",
        "/a\nb",
        "/a\x7f",
        "/a\x85",
        "/a\\b",
        "//",
        "//a",
        "/a//b",
        "/a//",
        "/.",
        "/..",
        "/a/.",
        "/a/./b",
        "/a/../b",
        "/é/..",
        "/a%2e",
        "/%2561dmin",
        "/%C3%A9",
        "/\ufffd",
        "/" + chr(0xD800),
    ],
    ids=ascii,
)
def test_an_ambiguous_path_is_refused_and_so_is_such_a_prefix(path):
    """Both are matched and passed on decoded."""
    assert InvalidRequest is _check(path)
    assert InvalidRequest is _check(root_path=path)
    assert InvalidRequest is _check(root_path="/api" + path)


@pytest.mark.parametrize("path", ["", "*", "admin", "a/b", ".", "..", "http:/x"])
def test_a_path_that_does_not_begin_with_a_slash_is_refused(path):
    """Some routers add the slash and match a path that no rule saw."""
    assert InvalidRequest is _check(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a/",
        "/a/b.c",
        "/.well-known/jwks.json",
        "/...",
        "/a..",
        "/..a",
        "/a.../b",
        "/é/ü",
        "/100%",
        "/%zz",
        "/a b",
        "/a;b=1",
        "/@:~",
    ],
)
def test_a_plain_path_passes(path):
    """Dots inside a segment, other scripts and a literal percent sign are fine."""
    assert _check(path) is None
    assert _check(root_path=path.rstrip("/")) is None


@pytest.mark.parametrize("raw_path", [b"/a%2Fb", b"/a%2fb", b"/a%5Cb", b"/a%5cb"])
def test_an_encoded_separator_in_the_raw_path_is_refused(raw_path):
    """The server has decoded it already, so a router sees two segments."""
    assert InvalidRequest is _check("/a/b", raw_path)


@pytest.mark.parametrize("raw_path", [b"/a%20b", b"/a?next=%2Fb", b"/a", b"", None])
def test_other_escapes_and_a_query_are_not_looked_at(raw_path):
    """Some servers pass the query with the raw path."""
    assert _check("/a", raw_path) is None


@pytest.mark.parametrize(
    ("path", "root_path", "expected"),
    [
        ("/api/x", "/api", "/x"),
        ("/api/", "/api", "/"),
        ("/api", "/api", "/"),
        ("/x", "/api", "/x"),
        ("/public", "/api", "/public"),
        ("/api/x", "", "/api/x"),
        ("/api/api/x", "/api", "/api/x"),
        ("/api//x", "/api/", "/x"),
        ("/api/users/apiary", "/api", "/users/apiary"),
        ("", "", "/"),
        ("", "/api", "/"),
        ("/x", "/", "/x"),
    ],
)
def test_the_mount_prefix_is_taken_off_where_it_is(path, root_path, expected):
    """Some servers include the prefix in the path, and others do not."""
    assert expected == relative_path(path, root_path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/apix", "/api"),
        ("/apiadmin", "/api"),
        ("/public/api/admin", "/api"),
        ("/public/api", "/api"),
        ("/xapi/admin", "api"),
        ("/x/a/b/c", "/a/b"),
        ("/api/admin", "/api/"),
    ],
)
def test_a2_a_mount_prefix_elsewhere_in_the_path_is_refused(path, root_path):
    """Litestar cuts at the first occurrence and others at any text that begins with it, so the result is unknown."""
    assert InvalidRequest is _check(relative_path(path, root_path), None, root_path)


@pytest.mark.parametrize(("environ", "path", "prefix"), [("/é", "/é", "/é"), ("/a", "/a", "/a"), ("", "/", "")])
def test_a_wsgi_path_is_octets_in_a_text(environ, path, prefix):
    """PEP 3333: the empty path is the root, and an empty prefix is none."""
    octets = environ.encode().decode("latin-1")

    assert path == decode_path_info(octets)
    assert prefix == decode_script_name(octets)


@pytest.mark.parametrize("octets", ["/\xff", "/\xc3", "/\xed\xa0\x80", "/€"])
def test_a_wsgi_path_that_is_no_utf_8_is_refused(octets):
    """This holds where a server put characters there that are no bytes."""
    assert InvalidRequest is result_or_error(decode_path_info, octets)
    assert InvalidRequest is result_or_error(decode_script_name, octets)


@given(st.text(), st.binary() | st.none(), st.text())
@example("/x", b"/%2", "")
def test_nothing_but_an_auth_error_leaves(path, raw_path, root_path):
    """Any path from a server is accepted or refused with the one error."""
    assert _check(path, raw_path, root_path) in {None, InvalidRequest}
    assert result_or_error(decode_path_info, path) is not None


_PARTS = st.lists(st.sampled_from(["/", ".", "..", "a", "\\", "%2f", "%", "\x00", "é", "%2e"]), max_size=8).map("".join)


@given(_PARTS)
def test_a_clean_path_has_no_second_reading(path):
    """Decoding an accepted path again, resolving dots or collapsing slashes does not change it."""
    if _check(path) is None:
        again = urlsplit("http://x" + unquote(path)).path
        assert path == again
        assert all(segment not in {".", ".."} for segment in path.split("/"))
        assert "" not in path.split("/")[1:-1]


@given(_PARTS.map(lambda text: "/" + text))
def test_both_worlds_judge_a_target_alike(raw):
    """ASGI decodes with replacement characters and WSGI passes bytes, with the same result."""
    octets = unquote_to_bytes(raw)
    wsgi = result_or_error(decode_path_info, octets.decode("latin-1"))

    asgi_verdict = _check(unquote(raw))

    assert asgi_verdict == (InvalidRequest if wsgi is InvalidRequest else _check(wsgi))
