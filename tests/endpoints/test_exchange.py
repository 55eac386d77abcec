"""``POST /auth/refresh`` and ``/auth/renew``: tokens for tokens, by the way they came."""

import pytest

from safeconduct._tokens.issuer import Grant
from visiting import ACCESS, OWN_PAGE, REFRESH, Visitor


def test_a_refresh_gives_a_new_pair(visitor):
    visitor.take(remember=True)
    first = visitor.held

    assert 200 == visitor.refresh()

    assert visitor.held["refresh_token"] != first["refresh_token"]
    assert 200 == visitor.use()
    assert () == visitor.seen.values("set-cookie")


def test_a_page_refreshes_by_cookie_and_sees_no_token(visitor):
    """No CSRF token is asked for: the page that comes back has none yet."""
    visitor.sign_in(remember=True)
    before, visitor.csrf = dict(visitor.jar), None

    assert 200 == visitor.ask("POST", "/auth/refresh")

    assert before[REFRESH] != visitor.jar[REFRESH]
    assert {"access_token", "refresh_token"}.isdisjoint(visitor.answer)
    assert 43 == len(visitor.answer["csrf_token"])


def test_a_foreign_page_refreshes_nothing(visitor):
    visitor.sign_in(remember=True)

    foreign = visitor.ask("POST", "/auth/refresh", headers=[("origin", "https://evil.example")], page=False)
    silent = visitor.ask("POST", "/auth/refresh", page=False)

    assert (403, 403) == (foreign, silent)
    assert 200 == visitor.ask("POST", "/auth/refresh")


@pytest.mark.parametrize("token", ["", "x", "A" * 96], ids=["empty", "short", "no tag"])
def test_a_token_that_is_none_is_invalid_grant(visitor, token):
    status = visitor.ask("POST", "/auth/refresh", said={"refresh_token": token})

    assert (401, "invalid_grant") == (status, visitor.answer["code"])
    assert 1 == len(visitor.seen.values("www-authenticate"))


def test_without_a_token_it_is_invalid_grant(visitor):
    assert (401, "invalid_grant") == (visitor.ask("POST", "/auth/refresh"), visitor.answer["code"])


def test_a_malformed_cookie_is_invalid_grant(visitor):
    visitor.jar = {REFRESH: '"'}

    assert (401, "invalid_grant") == (visitor.ask("POST", "/auth/refresh"), visitor.answer["code"])


def test_a_token_by_cookie_and_in_the_body_is_400(visitor):
    visitor.sign_in(remember=True)

    assert 400 == visitor.ask("POST", "/auth/refresh", said={"refresh_token": visitor.jar[REFRESH]})


def test_a_session_keeps_to_its_way(visitor):
    """A refresh token out of a cookie is worth nothing in a body, and the other way round."""
    visitor.sign_in(remember=True)
    stolen = visitor.jar[REFRESH]
    visitor.take("bob", "builder", remember=True)

    in_body = visitor.ask("POST", "/auth/refresh", said={"refresh_token": stolen}, with_jar=False)
    visitor.jar = {REFRESH: visitor.held["refresh_token"]}
    by_cookie = visitor.ask("POST", "/auth/refresh")

    assert (401, 401) == (in_body, by_cookie)


def test_a_loser_of_a_race_clears_no_cookie(visitor, clock):
    """STALE: the session lives, and what the winner got stays."""
    visitor.sign_in(remember=True)
    old = dict(visitor.jar)
    visitor.ask("POST", "/auth/refresh")
    visitor.ask("POST", "/auth/refresh")
    winner, visitor.jar = dict(visitor.jar), old

    status = visitor.ask("POST", "/auth/refresh")

    assert 401 == status
    assert () == visitor.seen.values("set-cookie")
    visitor.jar = winner
    clock.advance(seconds=11)
    assert 200 == visitor.ask("POST", "/auth/refresh")


def test_extending_waits_for_half_of_the_life(visitor, clock):
    visitor.take(remember=True)

    early = visitor.refresh(extend=True)
    clock.advance(seconds=8 * 86_400)
    late = visitor.refresh(extend=True)

    assert (409, 200) == (early, late)
    assert visitor.held["extend_before"] == int(clock()) + 14 * 86_400


def test_renewing_waits_for_half_of_the_life_and_demotes(visitor, clock):
    """L4, L6: the renewed token is remembered."""
    visitor.take()
    early = visitor.ask("POST", "/auth/renew", bearer=visitor.held["access_token"], with_jar=False)
    clock.advance(seconds=451)

    late = visitor.ask("POST", "/auth/renew", bearer=visitor.held["access_token"], with_jar=False)

    assert (409, 200) == (early, late)
    assert "remembered" == visitor.answer["level"]
    assert "refresh_token" not in visitor.answer
    assert 200 == visitor.use(visitor.answer["access_token"])


def test_a_page_renews_by_cookie(visitor, clock):
    """With the CSRF token, as for everything that a cookie does."""
    visitor.sign_in(remember=True)
    before = dict(visitor.jar)
    clock.advance(seconds=451)
    csrf, visitor.csrf = visitor.csrf, None
    without = visitor.ask("POST", "/auth/renew")
    visitor.csrf = csrf

    assert (403, 200) == (without, visitor.ask("POST", "/auth/renew"))
    assert before[ACCESS] != visitor.jar[ACCESS]
    assert before[REFRESH] == visitor.jar[REFRESH]
    assert "access_token" not in visitor.answer


def test_renewing_needs_an_access_token(visitor):
    assert (401, "missing_credential") == (visitor.ask("POST", "/auth/renew"), visitor.answer["code"])


def test_a_token_without_a_session_is_not_renewable(place, visitor):
    token = place.auth._container.issuer.issue(_grant(), iat_ms=int(place.clock() * 1000) + 5)

    assert 403 == visitor.ask("POST", "/auth/renew", bearer=token)


def test_where_the_browser_tells_a_fallback_asks_for_no_token(make):
    """``csrf.token = "fallback"`` relaxes the second step by name, and only where the first one knew."""
    visitor = Visitor(make(csrf={"token": "fallback"}))
    visitor.sign_in()
    csrf, visitor.csrf = visitor.csrf, None

    told = visitor.ask("POST", "/me")
    silent = visitor.ask("POST", "/me", page=False)
    with_token = visitor.ask("POST", "/me", headers=[("x-csrf-token", csrf)], page=False)

    assert (200, 403, 200) == (told, silent, with_token)


def test_the_first_step_comes_before_the_second(visitor):
    """A right token from a wrong page is refused."""
    visitor.sign_in()

    status = visitor.ask("POST", "/me", headers=[("origin", "https://evil.example")], page=False)

    assert 403 == status


def test_a_cookie_without_a_session_needs_an_own_page_and_no_token(place, visitor):
    """No session, no token that could be bound to it: the origin decides alone."""
    visitor.jar = {ACCESS: place.auth._container.issuer.issue(_grant(), iat_ms=int(place.clock() * 1000) + 5)}

    assert (200, 403) == (visitor.ask("POST", "/me"), visitor.ask("POST", "/me", page=False))
    assert 200 == visitor.ask("POST", "/me", headers=OWN_PAGE, page=False)


def _grant():

    return Grant(subject="alice", lifetime_seconds=900)
