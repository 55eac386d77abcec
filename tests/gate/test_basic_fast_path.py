"""A remembered password takes the fast path, and everything about its request is still checked."""

import pytest

from app_reports import WORLDS
from auth_setups import configuration
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth
from signed_in_pages import SITE
from table_tokens import NOW
from two_paths import TwoPaths
from worlds import Clock

FIELD = dict(basic("alice", "correct horse"))["authorization"].encode()


class Site:
    """Both applications, to which a password is known."""

    def __init__(self, world, **fields):
        self.clock = Clock(float(NOW))
        self.directory = MemoryDirectory(alice="correct horse")
        self.auth = Auth(configuration(**fields), directory=self.directory, clock=self.clock)
        self.paths = TwoPaths(world, self.auth)

    def ask(self, *fields, method="GET", field=FIELD, warm=False, **more):
        """Return the status, and whether the fast path recognized the request."""
        request = (method, "/me", ("authorization", field), *fields)
        seen = self.paths.warm(*request, **more) if warm else self.paths.agree(*request, **more)
        return seen.status, self.paths.is_fast


@pytest.fixture(params=WORLDS)
def make(request):
    made = []

    def make_one(**fields):
        made.append(Site(request.param, **fields))
        return made[-1]

    yield make_one
    for site in made:
        site.paths.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_remembered_password_takes_the_fast_path(make, method):
    """Nothing is hashed, decoded or counted."""
    site = make()
    site.ask(method=method, warm=True)

    assert [(200, True)] * 3 == [site.ask(method=method) for _ in range(3)]
    assert 1 == site.directory.checks


def test_plain_http_is_refused(make):
    """It is so although the same field came over TLS before."""
    site = make()
    site.ask(warm=True)

    assert (400, False) == site.ask(scheme="http")
    assert (200, True) == site.ask()


def test_a_trusted_proxy_says_how_the_request_came(make):
    """The client behind it counts, in both directions."""
    site = make(proxies={"trusted": ["192.0.2.1"]})
    site.ask(warm=True)
    proto = "x-forwarded-proto"

    assert (400, False) == site.ask((proto, b"http"))
    assert (200, True) == site.ask((proto, b"https"), scheme="http")
    assert (400, False) == site.ask(scheme="http")


def test_plain_http_may_be_allowed(make):
    site = make(basic={"allow_plain_http": True})
    site.ask(scheme="http", warm=True)

    assert (200, True) == site.ask(scheme="http")


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (("origin", SITE), 200),
        (("origin", b"https://evil.example"), 403),
        (("origin", b"null"), 403),
        (("sec-fetch-site", b"same-origin"), 200),
        (("sec-fetch-site", b"cross-site"), 403),
        (("referer", SITE + b"/x"), 200),
        (("referer", b"https://evil.example/"), 403),
    ],
    ids=str,
)
def test_the_page_is_checked_where_something_changes(make, field, status):
    """On GET it is not."""
    site = make()
    site.ask(warm=True)
    site.ask(method="POST", warm=True)

    assert (status, status == 200) == site.ask(field, method="POST")
    assert (200, True) == site.ask(field)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (FIELD.lower()[:6] + FIELD[6:], 200),
        (b"Basic  " + FIELD[6:], 200),
        (FIELD + b"=", 401),
        (FIELD[:-3] + b"A==", 401),
        (dict(basic("alice", "correct hors"))["authorization"].encode(), 401),
        (dict(basic("Alice", "correct horse"))["authorization"].encode(), 401),
    ],
    ids=range(6),
)
def test_only_the_very_field_is_recognized(make, field, expected):
    """Another spelling of the same pair is not remembered, so that nobody fills the memory with one pair."""
    site = make()
    site.ask(warm=True)
    site.ask(field=field, warm=True)

    assert (expected, False) == site.ask(field=field)


def test_a_pair_is_remembered_for_its_time(make):
    """Then it is proven again, and counted as an attempt."""
    site = make()
    site.ask(warm=True)
    site.clock.advance(seconds=1)
    site.ask()
    site.clock.advance(seconds=58.9)
    site.ask()
    assert ((200, True), 1) == (site.ask(), site.directory.checks)
    site.clock.advance(seconds=0.1)
    del site.directory.accounts["alice"]

    assert ((401, False), 3) == (site.ask(), site.directory.checks)


def test_a_pair_that_was_cut_off_is_proven_again(make):
    """This happens in the same request."""
    site = make()
    site.ask(warm=True)
    site.auth.sessions.revoke_subject("alice")
    site.clock.advance(seconds=0.01)

    assert (200, False) == (site.ask()[0], False)
    assert 2 == site.directory.checks
    del site.directory.accounts["alice"]
    site.auth.sessions.revoke_subject("alice")
    site.clock.advance(seconds=0.01)
    assert 401 == site.ask()[0]


def test_nothing_is_remembered_for_no_time(make):
    site = make(basic={"cache_seconds": 0})
    site.ask(warm=True)

    assert (200, False) == site.ask()
    assert 6 == site.directory.checks


def test_no_password_is_in_memory(make):
    """A pair and its field are remembered by keyed digests, as many as there may be pairs."""
    site = make()
    site.ask(warm=True)
    gate = site.auth.asgi_gate() if site.paths.world == "asgi" else site.auth.wsgi_gate()
    pairs = gate.authenticator.basic._pairs

    assert 1 == len(pairs._fields)
    assert all(len(digest) == 32 for item in pairs._fields.items() for digest in item)
    for number in range(2 * pairs._half):
        pairs.note_field(b"Basic %d" % number, "alice", "correct horse")
    assert len(pairs._fields) <= 2 * pairs._half
