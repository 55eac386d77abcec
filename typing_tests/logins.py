"""The types of the session verbs, blocking and awaitable, and of the testing helpers."""

from typing import assert_type

from safeconduct import Account, ActiveSession, Auth, RefreshToken, RequestOrigin, Tokens
from safeconduct.testing import Clock, RequestHeaders, signed_in, throw_away_keys


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
