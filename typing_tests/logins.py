"""The types of the session verbs, blocking and awaitable, and of the testing helpers."""

from pathlib import Path
from typing import assert_type

from safeconduct import Account, ActiveSession, Auth, RefreshToken, RequestOrigin, Tokens
from safeconduct.testing import (
    Clock,
    FakeIssuer,
    RequestHeaders,
    SignedInCookies,
    StoreContract,
    reload_keys,
    signed_in,
    signed_in_cookies,
    throw_away_keys,
)
from safeconduct.testing.conformance import CHECKS, Report, Site, check_all


def blocking(auth: Auth) -> None:
    tokens = auth.sessions.sign_in(Account("alice"), remember=True, origin=RequestOrigin(transport="cookie"))
    assert_type(tokens, Tokens)
    assert_type(tokens.refresh_token, RefreshToken | None)
    assert_type(tokens.renew_after, int | None)
    assert_type(auth.sessions.renew(tokens.access_token), Tokens)
    assert_type(auth.sessions.step_up(tokens.access_token, "password"), Tokens)
    assert_type(auth.sessions.list("alice"), tuple[ActiveSession, ...])


async def awaiting(auth: Auth) -> None:
    tokens = await auth.async_sessions.sign_in(Account("alice"))
    assert_type(tokens, Tokens)
    assert_type(await auth.async_sessions.refresh("token", extend=True), Tokens)
    assert_type(await auth.async_sessions.list("alice"), tuple[ActiveSession, ...])


def tested(auth: Auth) -> None:
    clock = Clock(seconds=0.0)
    clock.advance(seconds=1)
    assert_type(clock(), float)
    assert_type(signed_in(auth, "alice", level="remembered"), RequestHeaders)
    assert_type(signed_in(auth.wsgi(lambda environ, start_response: []), "alice"), RequestHeaders)
    throw_away_keys()["keys"]
    assert_type(signed_in(auth, "alice").environ, dict[str, str])
    assert_type(signed_in(auth, "alice").raw, list[tuple[bytes, bytes]])
    assert_type(signed_in_cookies(auth, "alice"), SignedInCookies)
    assert_type(signed_in_cookies(auth, "alice").headers, RequestHeaders)
    assert_type(signed_in_cookies(auth, "alice").websocket_headers, RequestHeaders)
    assert_type(FakeIssuer(Path("issuer.json"), clock=clock).token("bob", claims={"roles": ["boss"]}), str)
    with FakeIssuer("issuer.json").outage():
        reload_keys(auth)
    assert_type(StoreContract.horizon_ms, int)


def attacked(auth: Auth) -> None:
    with Site(auth.wsgi(lambda environ, start_response: []), closed="/me", needs_role=("/admin", "admin")) as site:
        assert_type(check_all(site), Report)
        for check in CHECKS:
            check(site)
            assert_type(str(check), str)
    issuer = FakeIssuer(Path("issuer.json"), clock=Clock())
    site = Site(
        auth,
        closed="/me",
        websocket="/ws",
        login=("alice", "open sesame"),
        issuer=issuer,
        interface="asgi",
        subject="bob",
    )
    assert_type(site.user(roles=["admin"]), RequestHeaders)
