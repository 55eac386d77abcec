"""Whatever a decision depends on is changed alone, and the fast path still decides as the slow path does."""

import asyncio
from itertools import product

import pytest

from app_client import SentRequest, play, socket_scope
from app_reports import WORLDS
from auth_setups import configuration
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth
from safeconduct._keys.folder import write_key
from safeconduct._keys.loading import own_keys
from signed_in_pages import OTHERS, SITE, SignedIn
from table_tokens import NOW, OWN_KEY, SECRETS_KEY, tokens
from two_paths import TwoPaths
from worlds import Clock

RULES = [
    {"path": "/admin/{rest...}", "roles": ["admin"]},
    {"path": "/multifactor", "level": "multifactor"},
    {"path": "/fresh", "max_age_seconds": 300},
    {"path": "/strict", "consistency": "strict"},
    {"path": "/unsafe", "unsafe": True},
]
TARGETS = ("/me", "/fresh", "/strict", "/unsafe")
PASSWORD = dict(basic("alice", "correct horse"))["authorization"].encode()


class Site:
    """Both applications, and a user whose cookie, token and password are known to them on several routes."""

    def __init__(self, world, **fields):
        self.clock = Clock(float(NOW))
        self.directory = MemoryDirectory(alice="correct horse")
        config = configuration(login={}, access={"public": ["/health"], "rules": RULES}, **fields)
        self.auth = Auth(config, directory=self.directory, clock=self.clock)
        self.paths = TwoPaths(world, self.auth)
        self.other, self.user = SignedIn(self.auth, "bob"), SignedIn(self.auth)
        self.clock.advance(seconds=1)
        self.bearer = ("authorization", b"Bearer " + self.user.token)
        self.basic = ("authorization", PASSWORD)
        for target, method, sent in product(TARGETS, ("GET", "POST"), self.kinds()):
            self.paths.warm(method, target, *sent)

    def kinds(self):
        """Return the fields of a request by each kind of credential."""
        return self.user.fields(), [self.bearer], [("origin", SITE), self.basic]

    def post(self, *more, target="/me", **changed):
        """Post with the cookie and return the status, and whether the fast path recognized it."""
        seen = self.paths.agree("POST", target, *self.user.fields(**changed), *more)
        return seen.status, self.paths.is_fast

    def statuses(self, target="/me", method="GET"):
        """Return the status by each kind of credential, which the two paths agree on."""
        return [self.paths.agree(method, target, *sent).status for sent in self.kinds()]


@pytest.fixture
def make():
    made = []

    def make_one(world, **fields):
        made.append(Site(world, **fields))
        return made[-1]

    yield make_one
    for site in made:
        site.paths.close()


@pytest.fixture(params=WORLDS)
def site(request, make):
    return make(request.param)


def test_all_credentials_are_recognized(site):
    """Otherwise nothing below would compare anything."""
    for method, sent in product(("GET", "POST"), site.kinds()):
        assert 200 == site.paths.agree(method, "/me", *sent).status
        assert site.paths.is_fast


def test_another_route_has_other_rules(site):
    """Method, path, prefix and raw path are what the requirement depends on."""
    assert [403] * 3 == [site.post(target="/admin/x")[0] for _ in range(3)]
    assert [401] * 3 == [site.post(target="/multifactor")[0] for _ in range(3)]
    assert [200] * 3 == [site.post(target="/health")[0] for _ in range(3)]
    assert (200, False) == site.post(target="/me/")
    assert (200, False) == site.post(target="/m%65")
    for prefix in ("/a", "/admin"):
        name = "SCRIPT_NAME" if site.paths.world == "wsgi" else "root_path"
        site.paths.agree("POST", "/me", *site.user.fields(), **{name: prefix})


def test_a_method_that_changes_something_asks_for_the_page(site):
    """No header overrides the method."""
    page = {"origin": None, "x_csrf_token": None}
    override = ("x-http-method-override", b"GET")

    assert (403, False) == site.post(**page)
    assert (403, False) == site.post(override, **page)
    for method in ("PUT", "DELETE", "PATCH", "get"):
        assert [403] * 3 == [site.paths.agree(method, "/me", ("cookie", site.user.cookies)).status for _ in range(3)]
    assert 200 == site.paths.agree("GET", "/me", ("cookie", site.user.cookies), ("x-http-method", b"POST")).status


@pytest.mark.parametrize("at", range(0, 600, 37))
def test_one_bit_of_the_cookie_or_the_header(site, at):
    """Nothing but the very bytes that were proven is recognized."""
    at %= len(site.user.token)
    flipped = site.user.token[:at] + bytes([site.user.token[at] ^ 1]) + site.user.token[at + 1 :]

    assert (401, False) == site.post(cookie=OTHERS % flipped)
    assert 401 == site.paths.agree("GET", "/me", ("authorization", b"Bearer " + flipped)).status


@pytest.mark.parametrize(
    ("line", "expected", "is_fast"),
    [
        (b"__Host-safeconduct=%s", 200, True),
        (b"__Host-safeconduct-device=d; __Host-safeconduct=%s", 200, False),
        (b"a=1; __Host-safeconduct-refresh=r; __Host-safeconduct=%s; b=2", 200, True),
        (b"__Host-safeconduct=%s; a=1; __Host-safeconduct-device=d; b=2", 200, True),
        (b"__Host-safeconduct=%s; __Host-safeconduct-refresh=x; __Host-safeconduct-refresh=y", 200, False),
        (b"__Host-safeconduct=%s; a=__Host-safeconduct-refresh=y", 200, False),
        (b"__Host-safeconduct=%s;__Host-safeconduct-refresh=x", 200, False),
        (b"__Host-safeconduct=%s; __Host-safeconduct-refresh=__Host-safeconduct=x", 200, True),
        (b"__Host-safeconduct=%s; a=1; __Host-safeconduct=x", 400, False),
        (b"__Host-safeconduct=%s; __Host-safeconduct =x", 400, False),
        (b'a="x; __Host-safeconduct=%s; b=y"', 401, False),
        (b'__Host-safeconduct-refresh="x; __Host-safeconduct=%s; __Host-safeconduct-device=y"', 401, False),
        (b'a=1; __Host-safeconduct-refresh="x; __Host-safeconduct=%s; __Host-safeconduct-device=y"', 401, False),
        (b'__Host-safeconduct=%s; __Host-safeconduct-refresh="x"', 200, False),
        (b"__Host-safeconduct=%s,__Host-safeconduct-refresh=x", 401, False),
        (b"a=1,__Host-safeconduct=%s", 401, False),
        (b"x__Host-safeconduct=%s", 401, False),
        (b"__Host-safeconduct=%s; " + b"a=1; " * 900, 200, False),
        (b"__Host-safeconduct=%s; __Host-safeconduct-refresh=" + b"r" * 70_000, 401, False),
    ],
    ids=range(19),
)
def test_other_cookies_beside_the_token(site, line, expected, is_fast):
    """The application sees the same cookies in either case."""
    fields = site.user.fields(cookie=line % site.user.token)
    site.paths.warm("POST", "/me", *fields)

    assert expected == site.paths.agree("POST", "/me", *fields).status
    assert is_fast == site.paths.is_fast


def test_two_cookie_fields_are_one(make):
    """WSGI servers join them by a comma, which separates nothing in a cookie."""
    site = make("asgi")
    access = b"__Host-safeconduct=" + site.user.token
    rest = site.user.fields(cookie=None)
    for lines in (
        (b"a=1", access), (access, b"__Host-safeconduct-device=d;b=2"), (b"__Host-safeconduct-refresh=r", access),
        (access, b"__Host-safeconduct-refresh=r", b"b=2"), (access, access), (b'a="', access, b'"'),
    ):  # fmt: skip
        fields = [("cookie", line) for line in lines] + rest
        site.paths.warm("POST", "/me", *fields)
        site.paths.agree("POST", "/me", *[(name.title(), value) for name, value in fields])


def test_a_header_counts_before_a_cookie(site):
    """It does so even if it is wrong."""
    assert (200, True) == site.post(site.bearer)
    # WSGI servers join two of them by a comma, which no credential has.
    assert (401 if site.paths.world == "wsgi" else 400, False) == site.post(site.bearer, site.bearer)
    assert (401, False) == site.post(("authorization", b"Bearer x"))
    assert (200, True) == site.post(site.bearer, cookie=b"__Host-safeconduct=x")
    assert (403, False) == site.post(("authorization", b"Bearer " + tokens()["alice"].encode()), target="/admin/x")


@pytest.mark.parametrize("of", ["another session", "an earlier sign-in", "a later sign-in"])
def test_a_csrf_token_belongs_to_one_sign_in_to_one_session(site, of):
    wrong = {
        "another session": site.other.csrf(),
        "an earlier sign-in": site.user.csrf(generation=site.user.generation + 2),
        "a later sign-in": site.user.csrf(generation=site.user.generation + 1),
    }[of]

    assert (200, True) == site.post()
    assert (403, False) == site.post(x_csrf_token=wrong)
    assert (200, True) == site.post()


def test_the_keys_of_csrf_tokens_change(site):
    """With a new version both count; without the old one, what it made does not, whatever is remembered."""
    second = SECRETS_KEY | {"k": SECRETS_KEY["k"][::-1], "kid": "safeconduct-secrets-2"}
    old = site.user.csrf()

    def use(*secrets):
        config = configuration(keys={"keys": [OWN_KEY, *secrets]}, sources=["bearer"])
        site.auth._container.keys = own_keys(config, print)

    assert (200, True) == site.post(x_csrf_token=old)
    use(SECRETS_KEY | {"safeconduct_state": "retired"}, second)
    new = site.user.csrf()
    assert old != new
    assert [(200, True)] * 2 == [site.post(x_csrf_token=token) for token in (old, new)]
    use(second)
    assert [(403, False), (200, True)] == [site.post(x_csrf_token=token) for token in (old, new)]
    use()
    assert (403, False) == site.post(x_csrf_token=new)


def test_time_passes(site):
    """The keys are checked each second; a rule asks how old the sign-in is; a token and a proven pair end."""
    assert [200] * 3 == site.statuses()
    site.clock.advance(seconds=1)
    site.paths.agree("POST", "/me", *site.user.fields())
    assert (200, True) == site.post()

    site.clock.advance(seconds=299)
    assert 401 == site.post(target="/fresh")[0]
    before = site.directory.checks
    assert [200] * 3 == site.statuses()
    assert before + 1 == site.directory.checks

    site.clock.advance(seconds=620)
    assert [401, 401, 200] == site.statuses()


def test_the_clock_goes_back(site):
    """What was checked later than now is checked again."""
    site.clock.advance(seconds=-0.5)

    # The slow path would check the keys for both.
    fields = (("host", b"app.example"), *site.user.fields())
    site.paths.send_to_one(SentRequest("POST", "/me", fields, "https"))
    assert not site.paths.is_fast
    assert [200] * 3 == site.statuses()
    site.clock.advance(seconds=-100)
    assert [200] * 3 == site.statuses()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("what", ["token", "session", "subject", "everything"])
def test_a_revocation_ends_what_was_remembered(site, target, what):
    """A password is proven again instead, because only its proof was revoked."""
    # A password says nothing about when its user signed in.
    by_password = 401 if target == "/fresh" else 200
    assert [200, 200, by_password] == site.statuses(target, "POST")
    sessions = site.auth.sessions
    match what:
        case "token":
            sessions.revoke_token(site.user.token_id)
        case "session":
            sessions.end(site.user.session_id)
        case "subject":
            sessions.revoke_subject("alice")
        case _:
            sessions.revoke_everything()
    site.clock.advance(seconds=0.01)

    assert [401, 401, by_password] == site.statuses(target, "POST")


@pytest.mark.parametrize("world", WORLDS)
def test_a_key_goes(make, world, tmp_path):
    """What it signed no longer counts; a password does."""
    for jwk in (OWN_KEY, SECRETS_KEY):
        write_key(tmp_path / "keys", jwk)
    site = make(world, keys=tmp_path / "keys")
    assert [200] * 3 == site.statuses()
    write_key(tmp_path / "keys", OWN_KEY | {"kid": "another"})
    (tmp_path / "keys" / "own.json").unlink()
    site.auth._container.keys.reload()
    site.clock.advance(seconds=1)

    assert [401, 401, 200] == site.statuses()


def test_a_closed_auth_lets_nothing_pass(site):
    site.auth.close()

    assert [503] * 3 == site.statuses()


def test_a_handshake_by_cookie_needs_an_origin(make):
    """It never takes the fast path."""
    site = make("asgi")
    application = site.paths._quick
    before = site.paths._noted.recognized

    def shake(*fields):
        request = SentRequest("GET", "/me", (("host", b"app.example"), ("cookie", site.user.cookies), *fields), "https")
        return asyncio.run(play(application, socket_scope(request)))[0]

    assert 403 == shake()["status"]
    assert 403 == shake(("origin", b"https://evil.example"))["status"]
    assert before == site.paths._noted.recognized


@pytest.mark.parametrize("world", WORLDS)
def test_without_a_question_a_revocation_changes_nothing(make, world):
    """The slow path decides about what the view in memory speaks against."""
    site = make(world, revocation={"consistency": "none"})
    assert (200, True) == site.post()
    site.auth.sessions.revoke_subject("alice")
    site.clock.advance(seconds=0.01)

    assert [200] * 3 == site.statuses()
    assert (200, False) == site.post()


def test_what_cannot_be_read_is_left_to_the_slow_path(make):
    """No server passes text that is not latin-1; one that did would be told 503."""
    site = make("wsgi")

    seen = site.paths.agree("POST", "/me", *site.user.fields(), HTTP_ORIGIN="\u20ac")

    assert (503, False) == (seen.status, site.paths.is_fast)
