"""Hand a browser over where several processes, or both servers, share a store, and where that store fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from handed_over import FORM, ONE, TRUST, Browser, hand_over, minted, people, sending_fields
from issued_tokens import user_of
from login_site import ACCESS, SITE, LoginSite, reopened, stores_of
from login_stack import ManualTime
from safeconduct.errors import Unavailable
from safeconduct.events import HandOverReused
from store_servers import KINDS, Server


@pytest.fixture
def moment():
    return ManualTime()


@pytest.fixture
def clock(moment):
    return moment.clock


@pytest.fixture(scope="module", params=KINDS)
def living_server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def processes(world, moment, living_server):
    """Make processes of one site, or of both, over one server."""
    made = []
    stores = stores_of("server", living_server, moment, print)

    def begin(**fields):
        own = reopened(living_server, moment, print) if made else stores
        usual = {"trust": [TRUST], "directory": people()}
        made.append(LoginSite(world, clock=moment.clock, stores=own, **usual | fields))
        return made[-1]

    yield begin
    for site in made:
        site.close()


@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_every_process_knows_that_it_was_used(processes, format_of_tokens):
    first, second = (processes(tokens={"format": format_of_tokens}) for _ in range(2))
    token = minted()
    browser, thief = Browser(first), Browser(second)

    assert 303 == browser.accept(token)
    assert 401 == thief.accept(token)

    assert [HandOverReused] == [type(each) for each in second.events if type(each) is HandOverReused]
    browser.site = second
    assert ("alice", ONE) == tuple(browser.session()[name] for name in ("subject", "issuer"))


def test_of_posts_to_two_processes_at_once_one_counts(processes):
    sites = [processes() for _ in range(2)]
    token = minted()
    post = ("POST", "/auth/accept", [("content-type", "application/x-www-form-urlencoded"), ("origin", SITE)],
            f"token={token}".encode())  # fmt: skip

    with ThreadPoolExecutor(2) as threads:
        answers = [answer for some in threads.map(lambda site: site.request_all([post] * 4), sites) for answer in some]

    assert [303, *[401] * 7] == sorted(answer.status for answer in answers)


def test_the_lists_name_one_person_each(processes):
    site = processes()
    Browser(site).accept(minted())
    Browser(site).accept(minted(jti="b" * 22))
    user_of(site)

    sessions = site.auth.async_sessions if site.world == "asgi" else site.auth.sessions
    theirs, ours = sessions.list("alice", issuer=ONE), sessions.list("alice")
    if site.world == "asgi":
        theirs, ours = site._runner.run(theirs), site._runner.run(ours)
    assert (2, 1) == (len(theirs), len(ours))


def test_renew_and_a_revocation_in_another_process(processes, moment):
    first, second = processes(), processes()
    browser = Browser(first)
    browser.accept(minted())
    moment.clock.advance(seconds=500)
    browser.csrf, browser.site = browser.session()["csrf_token"], second
    assert 200 == browser.request("POST", "/auth/renew")

    first.auth.sessions.revoke_subject("alice")
    assert 200 == browser.request("GET", "/me")
    first.auth.sessions.revoke_subject("alice", issuer=ONE)
    assert 401 == browser.request("GET", "/me")


def test_where_both_share_a_store_a_revocation_at_the_issuer_ends_it(processes):
    receiver = processes()
    sender = processes(**sending_fields() | {"trust": []})
    alice = user_of(sender)
    browser = Browser(receiver)
    assert 303 == browser.accept(hand_over(sender, alice).token)
    pending = hand_over(sender, alice).token

    sender.auth.sessions.revoke_subject("alice")

    assert 401 == browser.request("GET", "/me")
    assert 401 == Browser(receiver).accept(pending)


def test_a_store_that_lost_the_use_does_not_let_it_count_again(processes, living_server):
    site = processes()
    token = minted()
    Browser(site).accept(token)
    living_server.say("FLUSHALL")

    assert 503 == Browser(site).accept(token)
    assert 401 == Browser(site).accept(token)


STEPS = ("mark", "end", "open")


@pytest.mark.parametrize("step", STEPS)
def test_a_store_that_fails_leaves_no_session_behind(processes, monkeypatch, step):
    """503 in any case; from the mark on the token is used, and the browser is signed in as before or not at all."""
    site = processes()
    browser = Browser(site)
    browser.accept(minted())
    store = site.auth._container.store(site.world)
    owner = {"mark": store, "end": store.sessions, "open": store.sessions}[step]
    name = {"mark": "mark_used", "end": "end", "open": "open"}[step]
    token = minted(jti="b" * 22)

    async def fail(*_args, **_named):
        raise Unavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(type(owner), name, fail)
        assert 503 == browser.accept(token)
        assert ACCESS in browser.cookies

    assert (step != "open") == browser.session()["is_authenticated"]
    assert (303 if step == "mark" else 401) == browser.accept(token)
    listed = site.auth.sessions.list("alice", issuer=ONE) if site.world == "wsgi" else site._runner.run(
        site.auth.async_sessions.list("alice", issuer=ONE)
    )  # fmt: skip
    assert (0 if step == "open" else 1) == len(listed)


SHARDED = {"store": {"url": "memory://", "shards": 16}}
CLIENTS = [
    {"client_id": "reports", "secret": "q7Zk3vW9xT2mB5nR8cL1dF6hJ4pS0aY-uGeXiOwKtMz", "grants": ["client_credentials"]}
]


@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_a_revoked_token_is_found_on_the_shard_of_its_person(processes, format_of_tokens):
    """RFC 7009: the holder shows it; the subject alone would lead to the shard of our own user of that name."""
    site = processes(**SHARDED, clients=CLIENTS, tokens={"format": format_of_tokens})
    for number in range(4):
        browser = Browser(site)
        assert 303 == browser.accept(minted(f"user-{number}", jti=f"{number}" * 22))
        assert 200 == browser.request("GET", "/me")
        body = f"token={browser.cookies[ACCESS]}".encode()

        assert 200 == browser.request("POST", "/auth/revoke", headers=[FORM], body=body, with_cookies=False)

        assert 401 == browser.request("GET", "/me")


def test_a_use_is_known_on_the_shard_of_its_person(processes):
    first, second = processes(**SHARDED), processes(**SHARDED)
    for number in range(4):
        token = minted(f"user-{number}", jti=f"{number}" * 22)
        assert 303 == Browser(first).accept(token)
        assert 401 == Browser(second).accept(token)


def test_our_directory_is_never_asked_about_them(processes):
    """Not even where every request is compared with the account."""
    site = processes(login={"cut_off": "cached"})
    browser = Browser(site)
    browser.accept(minted("carol"))

    assert 200 == browser.request("GET", "/me")
    assert "carol" not in site.directory.accounts
