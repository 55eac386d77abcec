"""A socket that outlives the token it was opened with: by the session behind its cookie, or by another token."""

from base64 import b64encode

import pytest

from login_site import LoginClient
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
    """The page renews; the socket learns nothing of it and need not."""
    held, other = open_socket(site, *cookie_headers(client)), open_socket(site, bearer(mint()))
    site.clock.advance(seconds=LIFETIME_SECONDS // 2)
    assert 200 == client.ask("POST", "/auth/renew")

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - LIFETIME_SECONDS // 2)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")


def test_a_cookie_s_socket_ends_where_nobody_renews(site, client):
    held = open_socket(site, *cookie_headers(client))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS + 1)

    assert 4401 == held.code()


def test_a_prolonged_socket_ends_with_its_session(site, client):
    """Signed out after its token has ended."""
    held, other = open_socket(site, *cookie_headers(client)), open_socket(site, bearer(mint()))
    site.clock.advance(seconds=LIFETIME_SECONDS // 2)
    client.ask("POST", "/auth/renew")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - LIFETIME_SECONDS // 2)
    other.code()

    client.ask("POST", "/auth/logout")

    assert 4401 == held.code()


def test_a_header_s_socket_is_not_prolonged(site):
    """Whoever holds a token in a script can extend by himself."""
    client = LoginClient(site)
    client.take(remember=True)
    held = open_socket(site, bearer(client.tokens["access_token"]))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == held.code()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [({"level": "explicit"}, 4403), ({"max_age_seconds": 60}, 4403), ({"roles": ["user"]}, None)],
    ids=["level", "age", "role"],
)
def test_a_prolonged_socket_is_judged_anew(rule, expected):
    """By what the session is worth by now."""
    site = monitored_site(access={"rules": [{"path": "/live", **rule}]})
    client = LoginClient(site)
    client.sign_in(remember=True)
    held, other = (
        open_socket(site, *cookie_headers(client)),
        open_socket(site, bearer(mint(roles=["user"])), target="/else"),
    )

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    if expected:
        assert expected == held.code()
    else:
        assert "hello" == held.ask("hello")
    site.close()


def test_a_cookie_without_a_session_is_not_prolonged(site):
    token = mint("alice")
    held = open_socket(site, ("cookie", f"__Host-safeconduct={token}"), ("origin", "https://app.example"))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == held.code()


def longer(subject="alice", **claims):
    """Return a token that ends an hour later than the usual ones."""
    return mint(subject, **{"jti": "longer", "exp": NOW + LIFETIME_SECONDS + 3600} | claims)


def test_a_socket_is_extended(site):
    """It rests on the new token from then on."""
    held, other = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))

    assert "alice" == held.ask(f"extend {longer()}")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    site.clock.advance(seconds=3600)
    assert 4401 == held.code()


def test_an_extended_socket_ends_with_its_new_token(site):
    held = open_socket(site, bearer(mint()))
    held.ask(f"extend {longer()}")

    site.auth.sessions.revoke_token("longer")

    assert 4401 == held.code()


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
    """The socket goes on as it was, to its own end."""
    held = open_socket(site, bearer(mint()))

    assert error == held.ask(f"extend {token()}")
    assert "hello" == held.ask("hello")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == held.code()


def test_a_revoked_token_extends_nothing(site):
    held = open_socket(site, bearer(mint()))
    site.auth.sessions.revoke_token("longer")

    assert "RevokedToken" == held.ask(f"extend {longer()}")
    assert "hello" == held.ask("hello")


def test_a_token_that_is_not_enough_closes():
    """4403: the requirement is no longer met, and the token told so."""
    site = monitored_site(access={"rules": [{"path": "/live", "roles": ["admin"]}]})
    held = open_socket(site, bearer(mint(roles=["admin"])))

    held.tell({"type": "websocket.receive", "text": f"extend {longer()}"})

    assert 4403 == held.code()
    assert [] == held.end()
    site.close()


def test_a_wrong_token_that_nobody_minds_closes(site):
    """An error that leaves the application is its end, as ever."""

    async def careless(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await scope["safeconduct.extend"]("x.y.z")

    held = open_socket(site, bearer(mint()), application=site.auth.asgi(careless))

    assert 4401 == held.code()
    assert [] == held.end()


def test_a_socket_that_is_over_is_not_extended(site):
    """Neither one that was cut nor one that closed itself."""
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

    held = open_socket(site, bearer(mint()), application=site.auth.asgi(late))
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)
    held.code()
    held.tell({"type": "websocket.receive", "text": "too late"})

    assert [] == held.end()
    assert [4401, "ExpiredToken", "ExpiredToken"] == seen


def test_nothing_is_extended_after_a_close():
    """Nobody can say any more whether the token counts."""
    site = monitored_site(revocation={"staleness_seconds": 3600.0})
    held = open_socket(site, bearer(mint()))

    site.auth.close()

    assert "Unavailable" == held.ask(f"extend {longer()}")
    site.close()


BASIC = {"sources": ["basic", "bearer"]}
PAIR = ("authorization", "Basic " + b64encode(b"alice:wonder").decode())


def test_a_password_s_socket_is_proven_again():
    """Once a minute, as a request that came then would have it; it knows what the account may do by now."""
    site = monitored_site(access={"rules": [{"path": "/live", "roles": ["user"]}]}, **BASIC)
    held = open_socket(site, PAIR)

    site.clock.advance(seconds=60)
    other_ended(site)

    assert ("hello", 2) == (held.ask("hello"), site.directory.checks)
    site.directory.accounts["alice"] = Account("alice")
    site.clock.advance(seconds=60)
    assert 4403 == held.code()
    site.close()


@pytest.mark.parametrize("account", [None, Account("alison")], ids=["gone", "renamed"])
def test_a_password_s_socket_ends_with_its_account(account):
    """Also on what is open to everybody: the application was told a name."""
    site = monitored_site(access={"public": ["/live"]}, **BASIC)
    held = open_socket(site, PAIR)
    site.directory.accounts |= {"alice": account, "alison": account}

    site.clock.advance(seconds=60)

    assert 4401 == held.code()
    site.close()


def other_ended(site):
    """Return once everything that is over was looked at, as another one tells that was."""
    now = int(site.clock())
    token = mint("zoe", jti="other", iat=now, iat_ms=now * 1000, exp=now + LIFETIME_SECONDS, roles=["user"])
    other = open_socket(site, bearer(token))
    site.auth.sessions.revoke_token("other")
    assert 4401 == other.code()
