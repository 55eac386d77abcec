"""Believe no server that restarted without its data, evicts, refuses, or shows another certificate."""

import threading

import pytest

from certificates import Authority
from data_loss import DATA_LOSSES
from login_site import LoginClient
from outage import Outage
from proxied_site import SERVING, STRICT, OtherProcess, until
from safeconduct.errors import Unavailable
from safeconduct.events import StoreLost, StoreUnavailable
from safeconduct.stores.redis.health import EVERY_SECONDS, OPEN_SECONDS
from store_servers import Server, free_port

ERRORS = {
    "NOPERM": "this user has no permissions",
    "NOAUTH": "Authentication required.",
    "WRONGTYPE": "Operation against a key holding the wrong kind of value",
    "BUSY": "Redis is busy running a script.",
    "LOADING": "Redis is loading the dataset in memory",
    "MISCONF": "Redis is configured to save RDB snapshots",
    "TRYAGAIN": "Multiple keys request during rehashing of slot",
    "CLUSTERDOWN": "The cluster is down",
    "MASTERDOWN": "Link with MASTER is down",
    "NOREPLICAS": "Not enough good replicas to write.",
    "READONLY": "You can't write against a read only replica.",
    "OOM": "command not allowed when used memory > 'maxmemory'.",
    "ERR": "something else",
}


def sign_in_again(other, site):
    """Sign in after a loss, which costs each process one refusal, and return what the site says."""
    for _ in range(3):
        try:
            login = other.sign_in("dave")
        except Unavailable:
            continue
        site.recover(login)
        return site.ask(login)
    raise AssertionError("nobody can sign in")


def check_lost(site, other, valid, ended):
    """Check that nothing from before a loss passes any more, and what is new does."""
    asked = set()

    def is_refused():
        site.ticks.advance(seconds=OPEN_SECONDS)
        asked.add(site.ask(ended))
        return site.ask(valid) == 401

    # A fresh view may serve what it knows until the follower has noticed; what was ended it knows.
    until(is_refused)

    assert asked <= {401, 503}
    assert 200 == sign_in_again(other, site)
    assert [401, 401] == [site.ask(valid), site.ask(ended)]
    assert sum(isinstance(event, StoreLost) for event in site.heard) <= 1


def test_a1_a_server_that_was_killed_comes_back_with_its_data(open_site, fresh_server, opened_by):
    """Nothing is lost that is on disk, and no session ends."""
    fresh_server.keep_changes("always")
    proxy, other = opened_by(fresh_server)

    Outage(open_site(proxy.url), other, can_revoke=False).survive(fresh_server.kill, fresh_server.start)


def test_a1_a_server_that_is_loading_its_data_has_lost_nothing(open_site, fresh_server, opened_by):
    """While it reads its append-only file, it says that it keeps none; what it says then is not remembered."""
    fresh_server.keep_changes("always")
    proxy, other = opened_by(fresh_server)
    site = open_site(proxy.url)
    outage = Outage(site, other, can_revoke=False)
    for first in range(0, 3000, 100):
        fresh_server.say("EVAL", "for i = ARGV[1], ARGV[1] + 99 do redis.call('SET', 'filler:' .. i, i) end", 0, first)
    fresh_server.kill()

    # Each entry takes so many microseconds, and clients are served once in a while.
    fresh_server.more_options("--key-load-delay", "200")
    starting = threading.Thread(target=fresh_server.start)
    starting.start()
    while starting.is_alive():
        site.ticks.advance(seconds=OPEN_SECONDS)
        assert site.ask(outage.valid) in {200, 503}
        assert site.ask(outage.ended) in {401, 503}
    starting.join()

    assert [] == [event for event in site.heard if isinstance(event, StoreLost)]
    assert any("LOADING" in event.reason for event in site.heard if isinstance(event, StoreUnavailable))
    outage.check_over()


def test_a1_a_server_that_was_killed_comes_back_empty(open_site, fresh_server, opened_by):
    """Whatever was issued before may have been revoked."""
    proxy, other = opened_by(fresh_server)
    site = open_site(proxy.url)
    outage = Outage(site, other, can_revoke=False)

    fresh_server.kill()
    with site.hurried():
        outage.check_begun()
        outage.check_old()
    fresh_server.start()

    check_lost(site, other, outage.valid, outage.ended)


@pytest.mark.parametrize("name", ["snapshot", "lost tail"])
def test_a1_a_server_is_restored_to_an_earlier_state(open_site, fresh_server, opened_by, name):
    """The restored data knows nothing of what was revoked since, and the process that does proves it."""
    loss = DATA_LOSSES[name](fresh_server)
    proxy, other = opened_by(fresh_server)
    site = open_site(proxy.url)
    valid, ended = other.sign_in("alice"), other.sign_in("bob")
    assert [200, 200] == [site.ask(valid), site.ask(ended)]
    loss.begin()
    other.end(ended)
    until(lambda: site.ask(ended) == 401)
    site.wait_for_view()

    loss.lose_data()

    check_lost(site, other, valid, ended)
    loss.stop()


@pytest.mark.parametrize("words", [("FLUSHALL",), ("DEL", "safeconduct:{sc:00}:meta")], ids=str)
def test_a15_a_store_whose_data_is_gone_is_noticed(site, server, other, words):
    outage = Outage(site, other)

    server.say(*words)

    check_lost(site, other, outage.valid, outage.ended)


@pytest.mark.parametrize("store", [{"key_prefix": "staging:"}, {"url": 1}], ids=["prefix", "database"])
def test_a15_a_wrong_database_or_prefix_lets_nothing_pass(open_site, proxy, server, other, store):
    """What belongs to a session of another store is refused, whether it was ended or not."""
    valid, ended = other.sign_in("alice"), other.sign_in("bob")
    other.end(ended)
    store = {"url": f"{proxy.url}/1"} if "url" in store else store
    site = open_site(store.get("url", proxy.url), store=store)

    answers = {site.ask(login) for _ in range(3) for login in (valid, ended)}

    assert answers <= {401, 503}
    assert server.say("DBSIZE") != ":0\r\n"


def test_a13_a_full_memory_stops_writes_and_no_reads(site, server, other):
    """Nobody can sign in, refresh or be signed out, and everybody who is signed in is served."""
    outage, client = Outage(site, other), LoginClient(site)
    assert 200 == client.get_tokens(remember=True)
    server.say("CONFIG", "SET", "maxmemory", "1")

    with pytest.raises(Unavailable, match="OutOfMemory"):
        other.end(outage.ended_meanwhile)
    assert 503 == client.refresh()
    assert 503 == LoginClient(site).get_tokens()
    site.let_view_age()
    assert [200, 401] == [site.ask(outage.valid), site.ask(outage.ended)]
    site.wait_for_view()
    assert [200, 401] == [site.ask(outage.valid), site.ask(outage.ended)]
    server.say("CONFIG", "SET", "maxmemory", "0")

    assert any("OOM" in event.reason for event in site.heard if isinstance(event, StoreUnavailable))
    assert 200 == client.refresh()
    other.end(outage.ended_meanwhile)
    outage.check_over()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a14_a_server_that_evicts_is_not_believed(site, server, other, policy):
    """Not even with ``on_outage = "serve"``: the store answers, and its answers are worth nothing."""
    outage = Outage(site, other)
    server.say("CONFIG", "SET", "maxmemory-policy", policy)
    site.ticks.advance(seconds=EVERY_SECONDS)

    for _ in range(3):
        assert [503, 503] == [site.ask(outage.valid), site.ask(outage.ended)]
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")

    other.end(outage.ended_meanwhile)
    outage.check_over()
    assert any(policy in event.reason for event in site.heard if isinstance(event, StoreUnavailable))


def test_a16_an_expiry_at_the_edge_of_numbers_is_no_error(site, other):
    """A token whose expiry the caller gave wrongly is refused for as long as its entry lives."""
    for number, expires_at in enumerate([0, -1, 1 << 31, 1 << 62, 1 << 63, -(1 << 63)]):
        login = other.sign_in(f"user{number}")
        assert 200 == site.ask(login)
        token_id = other.auth.verify(login.access).token_id

        other.auth.sessions.revoke_token(token_id, expires_at=expires_at)

        until(lambda login=login: site.mode == STRICT or site.ask(login) == 401)
        assert 401 == site.ask(login)


def test_a18_an_error_is_never_taken_for_not_revoked(site, proxy, other, note):
    """Every kind of refusal is 503, and the first request afterwards is served."""
    outage = Outage(site, other)

    for kind, text in ERRORS.items():
        proxy.refuses_with = f"{kind} {text}"
        proxy.cut()
        with site.hurried():
            site.let_view_age()
            # A server that does not say whether it evicts is not believed, and nothing is served past it.
            assert (kind, site.ask(outage.valid)) in {(kind, 503), (kind, 200 if site.mode == SERVING else 503)}
            assert (kind, 503) == (kind, site.ask(outage.ended))
        proxy.heal()
        site.recover(outage.valid)
        assert (kind, 401) == (kind, site.ask(outage.ended))

    note(f"{len(ERRORS)} kinds of errors")


@pytest.mark.parametrize("change", ["-@all", "resetpass"])
def test_a18_a_user_whose_rights_are_taken_is_refused(open_site, server, proxy, other, change):
    """While the application runs; its connections may stay open, or be closed by the server."""
    server.say("ACL", "SETUSER", "app", "reset", "on", ">secret", "~*", "&*", "+@all")
    site = open_site(proxy.url.replace("redis://", "redis://app:secret@"))

    def take():
        server.say("ACL", "SETUSER", "app", change)
        server.say("CLIENT", "KILL", "USER", "app")

    def give():
        server.say("ACL", "SETUSER", "app", "on", ">secret", "+@all")

    Outage(site, other, is_doubtful=True).survive(take, give)
    server.say("ACL", "DELUSER", "app")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def encrypted(authority):
    """Return Debian's Redis with TLS, its TLS port, and its usual certificate; skip where there is none."""
    key, certificate = authority.issue("127.0.0.1")
    server = Server(
        "redis", "--tls-port", str(port := free_port()), "--tls-cert-file", str(certificate), "--tls-key-file",
        str(key), "--tls-ca-cert-file", str(authority.file), "--tls-auth-clients", "no",
    )  # fmt: skip
    yield server, port, (key, certificate)
    server.stop()


@pytest.mark.parametrize("fault", ["expired", "another name", "another authority"])
def test_a19_certificates_that_change_while_running(open_site, open_proxy, encrypted, authority, tmp_path, fault):
    """A new connection is refused, without a fallback to plain text; the old certificate heals it."""
    server, port, usual = encrypted
    wrong = {
        "expired": lambda: authority.issue("127.0.0.1", days=-1),
        "another name": lambda: authority.issue("other.example"),
        "another authority": lambda: Authority(tmp_path, "other").issue("127.0.0.1"),
    }[fault]()
    proxy, other = open_proxy(port), OtherProcess(server.url)
    site = open_site(f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={authority.file}")

    def show(pair):
        key, certificate = pair
        reply = server.say("CONFIG", "SET", "tls-key-file", key, "tls-cert-file", certificate)
        assert reply == "+OK\r\n", reply
        proxy.cut()

    Outage(site, other).survive(lambda: show(wrong), lambda: show(usual))
    other.close()
