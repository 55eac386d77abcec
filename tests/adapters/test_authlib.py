"""An Authlib ``ResourceProtector`` verifies tokens as our middleware does, and answers as Authlib does."""

import pytest
from authlib.oauth2 import ResourceProtector

from app_client import SentRequest, call_wsgi, wsgi_environ
from login_site import login_configuration
from memory_directory import MemoryDirectory
from protected_apps import ProtectedApp
from safeconduct import Account, Auth, ConfigurationError
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.authlib import BearerTokenValidator
from safeconduct.events import Fault
from store_servers import free_port
from table_tokens import AUDIENCE, mint
from worlds import Clock

KINDS = ("flask", "django", "django asgi")


@pytest.fixture
def events():
    """Return the events that were announced."""
    return []


@pytest.fixture
def clock():
    """Return a clock that is moved by hand."""
    return Clock()


@pytest.fixture
def auth(clock, events):
    """Return an ``Auth`` with sessions and cookies."""
    made = new_auth(clock, events)
    yield made
    made.close()


def new_auth(clock, events, **fields):
    directory = MemoryDirectory(alice="wonder")
    return Auth(login_configuration(**fields), directory=directory, clock=clock, listeners=[events.append])


@pytest.fixture(params=KINDS)
def kind(request):
    """Return each framework in turn."""
    return request.param


@pytest.fixture(params=[False, True], ids=["alone", "below the middleware"])
def app(request, kind, auth):
    """Return an application of each framework, alone and below our middleware, which lets everything pass."""
    around = None
    if request.param:
        around = auth
    return ProtectedApp(kind, auth, around)


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/any", None, 200),
        ("/read", "read", 200),
        ("/read", "write", 403),
        ("/read", None, 403),
        ("/either", "read", 200),
        ("/either", "admin", 200),
        ("/either", "write", 403),
        ("/both", "read", 403),
        ("/both", "admin read", 200),
    ],
)
def test_scopes_are_those_of_authlib(app, path, scope, status):
    """A list means any of its strings, and a string all of its words."""
    answered, body, response = app.get(path, token=mint(scope=scope))

    assert status == answered
    if status == 200:
        assert {"sub": "alice", "subject": "alice", "scope": scope or ""} == body
    else:
        assert "insufficient_scope" == body["error"]
        [challenge] = response.values("www-authenticate")
        assert challenge.startswith(f'Bearer realm="{AUDIENCE}", error="insufficient_scope"')
        assert challenge.endswith('scope="read"' if path == "/read" else 'scope="admin read"')
        assert 0 == app.calls


@pytest.mark.parametrize(("roles", "status"), [(["clerk"], 200), (["owner", "x"], 200), (["x"], 403), (None, 403)])
def test_any_of_the_roles_is_enough(app, roles, status):
    assert status == app.get("/roles", token=mint(roles=roles))[0]


def test_an_argument_that_nothing_checks_is_refused(kind, auth):
    """``groups`` would be no protection otherwise."""
    app = ProtectedApp(kind, auth)

    try:
        status, *_ = app.get("/groups", token=mint())
    except (TypeError, ValueError):
        status = 500

    assert (500, 0) == (status, app.calls)


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1_800_000_000 - 60}, {"aud": "https://other.example"}, {"iss": "https://evil.example"}, {"by": "foreign"}],
    ids=["expired", "audience", "issuer", "key"],
)
def test_a_wrong_token_is_invalid(app, claims):
    """401 with Authlib's body and our challenge, and the view is not called."""
    status, body, response = app.get("/any", token=mint(**claims))

    [challenge] = response.values("www-authenticate")
    assert 401 == status
    assert challenge.startswith(f'Bearer realm="{AUDIENCE}", error="invalid_token"')
    assert 0 == app.calls
    assert "application/" in response.values("content-type")[0]
    assert {"error", "error_description"} <= body.keys() or "invalid_token" == body["code"]


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "a b", "\xff", "x" * 20000], ids=["word", "dots", "two", "latin", "long"]
)
def test_a_malformed_token_is_invalid(kind, auth, token):
    app = ProtectedApp(kind, auth)

    status, body, _ = app.get("/any", token=token)

    assert (401, "invalid_token", 0) == (status, body["error"], app.calls)


def test_a_revoked_token_is_invalid(app, auth):
    """From the next request on, here and below the middleware."""
    token = mint(jti="a" * 22)
    before = app.get("/any", token=token)[0]

    auth.sessions.revoke_token("a" * 22)

    assert (200, 401) == (before, app.get("/any", token=token)[0])


def test_an_expired_token_is_invalid(app, clock):
    token = mint()
    before = app.get("/any", token=token)[0]

    clock.advance(seconds=2000)

    assert (200, 401) == (before, app.get("/any", token=token)[0])


def test_a_cookie_does_not_authenticate(kind, auth):
    """Neither alone nor below the middleware, which knows the user by it."""
    tokens = auth.sessions.sign_in(Account("alice"))
    cookie = [("cookie", f"__Host-safeconduct={tokens.access_token}".encode())]

    for around in (None, auth):
        app = ProtectedApp(kind, auth, around)
        status, body, _ = app.get("/any", headers=cookie)
        assert (401, "missing_authorization", 0) == (status, body["error"], app.calls)
        assert {"anonymous": True} == app.get("/optional", headers=cookie)[1]


def test_without_a_token_only_optional_views_answer(kind, auth):
    app = ProtectedApp(kind, auth)

    assert (401, 200) == (app.get("/any")[0], app.get("/optional")[0])
    assert 401 == app.get("/optional", token="x")[0]


def test_an_outage_is_503(kind, clock, events):
    """Never 401, since the token may be good, and never a pass."""
    with new_auth(clock, events, store=f"redis://127.0.0.1:{free_port()}") as auth:
        app = ProtectedApp(kind, auth)

        status, body, response = app.get("/any", token=mint())

    assert (503, "temporarily_unavailable", 0) == (status, body["error"], app.calls)
    assert ("1",) == response.values("retry-after")
    assert () == response.values("www-authenticate")


def test_a_closed_auth_is_503(kind, auth):
    app = ProtectedApp(kind, auth)
    auth.close()

    assert (503, 0) == (app.get("/any", token=mint())[0], app.calls)


def test_a_fault_of_ours_is_503(kind, auth, events, monkeypatch):
    app = ProtectedApp(kind, auth)
    monkeypatch.setattr(type(auth), "verify", lambda *_: 1 / 0)

    status, body, _ = app.get("/any", token=mint())

    assert (503, "temporarily_unavailable", 0) == (status, body["error"], app.calls)
    assert [Fault(error="ZeroDivisionError", where="gate")] == [each for each in events if isinstance(each, Fault)]


def test_below_the_middleware_a_token_is_verified_once(kind, auth, clock, events, monkeypatch):
    """One verification a token below the middleware of the same ``Auth``; another one's is no proof."""
    verified, verify = [], TokenVerifier.verify
    monkeypatch.setattr(TokenVerifier, "verify", lambda *a, **k: verified.append(1) or verify(*a, **k))
    auth, other = new_auth(clock, events), new_auth(clock, events)
    counts = []

    for around in (auth, other):
        app = ProtectedApp(kind, auth, around)
        verified.clear()
        assert 200 == app.get("/read", token=mint(scope="read"))[0]
        counts.append(len(verified))

    assert [1, 2] == counts
    auth.close()
    other.close()


def test_a_rule_that_asks_nobody_is_no_proof(kind, clock, events):
    """The middleware let a revoked token pass without asking; the protector asks."""
    with new_auth(clock, events, access={"rules": [{"path": "/any", "consistency": "none"}]}) as auth:
        token = mint(jti="a" * 22)
        app = ProtectedApp(kind, auth, auth)
        before = app.get("/any", token=token)[0]
        auth.sessions.revoke_token("a" * 22)

        assert (200, 401) == (before, app.get("/any", token=token)[0])


def test_it_is_registered_for_bearer(auth):
    protector = ResourceProtector()
    validator = BearerTokenValidator(auth)

    protector.register_token_validator(validator)

    assert validator is protector.get_token_validator("Bearer")
    assert AUDIENCE == validator.realm


@pytest.mark.parametrize("given", [None, Auth, "auth"])
def test_it_wants_an_auth(given):
    with pytest.raises(ConfigurationError, match="wanted an Auth"):
        BearerTokenValidator(given)


def test_it_wants_bearer_among_the_sources(clock, events):
    with (
        new_auth(clock, events, sources=["cookie"]) as auth,
        pytest.raises(ConfigurationError, match='wanted "bearer"'),
    ):
        BearerTokenValidator(auth)


def test_the_proof_of_another_token_is_none(auth):
    """An application that asks about a second token within a request gets the answer about that one."""
    validator = BearerTokenValidator(auth)

    def application(_environ, start_response):
        start_response("200 OK", [])
        return [validator.authenticate_token(mint("bob"))["sub"].encode()]

    request = SentRequest("GET", "/", (("authorization", f"Bearer {mint('alice')}".encode()),), "https")

    assert b"bob" == call_wsgi(auth.wsgi(application), wsgi_environ(request)).body
