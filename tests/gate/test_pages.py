"""The fast path decides which page sent a cookie exactly as the slow path does."""

from itertools import permutations, product

import pytest

from app_reports import WORLDS
from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._http.origin import Origin
from signed_in_pages import SITE, SignedIn
from table_tokens import NOW, tokens
from two_paths import TwoPaths
from worlds import Clock

#: Our own and a trusted origin as browsers write them, in other spellings, and others.
USUAL_ORIGINS = [None, SITE, b"https://spa.example", b"https://evil.example", b"null"]
OTHER_ORIGINS = [
    b"https://APP.example",
    b"https://app.example:443",
    b"",
    b"https://app.example/",
    b"http://app.example",
]
SITES = [None, b"same-origin", b"Same-Origin", b"same-site", b"none", b""]
REFERERS = [None, b"https://app.example/x", b"https://evil.example/"]
FIELDS = ("origin", "sec-fetch-site", "referer", "x-csrf-token")

both = pytest.mark.parametrize("world", WORLDS)


@pytest.fixture
def make():
    made = []

    def make_one(world, **fields):
        clock = Clock(float(NOW))
        auth = Auth(configuration(login={}, **fields), directory=MemoryDirectory(), clock=clock)
        made.append(TwoPaths(world, auth))
        return made[-1], clock

    yield make_one
    for paths in made:
        paths.close()


@both
@pytest.mark.parametrize("mode", ["always", "fallback"])
@pytest.mark.parametrize(("method", "target"), [("POST", "/me"), ("GET", "/unsafe")])
@pytest.mark.parametrize("has_session", [True, False])
def test_every_page_is_judged_alike(make, world, mode, method, target, has_session):
    """All combinations of what a browser says of a page, and of CSRF tokens, right and wrong."""
    paths, clock = make(world, csrf={"trusted_origins": ["https://spa.example"], "token": mode})
    other, user = SignedIn(paths.auth, "bob"), SignedIn(paths.auth)
    clock.advance(seconds=1)
    cookies = user.cookies if has_session else b"__Host-safeconduct=" + tokens()["alice"].encode()
    right = user.csrf()
    csrf_tokens = [right, None, other.csrf(), user.csrf(generation=user.generation + 1), right + b"=", b"\xff"]
    paths.warm(method, target, ("cookie", cookies), ("origin", SITE), ("x-csrf-token", right))
    statuses, left_out = set(), set()

    for origin, site, referer, token in product(USUAL_ORIGINS + OTHER_ORIGINS, SITES, REFERERS, csrf_tokens):
        values = zip(FIELDS, (origin, site, referer, token), strict=True)
        fields = [(name, value) for name, value in values if value is not None]
        quick = paths.agree(method, target, ("cookie", cookies), *fields)
        statuses.add((quick.status, paths.is_fast))
        if quick.status == 200 and not paths.is_fast:
            left_out.add((origin in OTHER_ORIGINS, (origin, site) == (None, None) and referer is not None))

    # The slow path decides about requests that are refused, and about unusual ones that pass.
    assert {(200, True), (200, False), (403, False)} == statuses
    assert (False, False) not in left_out


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_comes_twice_is_judged_alike(make, name):
    """The second one may come before or after the right one, in any case.  WSGI servers join them."""
    paths, clock = make("asgi")
    user = SignedIn(paths.auth)
    clock.advance(seconds=1)
    right = dict(user.fields(sec_fetch_site=b"same-origin", referer=SITE + b"/"))
    paths.warm("POST", "/me", *right.items())
    assert paths.is_fast

    for value, name_again in product([right[name], b"x", b""], [name, name.title()]):
        rest = [field for field in right.items() if field[0] != name]
        for pair in permutations([(name, right[name]), (name_again, value)]):
            paths.agree("POST", "/me", *rest, *pair)
            assert not paths.is_fast


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.example", b"https://app.example"),
        ("https://APP.example:443/path", b"https://app.example"),
        ("https://app.example:8443", b"https://app.example:8443"),
        ("http://[::1]:80", b"http://[::1]"),
        ("app://x", b"app://x"),
        ("app://x:443", b"app://x:443"),
    ],
)
def test_an_origin_is_compared_as_browsers_write_it(url, expected):
    """The written form is read as the same origin, without a port that follows from the scheme."""
    origin = Origin.from_url(url)

    assert expected == origin.to_header()
    assert origin == Origin.from_header(origin.to_header())


@both
def test_fields_of_other_names_do_not_matter(make, world):
    """Some have names of the same size."""
    paths, clock = make(world)
    user = SignedIn(paths.auth)
    clock.advance(seconds=1)
    others = [("content-type", b"x"), ("content-length", b"0"), ("upgrade", b"x"), ("accept", b"x")]
    paths.warm("POST", "/me", *user.fields())

    for other in others:
        assert 200 == paths.agree("POST", "/me", *user.fields(), other).status
        assert paths.is_fast


@both
def test_without_cookies_as_a_source_a_header_is_recognized(make, world):
    """No cookie is looked for then, and none is hidden."""
    paths, clock = make(world, sources=["bearer"])
    user = SignedIn(paths.auth)
    clock.advance(seconds=1)
    fields = [("authorization", b"Bearer " + user.token), ("cookie", user.cookies)]

    seen = paths.warm("GET", "/me", *fields)

    assert paths.is_fast
    assert user.cookies.decode() == seen.report["cookie"]
    assert 401 == paths.agree("GET", "/me", ("cookie", user.cookies)).status
