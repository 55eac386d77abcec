"""End what goes back to a sign-in before an account's cut-off: ``Account(cut_off=…)``."""

import pytest

from login_site import ACCESS, LoginClient
from safeconduct import Account
from safeconduct.errors import BadCredentials, RevokedToken, Unavailable
from safeconduct.events import SessionEnded

CACHED = {"cut_off": "cached"}


def cut_off(site, at, name="alice", **more):
    """Update the user's row."""
    site.directory.accounts[name] = Account(name, roles=["user"], cut_off=at, **more)


@pytest.fixture(params=["memory://", "none"])
def kept_or_not(request, make):
    return make(store=request.param)


def test_r4_a_refresh_token_of_before_the_cut_off_is_over(any_site, clock):
    """Its session is ended, so that the list shows what is alive."""
    client, other = LoginClient(any_site), LoginClient(any_site)
    client.get_tokens(remember=True)
    other.get_tokens("bob", "builder", remember=True)
    clock.advance(seconds=60)
    cut_off(any_site, clock())

    assert (401, "invalid_grant") == (client.refresh(), client.json["code"])
    assert 200 == other.refresh()
    assert ["account"] == [event.reason for event in any_site.events if isinstance(event, SessionEnded)]
    assert () == any_site.auth.sessions.list("alice")


def test_r4_a_sign_in_right_after_the_cut_off_counts(any_site, clock):
    """In the same second, through refresh, renewal and step-up."""
    cut_off(any_site, clock() + 0.9)
    client = LoginClient(any_site)

    assert 200 == client.get_tokens(remember=True)
    assert 200 == client.use()
    assert (200, 200) == (client.refresh(), client.use())
    body, token = {"password": "wonder"}, client.tokens["access_token"]
    assert 200 == client.request("POST", "/auth/step-up", json_body=body, bearer=token, with_cookies=False)
    token = client.json["access_token"]
    assert 200 == client.use(token)
    clock.advance(seconds=451)
    assert 200 == client.request("POST", "/auth/renew", bearer=token, with_cookies=False)
    assert 200 == client.use(client.json["access_token"])


def test_r4_a_sign_in_right_after_the_cut_off_counts_without_a_store(make, clock):
    site = make(store="none", login={"cut_off": "cached"})
    cut_off(site, clock())
    client = LoginClient(site)

    assert 200 == client.get_tokens(remember=True)
    assert (200, 200, 200) == (client.use(), client.refresh(client.tokens["refresh_token"]), client.use())


@pytest.mark.parametrize("endpoint", ["renew", "step-up"])
def test_r4_an_access_token_of_before_the_cut_off_gives_no_other(any_site, clock, endpoint):
    client = LoginClient(any_site)
    client.get_tokens()
    clock.advance(seconds=460)
    cut_off(any_site, clock())
    json_body = {"password": "wonder"} if endpoint == "step-up" else None

    status = client.request(
        "POST", f"/auth/{endpoint}", bearer=client.tokens["access_token"], with_cookies=False, json_body=json_body
    )

    assert 401 == status
    assert () == any_site.auth.sessions.list("alice")


def test_r4_without_a_store_a_refresh_token_and_a_step_up_end_too(make, clock):
    site = make(store="none")
    client = LoginClient(site)
    client.get_tokens(remember=True)
    clock.advance(seconds=60)
    cut_off(site, clock())
    token, refresh = client.tokens["access_token"], client.tokens["refresh_token"]

    assert 401 == client.refresh()
    for body in ({"password": "wonder"}, {"password": "wonder", "refresh_token": refresh}):
        assert 401 == client.request(
            "POST", "/auth/step-up", json_body=body, bearer=token, with_cookies=False
        )  # fmt: skip


def test_r4_a_session_that_slipped_through_a_race_ends_at_its_next_refresh(make, clock):
    """The row changes after it was read and before the store is asked: the sign-in decides, not the last token."""
    site = make()
    client = LoginClient(site)
    client.get_tokens(remember=True)
    clock.advance(seconds=60)
    read = site.directory.lookup

    def lookup(subject):
        account = read(subject)
        cut_off(site, clock())
        clock.advance(seconds=5)
        return account

    site.directory.lookup = lookup
    assert 200 == client.refresh()
    site.directory.lookup = read

    assert 401 == client.refresh()


def test_r4_a_cut_off_ends_at_its_own_second(kept_or_not):
    """A token of that second is over, one of the next is not."""
    client = LoginClient(kept_or_not)
    client.get_tokens(remember=True)
    token, second = client.tokens["refresh_token"], client.site.auth.verify(client.tokens["access_token"]).auth_time

    cut_off(kept_or_not, second - 0.001)
    assert 200 == client.refresh(token)
    token = client.tokens.get("refresh_token", token)
    cut_off(kept_or_not, second)
    assert 401 == client.refresh(token)


@pytest.mark.parametrize("ahead", [11.0, 1.8e12, 10**400], ids=["beyond the leeway", "milliseconds", "huge"])
def test_r4_a_cut_off_in_the_future_is_a_fault_of_the_directory(kept_or_not, clock, ahead):
    """It lets no one in, ends nothing, and blames no caller; the session goes on when the row is right again."""
    client = LoginClient(kept_or_not)
    client.get_tokens(remember=True)
    token = client.tokens["refresh_token"]
    cut_off(kept_or_not, ahead + int(clock()))

    assert 503 == client.refresh(token)
    assert 503 == client.get_tokens()
    with pytest.raises(Unavailable):
        kept_or_not.auth.sessions.sign_in(Account("alice", cut_off=ahead + int(clock())))

    cut_off(kept_or_not, None)
    assert 200 == client.refresh(token)


def test_r4_a_directory_whose_clock_is_ahead_within_the_leeway_lets_in(kept_or_not, clock):
    cut_off(kept_or_not, clock() + 9)
    client = LoginClient(kept_or_not)

    assert 200 == client.get_tokens(remember=True)
    assert (200, 200) == (client.use(), client.refresh(client.tokens["refresh_token"]))


def test_r4_a_disabled_account_begins_no_session_in_code(kept_or_not):
    with pytest.raises(BadCredentials):
        kept_or_not.auth.sessions.sign_in(Account("alice", cut_off=5, disabled=True))


def test_r4_code_that_signs_in_dates_the_token_after_the_cut_off(kept_or_not, clock):
    cut_off(kept_or_not, clock())

    tokens = kept_or_not.auth.sessions.sign_in(Account("alice", cut_off=clock()), remember=True)

    assert int(clock()) + 1 == tokens.issued_at
    assert int(clock()) + 1 == kept_or_not.auth.sessions.refresh(tokens.refresh_token.value).issued_at


def test_r4_by_default_an_access_token_lasts_until_it_is_renewed(make, clock):
    """No request asks the directory."""
    site = make()
    client = LoginClient(site)
    client.get_tokens()
    lookups = site.directory.lookups
    clock.advance(seconds=60)
    cut_off(site, clock())

    assert (200, lookups) == (client.use(), site.directory.lookups)


@pytest.mark.parametrize("store", ["memory://", "none"])
@pytest.mark.parametrize("carried", ["header", "cookie"])
def test_r4_a_page_and_a_program_end_within_the_staleness(make, clock, store, carried):
    """An access token is over once the account is looked up again, with a store and without one."""
    site = make(store=store, login=CACHED, revocation={"staleness_seconds": 5})
    client = LoginClient(site)
    client.get_tokens() if carried == "header" else client.sign_in()

    def status():
        return client.use() if carried == "header" else client.request("GET", "/me")

    assert [200] * 3 == [status() for _ in range(3)]
    clock.advance(seconds=4)
    cut_off(site, clock())
    assert (200, 1) == (status(), site.directory.lookups)
    clock.advance(seconds=1)
    assert [401] * 3 == [status() for _ in range(3)]
    assert 2 == site.directory.lookups


def test_r4_every_store_and_format_ends_an_access_token(workers, format_of_tokens, clock):
    site = workers(tokens={"format": format_of_tokens}, login=CACHED)
    client = LoginClient(site)
    client.get_tokens()
    assert 200 == client.use()
    clock.advance(seconds=60)
    cut_off(site, clock())

    assert 401 == client.use()
    with pytest.raises(RevokedToken):
        site.auth.verify(client.tokens["access_token"])
    client.get_tokens()
    assert 200 == client.use()
    assert "alice" == site.auth.verify(client.tokens["access_token"]).subject


@pytest.mark.parametrize("gone", ["deleted", "disabled"])
def test_r4_an_account_that_is_gone_is_over_too(make, clock, gone):
    site = make(login=CACHED)
    client = LoginClient(site)
    client.get_tokens()
    assert 200 == client.use()
    clock.advance(seconds=60)
    if gone == "deleted":
        del site.directory.accounts["alice"]
    else:
        cut_off(site, None, disabled=True)

    assert 401 == client.use()


@pytest.mark.parametrize("answer", ["raises", "another subject", "nonsense", "future"])
def test_r4_a_directory_that_fails_is_503_and_never_a_pass(make, clock, answer):
    """Nor is it 401: the caller is not to blame.  What was looked up a moment ago still counts."""
    site = make(login=CACHED, revocation={"staleness_seconds": 5, "on_outage": "serve"})
    client = LoginClient(site)
    client.get_tokens()
    assert 200 == client.use()

    def lookup(subject):
        if answer == "raises":
            raise OSError("down")
        return {
            "another subject": Account("bob"), "nonsense": subject, "future": Account(subject, cut_off=clock() * 1000),
        }[answer]  # fmt: skip

    kept, site.directory.lookup = site.directory.lookup, lookup
    assert 200 == client.use()
    clock.advance(seconds=6)
    assert [503] * 2 == [client.use() for _ in range(2)]
    with pytest.raises(Unavailable):
        site.auth.verify(client.tokens["access_token"])
    site.directory.lookup = kept
    if answer == "future":
        clock.advance(seconds=6)
    assert 200 == client.use()


def test_r4_a_token_of_a_raced_refresh_is_over_at_the_next_request(make, clock):
    """It was issued after the cut-off, by a session of before."""
    site = make(login=CACHED)
    client = LoginClient(site)
    client.get_tokens(remember=True)
    clock.advance(seconds=60)
    read = site.directory.lookup

    def lookup(subject):
        account = read(subject)
        cut_off(site, clock())
        clock.advance(seconds=5)
        return account

    site.directory.lookup = lookup
    assert 200 == client.refresh()
    site.directory.lookup = read

    assert 401 == client.use()


def test_r4_a_cookie_that_is_over_does_not_block_a_new_sign_in(make, clock):
    site = make(login=CACHED)
    client = LoginClient(site)
    client.sign_in(remember=True)
    clock.advance(seconds=60)
    cut_off(site, clock())
    old = client.cookies[ACCESS]
    assert 401 == client.request("GET", "/me")

    assert 200 == client.sign_in(remember=True)
    assert old != client.cookies[ACCESS]
    assert 200 == client.request("POST", "/me")
