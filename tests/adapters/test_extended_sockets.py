"""A socket that outlives the token it was opened with: by the session behind its cookie, or by another token."""

from base64 import b64encode

import pytest

from held import LATER, bearer, carried, opened, watched_place
from minting import LIFETIME_SECONDS, NOW, mint
from safeconduct import Account
from visiting import Visitor


@pytest.fixture
def place():
    made = watched_place()
    yield made
    made.close()


@pytest.fixture
def visitor(place):
    visitor = Visitor(place)
    assert 200 == visitor.sign_in()
    return visitor


def test_a_cookie_s_socket_goes_on_while_its_session_lives(place, visitor):
    """The page renews; the socket learns nothing of it and need not."""
    held, other = opened(place, *carried(visitor)), opened(place, bearer(mint()))
    place.clock.advance(seconds=LIFETIME_SECONDS // 2)
    assert 200 == visitor.ask("POST", "/auth/renew")

    place.clock.advance(seconds=LATER - LIFETIME_SECONDS // 2)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")


def test_a_cookie_s_socket_ends_where_nobody_renews(place, visitor):
    held = opened(place, *carried(visitor))

    place.clock.advance(seconds=LATER + 1)

    assert 4401 == held.code()


def test_a_prolonged_socket_ends_with_its_session(place, visitor):
    """Signed out after its token has ended."""
    held, other = opened(place, *carried(visitor)), opened(place, bearer(mint()))
    place.clock.advance(seconds=LIFETIME_SECONDS // 2)
    visitor.ask("POST", "/auth/renew")
    place.clock.advance(seconds=LATER - LIFETIME_SECONDS // 2)
    other.code()

    visitor.ask("POST", "/auth/logout")

    assert 4401 == held.code()


def test_a_header_s_socket_is_not_prolonged(place):
    """Whoever holds a token in a script can extend by himself."""
    visitor = Visitor(place)
    visitor.take(remember=True)
    held = opened(place, bearer(visitor.held["access_token"]))

    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [({"level": "explicit"}, 4403), ({"max_age_seconds": 60}, 4403), ({"roles": ["user"]}, None)],
    ids=["level", "age", "role"],
)
def test_a_prolonged_socket_is_judged_anew(rule, expected):
    """By what the session is worth by now."""
    place = watched_place(access={"rules": [{"path": "/live", **rule}]})
    visitor = Visitor(place)
    visitor.sign_in(remember=True)
    held, other = opened(place, *carried(visitor)), opened(place, bearer(mint(roles=["user"])), target="/else")

    place.clock.advance(seconds=LATER)

    assert 4401 == other.code()
    if expected:
        assert expected == held.code()
    else:
        assert "hello" == held.ask("hello")
    place.close()


def test_a_cookie_without_a_session_is_not_prolonged(place):
    token = mint("alice")
    held = opened(place, ("cookie", f"__Host-safeconduct={token}"), ("origin", "https://app.example"))

    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()


def longer(subject="alice", **claims):
    """Return a token that ends an hour later than the usual ones."""
    return mint(subject, **{"jti": "longer", "exp": NOW + LIFETIME_SECONDS + 3600} | claims)


def test_a_socket_is_extended(place):
    """It rests on the new token from then on."""
    held, other = opened(place, bearer(mint())), opened(place, bearer(mint("bob")))

    assert "alice" == held.ask(f"extend {longer()}")
    place.clock.advance(seconds=LATER)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    place.clock.advance(seconds=3600)
    assert 4401 == held.code()


def test_an_extended_socket_ends_with_its_new_token(place):
    held = opened(place, bearer(mint()))
    held.ask(f"extend {longer()}")

    place.auth.sessions.revoke_token("longer")

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
def test_a_wrong_token_extends_nothing(token, error, place):
    """The socket goes on as it was, to its own end."""
    held = opened(place, bearer(mint()))

    assert error == held.ask(f"extend {token()}")
    assert "hello" == held.ask("hello")
    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()


def test_a_revoked_token_extends_nothing(place):
    held = opened(place, bearer(mint()))
    place.auth.sessions.revoke_token("longer")

    assert "RevokedToken" == held.ask(f"extend {longer()}")
    assert "hello" == held.ask("hello")


def test_a_token_that_is_not_enough_closes():
    """4403: the requirement is no longer met, and the token told so."""
    place = watched_place(access={"rules": [{"path": "/live", "roles": ["admin"]}]})
    held = opened(place, bearer(mint(roles=["admin"])))

    held.tell({"type": "websocket.receive", "text": f"extend {longer()}"})

    assert 4403 == held.code()
    assert [] == held.end()
    place.close()


def test_a_wrong_token_that_nobody_minds_closes(place):
    """An error that leaves the application is its end, as ever."""

    async def careless(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await scope["safeconduct.extend"]("x.y.z")

    held = opened(place, bearer(mint()), application=place.auth.asgi(careless))

    assert 4401 == held.code()
    assert [] == held.end()


def test_a_socket_that_is_over_is_not_extended(place):
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

    held = opened(place, bearer(mint()), application=place.auth.asgi(late))
    place.clock.advance(seconds=LATER)
    held.code()
    held.tell({"type": "websocket.receive", "text": "too late"})

    assert [] == held.end()
    assert [4401, "ExpiredToken", "ExpiredToken"] == seen


def test_nothing_is_extended_after_a_close():
    """Nobody can say any more whether the token counts."""
    place = watched_place(revocation={"staleness_seconds": 3600.0})
    held = opened(place, bearer(mint()))

    place.auth.close()

    assert "Unavailable" == held.ask(f"extend {longer()}")
    place.close()


BASIC = {"sources": ["basic", "bearer"]}
PAIR = ("authorization", "Basic " + b64encode(b"alice:wonder").decode())


def test_a_password_s_socket_is_proven_again():
    """Once a minute, as a request that came then would have it; it knows what the account may do by now."""
    place = watched_place(access={"rules": [{"path": "/live", "roles": ["user"]}]}, **BASIC)
    held = opened(place, PAIR)

    place.clock.advance(seconds=60)
    other_ended(place)

    assert ("hello", 2) == (held.ask("hello"), place.folk.checks)
    place.folk.accounts["alice"] = Account("alice")
    place.clock.advance(seconds=60)
    assert 4403 == held.code()
    place.close()


@pytest.mark.parametrize("account", [None, Account("alison")], ids=["gone", "renamed"])
def test_a_password_s_socket_ends_with_its_account(account):
    """Also on what is open to everybody: the application was told a name."""
    place = watched_place(access={"public": ["/live"]}, **BASIC)
    held = opened(place, PAIR)
    place.folk.accounts |= {"alice": account, "alison": account}

    place.clock.advance(seconds=60)

    assert 4401 == held.code()
    place.close()


def other_ended(place):
    """Return once everything that is over was looked at, as another one tells that was."""
    now = int(place.clock())
    token = mint("zoe", jti="other", iat=now, iat_ms=now * 1000, exp=now + LIFETIME_SECONDS, roles=["user"])
    other = opened(place, bearer(token))
    place.auth.sessions.revoke_token("other")
    assert 4401 == other.code()
