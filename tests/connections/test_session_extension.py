"""Keep a WebSocket open beyond its token, by the session behind its cookie or by a new token."""

from base64 import b64encode

import pytest

from login_site import ACCESS, OWN_PAGE, LoginClient
from open_connections import AFTER_EXPIRY_SECONDS, bearer, cookie_headers, monitored_site, open_socket
from safeconduct import Account
from table_tokens import LIFETIME_SECONDS, NOW, mint


@pytest.fixture
def site():
    made = monitored_site()
    yield made
    made.close()


@pytest.fixture
def client(site):
    client = LoginClient(site)
    assert 200 == client.sign_in()
    return client


def test_a_cookie_s_socket_goes_on_while_its_session_lives(site, client):
    """The page renews its token, and the WebSocket goes on."""
    connection, other = open_socket(site, *cookie_headers(client)), open_socket(site, bearer(mint()))
    site.clock.advance(seconds=LIFETIME_SECONDS // 2)
    assert 200 == client.request("POST", "/auth/renew")

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - LIFETIME_SECONDS // 2)

    assert 4401 == other.code()
    assert "hello" == connection.ask("hello")


def test_a_token_that_someone_acts_with_is_not_extended_by_the_session(site, client):
    """Its connection would otherwise get all of the person's rights, for as long as they are signed in."""
    alice = site.auth.verify(client.cookies[ACCESS])
    token = site.auth.tokens.issue(alice, lifetime_seconds=LIFETIME_SECONDS)
    connection = open_socket(site, ("cookie", f"{ACCESS}={token}"), *OWN_PAGE)
    site.clock.advance(seconds=LIFETIME_SECONDS // 2)
    assert 200 == client.request("POST", "/auth/renew")

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - LIFETIME_SECONDS // 2)

    assert 4401 == connection.code()


def test_a_cookie_s_socket_ends_where_nobody_renews(site, client):
    connection = open_socket(site, *cookie_headers(client))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS + 1)

    assert 4401 == connection.code()


def test_an_extended_websocket_ends_with_its_session(site, client):
    """The session is signed out after the token has expired."""
    connection, other = open_socket(site, *cookie_headers(client)), open_socket(site, bearer(mint()))
    site.clock.advance(seconds=LIFETIME_SECONDS // 2)
    client.request("POST", "/auth/renew")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - LIFETIME_SECONDS // 2)
    other.code()

    client.request("POST", "/auth/logout")

    assert 4401 == connection.code()


def test_a_websocket_by_header_is_not_extended_by_a_session(site):
    """A client that holds its token in a script can send a new one."""
    client = LoginClient(site)
    client.get_tokens(remember=True)
    connection = open_socket(site, bearer(client.tokens["access_token"]))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [({"level": "explicit"}, 4403), ({"max_age_seconds": 60}, 4403), ({"roles": ["user"]}, None)],
    ids=["level", "age", "role"],
)
def test_an_extended_websocket_is_checked_again(rule, expected):
    """The rule is checked against the session's current level."""
    site = monitored_site(access={"rules": [{"path": "/live", **rule}]})
    client = LoginClient(site)
    client.sign_in(remember=True)
    connection, other = (
        open_socket(site, *cookie_headers(client)),
        open_socket(site, bearer(mint(roles=["user"])), target="/else"),
    )

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    if expected:
        assert expected == connection.code()
    else:
        assert "hello" == connection.ask("hello")
    site.close()


def test_a_cookie_without_a_session_is_not_extended(site):
    token = mint("alice")
    connection = open_socket(site, ("cookie", f"__Host-safeconduct={token}"), ("origin", "https://app.example"))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()


def longer(subject="alice", **claims):
    """Return a token that ends an hour later than the usual ones."""
    return mint(subject, **{"jti": "longer", "exp": NOW + LIFETIME_SECONDS + 3600} | claims)


def test_a_socket_is_extended(site):
    """From then on the connection depends on the new token."""
    connection, other = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))

    assert "alice" == connection.ask(f"extend {longer()}")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    assert "hello" == connection.ask("hello")
    site.clock.advance(seconds=3600)
    assert 4401 == connection.code()


def test_an_extended_socket_ends_with_its_new_token(site):
    connection = open_socket(site, bearer(mint()))
    connection.ask(f"extend {longer()}")

    site.auth.sessions.revoke_token("longer")

    assert 4401 == connection.code()


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (lambda: longer("bob"), "BindingMismatch"),
        (lambda: longer(sid="AAAAAAAAAAAAAAAAAAAAAAAA"), "BindingMismatch"),
        (lambda: longer(exp=NOW - 100, iat=NOW - 200, iat_ms=(NOW - 200) * 1000), "ExpiredToken"),
        (lambda: "x.y.z", "MalformedToken"),
        (lambda: longer(iss="https://evil.example"), "WrongIssuer"),
    ],
    ids=["subject", "session", "expired", "malformed", "issuer"],
)
def test_a_wrong_token_extends_nothing(token, error, site):
    """The connection goes on until its first token expires."""
    connection = open_socket(site, bearer(mint()))

    assert error == connection.ask(f"extend {token()}")
    assert "hello" == connection.ask("hello")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()


def test_a_revoked_token_extends_nothing(site):
    connection = open_socket(site, bearer(mint()))
    site.auth.sessions.revoke_token("longer")

    assert "RevokedToken" == connection.ask(f"extend {longer()}")
    assert "hello" == connection.ask("hello")


def test_a_token_that_is_not_enough_closes():
    """4403: the requirement is no longer met by the new token."""
    site = monitored_site(access={"rules": [{"path": "/live", "roles": ["admin"]}]})
    connection = open_socket(site, bearer(mint(roles=["admin"])))

    connection.tell({"type": "websocket.receive", "text": f"extend {longer()}"})

    assert 4403 == connection.code()
    assert [] == connection.end()
    site.close()


def test_an_invalid_token_on_a_public_path_closes(site):
    """An error that leaves the application ends the connection."""

    async def careless(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await scope["safeconduct.extend"]("x.y.z")

    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(careless))

    assert 4401 == connection.code()
    assert [] == connection.end()


def test_an_ended_websocket_is_not_extended(site):
    """This holds for a connection that was cut and for one that closed itself."""
    seen = []

    async def late(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        seen.append((await receive())["code"])
        for _ in range(2):
            try:
                await scope["safeconduct.extend"](longer())
            except Exception as error:  # noqa: BLE001 - it is kept
                seen.append(type(error).__name__)
        assert "websocket.disconnect" == (await receive())["type"]

    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(late))
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)
    connection.code()
    connection.tell({"type": "websocket.receive", "text": "too late"})

    assert [] == connection.end()
    assert [4401, "ExpiredToken", "ExpiredToken"] == seen


def test_nothing_is_extended_after_a_close():
    """Whether the token is still valid is unknown."""
    site = monitored_site(revocation={"staleness_seconds": 3600.0})
    connection = open_socket(site, bearer(mint()))

    site.auth.close()

    assert "Unavailable" == connection.ask(f"extend {longer()}")
    site.close()


BASIC = {"sources": ["basic", "bearer"]}
PAIR = ("authorization", "Basic " + b64encode(b"alice:wonder").decode())


def test_a_password_s_socket_is_proven_again():
    """The account is read once a minute, as a request at that time would find it."""
    site = monitored_site(access={"rules": [{"path": "/live", "roles": ["user"]}]}, **BASIC)
    connection = open_socket(site, PAIR)

    site.clock.advance(seconds=60)
    other_ended(site)

    assert ("hello", 2) == (connection.ask("hello"), site.directory.checks)
    site.directory.accounts["alice"] = Account("alice")
    site.clock.advance(seconds=60)
    assert 4403 == connection.code()
    site.close()


@pytest.mark.parametrize("account", [None, Account("alison")], ids=["gone", "renamed"])
def test_a_password_s_socket_ends_with_its_account(account):
    """This holds on a public path too, because the application was given an identity."""
    site = monitored_site(access={"public": ["/live"]}, **BASIC)
    connection = open_socket(site, PAIR)
    site.directory.accounts |= {"alice": account, "alison": account}

    site.clock.advance(seconds=60)

    assert 4401 == connection.code()
    site.close()


def other_ended(site):
    """Return once all connections were checked, which the end of another one shows."""
    now = int(site.clock())
    token = mint("zoe", jti="other", iat=now, iat_ms=now * 1000, exp=now + LIFETIME_SECONDS, roles=["user"])
    other = open_socket(site, bearer(token))
    site.auth.sessions.revoke_token("other")
    assert 4401 == other.code()
