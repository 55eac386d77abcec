"""Check the origin of a request: the rows of the CSRF matrix, and the tuple that is compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_client import request_with
from corpora import cases
from result_or_error import result_or_error
from safeconduct._http.origin import Origin, check_origin
from safeconduct.errors import ConfigurationError, CrossSiteRequest

_OWN = Origin("https", "app.example", 443)
_SPA = Origin("https", "spa.example", 443)

# These rows come from a page of ours and are decided by the CSRF token, which comes with sessions: the first five bring
# a valid one and pass then; the others bring none, a wrong one or another session's, and are denied then.  Until then
# no cookie is read on such a method at all, so that none of them gets in by its cookie.
_NUMBERS = ("003", "009", "015", "021", "054", "056", "058", "060", "062", "064", "066", "068")
_TOKEN_DECIDES = {f"csrf-matrix-{number}" for number in _NUMBERS}
# 034, "policy": a host has no case (RFC 6454 §4).  070, "policy": a page cannot send X-HTTP-Method-Override to another
# origin without a preflight, and the actual method decides.
_POLICY = {"csrf-matrix-034": "own", "csrf-matrix-070": "unasked", "csrf-matrix-080": "own"}


def _check(*fields, method="POST", ambient="cookie", is_websocket=False, **named):
    request = request_with(*fields, method=method, is_websocket=is_websocket)
    named = {"own": _OWN, "trusted": frozenset({_SPA}), **named}
    return result_or_error(check_origin, request, ambient=ambient, **named)


def _verdict_on(case):
    fields = [(name.lower().encode(), value.encode()) for name, value in case["headers"].items()]
    return _check(
        *fields,
        method=case["method"],
        ambient=case["credential"],
        is_websocket=case["headers"].get("Upgrade") == "websocket",
        unsafe="X-Unsafe-Route" in case["headers"],
        trusted=frozenset(map(Origin.from_url, case["trusted_origins"])),
    )


def _expected(case):
    if case["id"] in _TOKEN_DECIDES:
        return "own"
    if case["id"] in _POLICY:
        return _POLICY[case["id"]]
    return {"allow": "unasked", "deny": CrossSiteRequest}[case["expect"]]


@pytest.mark.parametrize("case", cases("attacks/csrf-matrix"), ids=lambda case: case["id"])
def test_every_row_of_the_csrf_matrix_is_decided_or_left_to_the_token(case):
    """A request is denied, passes, or comes from our page, where the CSRF token decides."""
    assert _expected(case) == _verdict_on(case)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "get", "QUERY"])
def test_every_method_but_three_is_asked_for_its_origin(method):
    """Methods are case-sensitive, and TRACE with a credential is unsafe."""
    assert CrossSiteRequest is _check((b"origin", b"https://evil.example"), method=method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_method_is_asked_only_where_a_rule_says_so(method):
    """A rule can mark a GET as unsafe."""
    foreign = (b"origin", b"https://evil.example")

    assert _check(foreign, method=method) == "unasked"
    assert CrossSiteRequest is _check(foreign, method=method, unsafe=True)
    assert _check((b"origin", b"https://app.example"), method=method, unsafe=True) == "own"


@pytest.mark.parametrize("ambient", ["cookie", "basic"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(b"origin", b"https://app.example")], "own"),
        ([(b"origin", b"HTTPS://App.Example:443")], "own"),
        ([(b"origin", b"https://spa.example"), (b"sec-fetch-site", b"cross-site")], "own"),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"same-origin")], "own"),
        ([(b"sec-fetch-site", b"same-origin"), (b"origin", b"null"), (b"referer", b"https://evil.example/")], "own"),
        ([(b"origin", b"null")], CrossSiteRequest),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"cross-site")], CrossSiteRequest),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"same-site")], CrossSiteRequest),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"none")], CrossSiteRequest),
        ([(b"origin", b"null"), (b"referer", b"https://app.example/")], CrossSiteRequest),
        ([(b"origin", b"null"), *[(b"sec-fetch-site", b"same-origin")] * 2], CrossSiteRequest),
        ([*[(b"origin", b"null")] * 2, (b"sec-fetch-site", b"same-origin")], CrossSiteRequest),
        ([(b"origin", b"Null"), (b"sec-fetch-site", b"same-origin")], CrossSiteRequest),
        ([(b"origin", b"https://evil.example"), (b"sec-fetch-site", b"same-origin")], CrossSiteRequest),
        ([(b"origin", b"https://app.example")] * 2, CrossSiteRequest),
        ([(b"origin", b"https://app.example,https://app.example")], CrossSiteRequest),
        ([(b"origin", b"https://app.example:8443")], CrossSiteRequest),
        ([(b"origin", b"https://app.example."), (b"referer", b"https://app.example/")], CrossSiteRequest),
        ([(b"sec-fetch-site", b"same-origin")], "own"),
        ([(b"sec-fetch-site", b"same-site")], CrossSiteRequest),
        ([(b"sec-fetch-site", b"none")], CrossSiteRequest),
        ([(b"sec-fetch-site", b"")], CrossSiteRequest),
        ([(b"sec-fetch-site", b"same-origin")] * 2, CrossSiteRequest),
        ([(b"sec-fetch-site", b"cross-site"), (b"referer", b"https://app.example/")], CrossSiteRequest),
        ([(b"referer", b"https://app.example/form?x=1")], "own"),
        ([(b"referer", b"https://app.example")], "own"),
        ([(b"referer", b"https://app.example.evil.example/")], CrossSiteRequest),
        ([(b"referer", b"https://app.example@evil.example/")], CrossSiteRequest),
        ([(b"referer", b"https://spa.example/")], CrossSiteRequest),
        ([(b"referer", b"about:blank")], CrossSiteRequest),
        ([(b"referer", b"https://app.example/")] * 2, CrossSiteRequest),
    ],
    ids=repr,
)
def test_an_unsafe_method_is_judged_by_what_the_browser_says(ambient, fields, expected):
    """The first of Origin, Sec-Fetch-Site and Referer decides, for every ambient credential."""
    assert expected == _check(*fields, ambient=ambient)


def test_where_nothing_tells_a_cookie_needs_a_token_and_basic_passes():
    """Every browser sends such a field together with Basic."""
    assert CrossSiteRequest is _check()
    assert _check(token_decides=True) == "unknown"
    assert _check(ambient="basic") == "unknown"


@pytest.mark.parametrize(
    ("fields", "ambient", "expected"),
    [
        ([], "cookie", CrossSiteRequest),
        ([(b"sec-fetch-site", b"same-origin")], "cookie", CrossSiteRequest),
        ([(b"origin", b"https://app.example")], "cookie", "own"),
        ([(b"origin", b"https://evil.example")], "cookie", CrossSiteRequest),
        ([(b"origin", b"null")], "cookie", CrossSiteRequest),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"same-origin")], "cookie", "own"),
        ([(b"origin", b"null"), (b"sec-fetch-site", b"cross-site")], "cookie", CrossSiteRequest),
        ([(b"origin", b"https://evil.example")], "basic", CrossSiteRequest),
        ([], "basic", "unknown"),
    ],
)
def test_a_handshake_by_cookie_needs_an_origin(fields, ambient, expected):
    """Cross-site WebSocket hijacking (ASVS 4.4.2) is refused whatever the CSRF setting."""
    assert expected == _check(*fields, method="GET", is_websocket=True, ambient=ambient, token_decides=True)


def test_the_log_names_the_settings_that_an_origin_is_compared_with():
    """The usual cause is an application that was opened at 127.0.0.1 and not at localhost."""
    sent = request_with((b"origin", b"http://127.0.0.1:8000"), method="POST")

    with pytest.raises(CrossSiteRequest) as refusal:
        check_origin(sent, own=Origin.from_url("http://localhost:8000"), trusted=(), ambient="cookie")

    assert "the origin is neither external_url nor one of csrf.trusted_origins" == refusal.value.reason


def test_without_an_external_url_nothing_but_a_trusted_origin_is_ours():
    """The Host field is never used."""
    host = (b"host", b"app.example")

    assert CrossSiteRequest is _check(host, (b"origin", b"https://app.example"), own=None)
    assert CrossSiteRequest is _check(host, (b"referer", b"https://app.example/"), own=None)
    assert _check(host, (b"origin", b"https://spa.example"), own=None) == "own"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"http://a.example", Origin("http", "a.example", 80)),
        (b"http://A.example:8080", Origin("http", "a.example", 8080)),
        (b"https://[2001:DB8::1]:65535", Origin("https", "[2001:db8::1]", 65535)),
        (b"app+x://local_host", Origin("app+x", "local_host", None)),
    ],
)
def test_an_origin_is_a_lower_cased_tuple(text, expected):
    """The default port is filled in."""
    assert expected == Origin.from_header(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"https://",
        b"https://a/",
        b"https://a/b",
        b"https://u@a",
        b"https://u:p@a",
        b"https://a b",
        b" https://a",
        b"https://a\n",
        b"https://a:",
        b"https://a:0",
        b"https://a:080",
        b"https://a:65536",
        b"https://a:123456",
        b"https://a\\b",
        b"https://b\xc3\xbccher.example",
        b"https:/a",
        b"//a",
        b"https://a https://b",
    ],
    ids=repr,
)
def test_what_is_not_exactly_one_origin_is_refused(text):
    """An origin has no user, no path, no slash and no second origin."""
    assert CrossSiteRequest is result_or_error(Origin.from_header, text)


def test_a_configured_url_may_have_a_path_and_must_have_an_origin():
    """A host that is not ASCII is written in Punycode."""
    assert Origin.from_url("https://App.example:443/api?x#y") == _OWN
    for url in ("app.example", "https://user@app.example", "https://bücher.example", "", "https://app.example\\x"):
        with pytest.raises(ConfigurationError):
            Origin.from_url(url)


@given(st.binary(max_size=40) | st.from_regex(rb"https?://[\x00-\xff]{0,20}", fullmatch=True))
def test_nothing_but_an_auth_error_leaves(value):
    """Any content is accepted or refused, and an origin is a valid Referer too."""
    origin = result_or_error(Origin.from_header, value)

    assert CrossSiteRequest is origin or origin == Origin.from_referer(value)
    assert _check((b"origin", value)) in {CrossSiteRequest, "own"}
    assert _check((b"referer", value)) in {CrossSiteRequest, "own"}


@given(st.integers(0, len(b"https://app.example") - 1), st.integers(0, 7))
def test_one_flipped_bit_makes_another_origin(at, bit):
    """Only the case of a letter does not matter."""
    own = b"https://app.example"
    flipped = own[:at] + bytes([own[at] ^ 1 << bit]) + own[at + 1 :]

    same = flipped.lower() == own

    assert (_check((b"origin", flipped)) == "own") == same
