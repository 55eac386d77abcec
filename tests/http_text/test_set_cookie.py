"""Write cookies: the corpus, the rules of the prefixes, our three cookies and their deletion."""

import string
from email.utils import formatdate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpora import cases
from header_readers import read_set_cookie
from safeconduct import CookieConfig
from safeconduct._http.cookies import find
from safeconduct._http.set_cookie import (
    CLEAR_SITE_DATA,
    LAST_INSTANT,
    MAX_AGE_SECONDS,
    MAX_COOKIE_BYTES,
    SetCookie,
    own_cookie,
    own_deletion,
    set_cookie_fields,
    to_http_date,
)
from safeconduct.errors import ConfigurationError, NotSupported

_TOKEN_CHARACTERS = string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-"
_OCTETS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '",;\\')
_KINDS = ["access", "refresh", "device"]

_named = {
    "name": st.text(_TOKEN_CHARACTERS, min_size=1, max_size=40),
    "value": st.text(_OCTETS, max_size=200),
    "http_only": st.booleans(),
    "same_site": st.sampled_from(["lax", "strict", "none", None]),
}
_cookies = st.builds(SetCookie, **_named, max_age_seconds=st.none() | st.integers()) | st.builds(
    SetCookie, **_named, max_age_seconds=st.integers(), expires_at=st.integers()
)


def _refusal(build, *arguments, **named):
    try:
        build(*arguments, **named)
    except (ConfigurationError, NotSupported) as error:
        return type(error)
    return None


@pytest.mark.parametrize("row", cases("attacks/set-cookie"), ids=lambda row: row["id"])
def test_every_row_of_the_corpus_is_answered_as_it_says(row):
    """017, a deletion with a Domain, is refused, because our cookies have none."""
    assert (row["expect"] != "ok") == bool(_refusal(read_set_cookie, row["set_cookie"].encode()))


@pytest.mark.parametrize(
    "attributes",
    [
        {"name": "__Host-at", "secure": False},
        {"name": "__host-at", "secure": False},
        {"name": "__Secure-at", "secure": False},
        {"name": "__sEcUrE-at", "secure": False},
        {"name": "at", "secure": False, "same_site": "none"},
        {"name": ""},
        {"name": "a b"},
        {"name": "a;b"},
        {"name": "a=b"},
        {"name": "a\r\nb"},
        {"name": "a\n"},
        {"name": "a\0"},
        {"name": "ä"},
    ],
    ids=repr,
)
def test_a_name_or_attributes_that_cannot_be_are_a_configuration_error(attributes):
    """A browser silently drops such a cookie (RFC 6265bis §5.6)."""
    assert ConfigurationError is _refusal(SetCookie, value="v", **attributes)


@pytest.mark.parametrize(
    "value",
    ["a;b", "a b", "a\r\nset-cookie: b=c", "a\n", "a\0", "a\t", "a,b", "a\\b", '"a"', "ä", "\x7f"],
    ids=repr,
)
def test_an_impossible_value_is_refused_and_not_shown(value):
    """Such a value could end the cookie or the field."""
    with pytest.raises(NotSupported) as caught:
        SetCookie(name="at", value=value)

    assert value not in str(caught.value)


def test_name_and_value_of_4096_bytes_are_the_most():
    """A browser silently drops a longer cookie (ASVS 3.3.5)."""
    value = "v" * (MAX_COOKIE_BYTES - len("at"))

    assert _refusal(SetCookie, name="at", value=value) is None
    assert NotSupported is _refusal(SetCookie, name="at", value=value + "v")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, 0), (0, 0), (600, 600), (34_560_000, 34_560_000), (34_560_001, 34_560_000), (None, None)],
    ids=str,
)
def test_a_life_is_within_nothing_and_400_days(seconds, expected):
    """RFC 6265bis §4.1.2.2: a lifetime of zero or less is a deletion."""
    assert expected == SetCookie(name="at", value="v", max_age_seconds=seconds).max_age_seconds
    assert MAX_AGE_SECONDS == 34_560_000


@pytest.mark.parametrize(
    "header",
    [
        b"at",
        b"at=v",
        b"at=v; Path=/app",
        b"at=v; Path=/; Path=/",
        b"at=v; Path=/; path=/",
        b"at=v; Path=/; Secure; Secure",
        b"at=v; Path=/; Secure=1",
        b"at=v; Path=/; Max-Age",
        b"at=v; Path=/; Max-Age=-1",
        b"at=v; Path=/; Max-Age=1e3",
        b"at=v; Path=/; SameSite=Any",
        b"at=v; Path=/; SameSite",
        b"at=v; Path=/; Domain=app.example",
        b"at=v; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        b"at=v; Path=/; Max-Age=0; Expires=Fri, 01 Jan 1970 00:00:00 GMT",
        b"at=v; Path=/; Max-Age=0; Expires=Thu, 32 Jan 1970 00:00:00 GMT",
        b"at=v; Path=/; Max-Age=0; Expires=Thu, 01 Jen 1970 00:00:00 GMT",
        b"at=v; Path=/; Max-Age=0; Expires=Thursday, 01-Jan-70 00:00:00 GMT",
        b"at=v; Path=/; Max-Age=0; Expires=Wed, 31 Dec 1969 23:59:59 GMT",
        b"at=v; Path=/; Partitioned",
        b"at=v; Path=/; ",
        b"at=v;  Path=/",
        b"\xe9=v; Path=/",
    ],
    ids=repr,
)
def test_an_attribute_that_ours_do_not_have_is_refused(header):
    """Unknown, malformed and repeated attributes and other paths are refused."""
    assert ConfigurationError is _refusal(read_set_cookie, header)


def test_our_cookies_are_as_the_design_has_them():
    """The access cookie is lax, the others are strict, and each lasts as long as its content."""
    config = CookieConfig()

    written = [own_cookie(config, kind, "abc", expires_at=1600, now=1000).to_header() for kind in _KINDS]

    middle = b"=abc; Path=/; Max-Age=600; Expires=Thu, 01 Jan 1970 00:26:40 GMT"

    assert written == [
        b"__Host-safeconduct" + middle + b"; Secure; HttpOnly; SameSite=Lax",
        b"__Host-safeconduct-refresh" + middle + b"; Secure; HttpOnly; SameSite=Strict",
        b"__Host-safeconduct-device" + middle + b"; Secure; HttpOnly; SameSite=Strict",
    ]


def test_our_cookies_follow_the_configuration():
    """They decide names, ``Secure`` and the access cookie's ``SameSite``; the refresh cookie stays strict."""
    config = CookieConfig(access="at", refresh="rt", device="dt", secure=False, same_site="strict")
    loose = CookieConfig(same_site="none")

    assert own_cookie(config, "access", "v", expires_at=1, now=0).to_header() == (
        b"at=v; Path=/; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT; HttpOnly; SameSite=Strict"
    )
    assert [own_deletion(loose, kind).same_site for kind in _KINDS] == ["none", "strict", "strict"]


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize(
    "config", [CookieConfig(), CookieConfig(access="a", refresh="b", device="c", secure=False)], ids=["tls", "plain"]
)
def test_a_deletion_has_the_name_and_attributes_of_its_cookie(config, kind):
    """Otherwise the browser would keep the cookie."""
    cookie = own_cookie(config, kind, "abc", expires_at=1600, now=1000)

    assert cookie.to_deletion() == own_deletion(config, kind)
    assert (cookie.to_deletion().value, cookie.to_deletion().max_age_seconds) == ("", 0)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize(
    ("expires_at", "now", "message"),
    [
        (1_800_000_600, 1_800_000_000, b"Max-Age=600; Expires=Fri, 15 Jan 2027 08:10:00 GMT"),
        (1_800_000_000, 1_800_000_600, b"Max-Age=0; Expires=Fri, 15 Jan 2027 08:10:00 GMT"),
        (2_000_000_000, 1_800_000_000, b"Max-Age=34560000; Expires=Sat, 19 Feb 2028 08:00:00 GMT"),
        (10**12, 253_402_300_700, b"Max-Age=34560000; Expires=Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_t5_every_cookie_tells_the_end_of_its_life_in_both_ways(kind, expires_at, now, message):
    """Both give the same time; without Expires some Java clients send the cookie back in quotes."""
    assert message in own_cookie(CookieConfig(), kind, "abc", expires_at=expires_at, now=now).to_header()


@pytest.mark.parametrize("kind", _KINDS)
def test_t5_every_deletion_tells_that_its_end_is_long_ago(kind):
    """A deletion has both, too."""
    header = own_deletion(CookieConfig(), kind).to_header()

    assert b"=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; " in header


def test_t5_an_end_without_a_life_is_a_configuration_error():
    """Browsers prefer Max-Age to Expires."""
    assert ConfigurationError is _refusal(SetCookie, name="at", value="v", expires_at=1)


def test_a_reply_sets_each_cookie_once():
    """Two cookies of one name are refused, equal or not (RFC 6265bis §4.1.1)."""
    config = CookieConfig()
    access, refresh = own_deletion(config, "access"), own_deletion(config, "refresh")

    assert set_cookie_fields([access, refresh]) == (
        (b"set-cookie", access.to_header()),
        (b"set-cookie", refresh.to_header()),
    )
    assert ConfigurationError is _refusal(set_cookie_fields, [access, refresh, access])
    assert ConfigurationError is _refusal(set_cookie_fields, [SetCookie(name="at", value=v) for v in "ab"])


def test_a_sign_out_leaves_the_cookies_of_neighbours():
    """``"cookies"`` would delete those of the whole registrable domain."""
    assert CLEAR_SITE_DATA == (b"clear-site-data", b'"cache", "storage"')


def test_a_token_is_not_shown():
    """Neither ``repr`` nor ``str`` shows it."""
    assert "secret" not in f"{SetCookie(name='at', value='secret')!r}"


@given(_cookies)
def test_what_is_written_is_read(cookie):
    """Writing and parsing are inverse."""
    assert cookie == read_set_cookie(cookie.to_header())


@given(_cookies)
def test_what_is_set_is_found_when_it_comes_back(cookie):
    """Every written value can be parsed, except the empty one of a deletion."""
    assume(cookie.value)

    assert cookie.value == find([f"{cookie.name}={cookie.value}".encode()], cookie.name.encode())


@given(name=st.text(), value=st.text())
def test_no_text_leaves_its_place(name, value):
    """Any cookie is refused or written as one pair on one line of ASCII."""
    if _refusal(SetCookie, name=name, value=value):
        return

    written = SetCookie(name=name, value=value).to_header()

    assert f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax" == written.decode("ascii")
    assert written.count(b";") == 4
    assert b"\r" not in written
    assert b"\n" not in written


@given(st.binary() | st.binary().map(lambda tail: b"at=v; Path=/" + tail))
def test_any_octets_are_read_or_refused(header):
    """Parsing raises nothing else, and a parsed cookie survives writing and parsing again."""
    if _refusal(read_set_cookie, header):
        return

    cookie = read_set_cookie(header)

    assert cookie == read_set_cookie(cookie.to_header())


@given(st.integers(0, LAST_INSTANT))
def test_a_date_is_written_as_the_standard_library_does(instant):
    """The standard library writes the same, independently of the locale."""
    assert formatdate(instant, usegmt=True) == to_http_date(instant)
