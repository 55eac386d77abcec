"""``POST /auth/logout`` and ``/auth/logout-everywhere``: whoever leaves has no credential afterwards."""

import pytest

from safeconduct.events import SessionEnded
from visiting import ACCESS, DEVICE, OWN_PAGE, REFRESH, Visitor


def leave(visitor, **how):
    return visitor.ask("POST", "/auth/logout", **how)


def test_a_page_signs_out_and_the_browser_forgets(visitor):
    """Each cookie is deleted by its own name and attributes; the device stays known."""
    visitor.sign_in(remember=True)
    copy = dict(visitor.jar)

    assert 204 == leave(visitor)

    assert {DEVICE} == visitor.jar.keys()
    lines = {line.partition("=")[0]: line for line in visitor.seen.values("set-cookie")}
    assert {ACCESS, REFRESH} == lines.keys()
    assert all("Path=/" in line and "Secure" in line and "Max-Age=0" in line for line in lines.values())
    assert ('"cache", "storage"',) == visitor.seen.values("clear-site-data")
    visitor.jar = copy
    assert 401 == visitor.ask("GET", "/me")
    assert 401 == visitor.ask("POST", "/auth/refresh")


def test_a_program_signs_out_by_its_refresh_token(visitor):
    visitor.take(remember=True)

    assert 204 == leave(visitor, said={"refresh_token": visitor.held["refresh_token"]}, with_jar=False)

    assert () == visitor.seen.values("set-cookie")
    assert (401, 401) == (visitor.use(), visitor.refresh())


def test_a_program_signs_out_by_its_access_token(visitor):
    visitor.take(remember=True)

    assert 204 == leave(visitor, bearer=visitor.held["access_token"])

    assert (401, 401) == (visitor.use(), visitor.refresh())


def test_an_expired_access_token_signs_out_too(visitor, clock):
    """Its expiry alone may have passed (RFC 7009)."""
    visitor.take(remember=True)
    clock.advance(seconds=2000)

    assert 204 == leave(visitor, bearer=visitor.held["access_token"])

    assert 401 == visitor.refresh()


def test_h_an_expired_access_token_signs_out_without_any_leeway(make, clock):
    """It is checked as of the last second of its life, whatever is granted to clocks."""
    visitor = Visitor(make(tokens={"leeway_seconds": 0}))
    visitor.take(remember=True)
    clock.advance(seconds=2000)

    assert 204 == leave(visitor, bearer=visitor.held["access_token"])

    assert 401 == visitor.refresh()


def test_b1_both_sessions_end_where_two_came(visitor):
    """A refresh token of one session and an access token of another: nothing that came is left alive."""
    visitor.take(remember=True)
    other = visitor.held
    visitor.take("bob", "builder", remember=True)

    assert 204 == leave(visitor, bearer=visitor.held["access_token"], said={"refresh_token": other["refresh_token"]})

    assert (401, 401) == (visitor.use(), visitor.use(other["access_token"]))
    assert (401, 401) == (visitor.refresh(), visitor.refresh(other["refresh_token"]))


@pytest.mark.parametrize("remember", [False, True])
def test_b1_a_cookie_that_is_deleted_ends_its_session_beside_a_header(visitor, remember):
    """The header says who asks; the cookie is deleted, and must not live on where somebody has a copy."""
    visitor.take("bob", "builder")
    visitor.sign_in(remember=remember)
    copy = dict(visitor.jar)

    assert 204 == leave(visitor, bearer=visitor.held["access_token"])

    assert {DEVICE} == visitor.jar.keys()
    visitor.jar = copy
    assert (401, 401) == (visitor.use(), visitor.ask("GET", "/me"))


def test_b1_a_token_in_the_header_and_in_a_cookie_ends_its_one_session_once(place, visitor):
    visitor.sign_in()

    assert 204 == leave(visitor, bearer=visitor.jar[ACCESS])

    ends = [event for event in place.events if isinstance(event, SessionEnded)]
    assert [("alice", "signed_out")] == [(event.subject, event.reason) for event in ends]


def test_b1_a_sign_out_with_both_cookies_ends_its_one_session_once(place, visitor):
    visitor.sign_in(remember=True)

    assert 204 == leave(visitor)

    ends = [event for event in place.events if isinstance(event, SessionEnded)]
    assert [("alice", "signed_out")] == [(event.subject, event.reason) for event in ends]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bearer": "x.y.z"},
        {"headers": [("authorization", "Basic YTpi")]},
        {"headers": [("authorization", "Bearer a b")]},
        {"said": {"refresh_token": "x"}},
    ],
    ids=["nothing", "no token", "basic", "malformed", "no refresh token"],
)
def test_a_credential_that_is_none_is_204(visitor, how):
    assert 204 == leave(visitor, **how)


def test_a_token_with_a_flipped_bit_ends_nothing(visitor):
    visitor.take()
    token = visitor.held["access_token"]

    assert 204 == leave(visitor, bearer=token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:])
    assert 200 == visitor.use()


def test_a_token_without_a_session_is_left_alone(place, visitor):
    visitor.take()
    foreign = place.auth.sessions

    assert 204 == leave(visitor)
    assert 200 == visitor.use()
    assert (1,) == (len(foreign.list("alice")),)


def test_a_foreign_page_signs_nobody_out(visitor):
    visitor.sign_in()

    foreign = leave(visitor, headers=[("origin", "https://evil.example")], page=False)
    silent = leave(visitor, page=False)

    assert (403, 403) == (foreign, silent)
    assert () == visitor.seen.values("set-cookie")
    assert 200 == visitor.ask("GET", "/me")


def test_cookies_that_nobody_can_read_are_cleared(visitor):
    """Also where only a broken refresh cookie is left."""
    visitor.jar = {REFRESH: '"'}

    assert 204 == leave(visitor)
    assert {} == visitor.jar


def test_two_cookies_of_one_name_are_cleared(visitor):
    visitor.sign_in(remember=True)
    twice = f"{REFRESH}={visitor.jar[REFRESH]}; {REFRESH}=other; {ACCESS}={visitor.jar[ACCESS]}"

    status = leave(visitor, headers=[("cookie", twice), *OWN_PAGE], with_jar=False)

    assert 204 == status
    assert 401 == visitor.ask("GET", "/me")


def test_a_token_by_cookie_and_in_the_body_is_400(visitor):
    visitor.sign_in(remember=True)

    assert 400 == leave(visitor, said={"refresh_token": visitor.jar[REFRESH]})


def test_signing_out_everywhere_ends_every_session(place):
    """R4: by one instant that is kept for the user."""
    page, program, other = Visitor(place), Visitor(place), Visitor(place)
    page.sign_in(remember=True)
    program.take(remember=True)
    other.take("bob", "builder")

    assert 204 == page.ask("POST", "/auth/logout-everywhere")

    assert {DEVICE} == page.jar.keys()
    assert (401, 401) == (program.use(), program.refresh())
    assert 200 == other.use()
    assert (200, 200) == (program.take(), program.use())


def test_signing_out_everywhere_needs_an_access_token(visitor):
    assert 401 == visitor.ask("POST", "/auth/logout-everywhere")


def test_a_program_signs_out_everywhere(visitor):
    visitor.take()

    assert 204 == visitor.ask("POST", "/auth/logout-everywhere", bearer=visitor.held["access_token"])
    assert () == visitor.seen.values("set-cookie")


def test_a_store_that_is_away_is_503_and_clears_nothing(doomed):
    """Nobody is told that he is out while his session goes on."""
    place, server = doomed
    visitor = Visitor(place)
    visitor.sign_in(remember=True)
    before = dict(visitor.jar)
    server.kill()

    assert 503 == leave(visitor)
    assert before == visitor.jar
