"""Sign a test's user in: the token is accepted by the ``Auth`` that it was made for."""

import pytest

from safeconduct import Auth, Config, RevocationConfig, SessionConfig, StoreConfig, TokenConfig
from safeconduct._core.run_sync import run_sync
from safeconduct.directories import CallableDirectory
from safeconduct.errors import ConfigurationError, ExpiredToken, RevokedToken, UnknownKey
from safeconduct.testing import Clock, signed_in, signed_in_cookies, throw_away_keys
from store_servers import Server

NAME = "https://api.example.com"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def build(clock):
    """Build an ``Auth`` with the test's clock."""
    built = []

    def make(**options):
        chosen = {"issuer": NAME, "audience": NAME, "keys": throw_away_keys(), "store": "memory://", **options}
        built.append(Auth(Config(**chosen), clock=clock))
        return built[-1]

    yield make
    for auth in built:
        auth.close()


def proven(auth, headers):
    """Return the principal that *auth* sees in *headers*."""
    scheme, _, token = headers["Authorization"].partition(" ")
    assert "Bearer" == scheme
    return auth.verify(token)


def test_a_caller_has_the_given_identity(build, clock):
    """Subject, roles, scopes and level arrive, with a proof of this second."""
    auth = build()

    principal = proven(auth, signed_in(auth, "alice", roles=["admin"], scopes={"read", "pay"}))

    assert ("alice", "explicit", NAME) == (principal.subject, principal.level, principal.issuer)
    assert (frozenset({"admin"}), frozenset({"read", "pay"})) == (principal.roles, principal.scopes)
    assert int(clock()) == principal.auth_time


@pytest.mark.parametrize(
    ("level", "seconds_ago", "age"),
    [("remembered", 0, None), ("remembered", 900, 900), ("explicit", 301, 301), ("multifactor", 0, 0)],
    ids=str,
)
def test_a_level_says_when_it_was_proven(build, clock, level, seconds_ago, age):
    """A remembered principal has no time of proof, unless one is given."""
    auth = build()

    principal = proven(auth, signed_in(auth, "alice", level=level, seconds_ago=seconds_ago))

    assert level == principal.level
    assert (None if age is None else int(clock()) - age) == principal.auth_time


@pytest.mark.parametrize(
    "options",
    [
        {"store": "none"},
        {"revocation": RevocationConfig(on_new_store="refuse")},
        {"tokens": TokenConfig(client_id="https://app.example.com")},
        {"sessions": SessionConfig(require_session=True)},
    ],
    ids=["no-store", "new-store", "client", "session"],
)
def test_any_configuration_accepts_its_own(build, options):
    """This holds without a store, and with one that refuses older tokens."""
    auth = build(**options)

    assert "alice" == proven(auth, signed_in(auth, "alice")).subject


def test_a_caller_counts_until_their_token_expires(build, clock):
    """The ``Auth``'s clock is the only one."""
    auth = build()
    headers = signed_in(auth, "alice")

    clock.advance(seconds=auth.config.tokens.access_lifetime_seconds + auth.config.tokens.leeway_seconds)

    with pytest.raises(ExpiredToken):
        proven(auth, headers)


def test_a_cut_off_ends_the_one_before_it_and_not_the_one_after(build):
    """This holds although the clock does not move, as after a real sign-in."""
    auth = build()
    before = signed_in(auth, "alice")

    auth.sessions.sign_out_everywhere("alice")

    with pytest.raises(RevokedToken):
        proven(auth, before)
    assert "alice" == proven(auth, signed_in(auth, "alice")).subject


def test_nobody_else_accepts_a_caller(build):
    """Their token can be revoked like any other."""
    headers = signed_in(build(), "alice")

    with pytest.raises(UnknownKey):
        proven(build(), headers)


@pytest.mark.parametrize(
    ("subject", "options", "wanted"),
    [
        ("alice", {"level": "anonymous"}, "level must be one of"),
        ("alice", {"level": "sure"}, "level must be one of"),
        ("", {}, "subject must not be empty"),
        ("alice", {"roles": "admin"}, r"roles must be a list, such as \['admin'\], got 'admin'"),
        ("alice", {"scopes": "read"}, "scopes must be a list"),
        ("alice", {"seconds_ago": -1}, "seconds_ago must be 0 or more, got -1"),
    ],
    ids=["anonymous", "no-level", "nobody", "roles", "scopes", "future"],
)
def test_what_cannot_be_is_reported(build, subject, options, wanted):
    """A test with such a request would prove nothing."""
    with pytest.raises(ConfigurationError, match=wanted):
        signed_in(build(), subject, **options)


def test_an_auth_that_issues_nothing_signs_nobody_in():
    """The error says what is missing."""
    nobody = CallableDirectory(lambda _username, _password: None)

    with (
        Auth(Config(store="memory://", sources=["bearer", "basic"]), directory=nobody) as auth,
        pytest.raises(ConfigurationError, match="wanted a folder of keys"),
    ):
        signed_in(auth, "alice")


def test_a_shared_store_tells_its_own_time():
    """With a shared store the token is younger than every cut-off."""
    server = Server("valkey")
    config = Config(
        issuer=NAME, audience=NAME, keys=throw_away_keys(), store=StoreConfig(url=server.url, deadline_ms=5000)
    )
    try:
        with Auth(config) as auth:
            auth.sessions.revoke_subject("alice")

            assert "alice" == proven(auth, signed_in(auth, "alice")).subject

            run_sync(auth._container.store("wsgi").close())
    finally:
        server.stop()


@pytest.mark.parametrize("options", [{}, {"store": "none"}], ids=["stored", "no-store"])
def test_a_session_by_cookie_has_the_given_identity(build, clock, options):
    auth = build(sources=["cookie"], external_url=NAME, **options)

    session = signed_in_cookies(auth, "alice", roles=["admin"], scopes={"read"})

    principal = auth.verify(session.cookies["__Host-safeconduct"])
    assert ("alice", "explicit", session.session_id) == (principal.subject, principal.level, principal.session_id)
    assert (frozenset({"admin"}), frozenset({"read"})) == (principal.roles, principal.scopes)
    assert int(clock()) == principal.auth_time
    assert session.csrf_token == session.headers["X-CSRF-Token"]
    assert session.csrf_token not in repr(session)
    assert session.cookies["__Host-safeconduct"] not in repr(session)


@pytest.mark.parametrize(
    ("level", "seconds_ago", "age"), [("remembered", 0, None), ("explicit", 301, 301), ("multifactor", 0, 0)], ids=str
)
def test_a_session_by_cookie_has_the_given_age(build, clock, level, seconds_ago, age):
    auth = build(sources=["cookie"], external_url=NAME)

    session = signed_in_cookies(auth, "alice", level=level, seconds_ago=seconds_ago)

    principal = auth.verify(session.cookies["__Host-safeconduct"])
    assert (level, None if age is None else int(clock()) - age) == (principal.level, principal.auth_time)
    assert session.session_id == principal.session_id


def test_a_session_by_cookie_is_listed_and_can_be_signed_out(build):
    auth = build(sources=["cookie"], external_url=NAME)
    session = signed_in_cookies(auth, "alice")
    token = session.cookies["__Host-safeconduct"]

    assert [session.session_id] == [each.session_id for each in auth.sessions.list("alice")]
    auth.sessions.sign_out(token)

    with pytest.raises(RevokedToken):
        auth.verify(token)


def test_a_session_by_cookie_opens_a_websocket(build):
    """Without ``Origin`` a handshake by cookie is refused."""
    session = signed_in_cookies(build(sources=["cookie"], external_url=NAME), "alice")

    assert {"Cookie": session.headers["Cookie"], "Origin": NAME} == session.websocket_headers


def test_without_cookies_no_session_by_cookie_begins(build):
    with pytest.raises(ConfigurationError, match='sources must include "cookie"'):
        signed_in_cookies(build(), "alice")


def test_without_bearer_no_header_is_made(build):
    """The request would be answered 401, and nothing would tell why."""
    with pytest.raises(ConfigurationError, match=r"got \['cookie'\]; use signed_in_cookies\(app, 'alice'\)$"):
        signed_in(build(sources=["cookie"], external_url=NAME), "alice")
    with pytest.raises(ConfigurationError, match=r'^sources must include "bearer", got \[\'api_key\'\]$'):
        signed_in(build(sources=["api_key"]), "alice")


def test_a_subprotocol_takes_the_token_of_the_header(build):
    auth = build(sources=["subprotocol"])

    assert "alice" == proven(auth, signed_in(auth, "alice")).subject


def test_the_headers_have_the_forms_of_other_clients(build):
    headers = signed_in(build(), "alice")

    assert {"HTTP_AUTHORIZATION": headers["Authorization"]} == headers.environ
    assert [(b"authorization", headers["Authorization"].encode())] == headers.raw


@pytest.mark.asyncio
async def test_a_test_in_an_event_loop_signs_in_too(build):
    auth = build(sources=["bearer", "cookie"], external_url=NAME)

    assert "alice" == (await auth.async_verify(signed_in_cookies(auth, "alice").cookies["__Host-safeconduct"])).subject
