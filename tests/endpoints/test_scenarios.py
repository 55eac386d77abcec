"""Rows of the corpus of stateful attacks, over every kind of store: sessions."""

import ast
import json
from pathlib import Path

import pytest

from corpora import cases
from data_loss import replica_of
from login_site import ACCESS, REFRESH, LoginClient
from safeconduct.events import RefreshReused, SessionEnded, SignedIn

PAST_THE_GRACE = 11
#: Rows without a test here, and why.
EXCLUDED = {
    "017": "/auth/revoke, which is not served",
    "037": "JWKS: our keys as others fetch them",
    "039": "JWKS: others' keys as we fetch them",
}


@pytest.fixture
def client(any_site):
    return LoginClient(any_site)


def names(site):
    return [type(event).__name__ for event in site.events]


def test_every_row_is_a_test_or_excluded_by_name():
    """051 is also about introspection, which is not implemented; the other half has a test."""
    files = Path(__file__).parent.glob("test_scenarios*.py")
    functions = [node for file in files for node in ast.parse(file.read_text("utf-8")).body]
    named = [node.name for node in functions if isinstance(node, ast.FunctionDef)]
    tested = [name[24:27] for name in named if name.startswith("test_stateful_scenarios_")]
    known = {case["id"].removeprefix("stateful-scenarios-") for case in cases("attacks/stateful-scenarios")}

    assert known == {*tested, *EXCLUDED}
    assert len(tested) == len(set(tested))
    assert set() == EXCLUDED.keys() & set(tested)


def test_stateful_scenarios_001_rotation_happy_path(client):
    client.get_tokens(remember=True)

    for _ in range(2):
        assert (200, 200) == (client.refresh(), client.use())


def test_stateful_scenarios_003_reuse_by_attacker_first_then_victim(any_site, clock):
    """After the grace period, thief and owner cannot both go on (RFC 9700 §4.14.2)."""
    thief, owner = LoginClient(any_site), LoginClient(any_site)
    owner.get_tokens(remember=True)
    thief.refresh(owner.tokens["refresh_token"])
    clock.advance(seconds=PAST_THE_GRACE)

    assert (401, "invalid_grant") == (owner.refresh(), owner.json["code"])
    assert (401, 401) == (thief.refresh(), thief.use())
    ended = [name for name in names(any_site) if name in {"RefreshReused", "SessionEnded"}]
    assert [RefreshReused.__name__, SessionEnded.__name__] == ended


# redis-py 5 leaves a lost Unix socket open until it is garbage-collected.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("is_behind", [False, True], ids=["in step", "behind"])
def test_stateful_scenarios_005_parallel_refresh_across_failover(watched, clock, is_behind):
    """Whatever the new primary had missed, one successor is valid and the session goes on."""
    site, server = watched
    client = LoginClient(site)
    client.get_tokens(remember=True)
    first = client.tokens["refresh_token"]
    json_body = json.dumps({"refresh_token": first}).encode()
    request = ("POST", "/auth/refresh", [("content-type", "application/json")], json_body)
    with replica_of(server, is_behind=is_behind) as standby:
        answers = site.request_all([request] * 20, meanwhile=standby.take_over)
        clock.advance(seconds=1)
        after = client.refresh(first)
        live = client.tokens["refresh_token"]
        lost = {json.loads(answer.body)["refresh_token"] for answer in answers if answer.status == 200} - {live}

        assert {answer.status for answer in answers} <= {200, 503}
        assert (1 if is_behind and server else 0) == len(lost)
        assert (200, 200) == (after, client.refresh())
        assert {401} >= {LoginClient(site).refresh(token) for token in lost}
        assert (200, 200) == (client.refresh(), client.use())
        assert 1 == len(site.auth.sessions.list("alice"))


def test_stateful_scenarios_007_response_lost_client_retries_within_grace(client):
    client.get_tokens(remember=True)
    first = client.tokens["refresh_token"]
    client.refresh(first)
    lost = client.tokens["refresh_token"]

    assert 200 == client.refresh(first)
    assert lost == client.tokens["refresh_token"]
    assert 200 == client.refresh()


def test_stateful_scenarios_009_transaction_failure_does_not_burn_token(watched, clock):
    """The server refuses writes; without a server, the directory fails before anything is written."""
    site, server = watched
    client = LoginClient(site)
    client.get_tokens(remember=True)
    first = client.tokens["refresh_token"]

    failed = while_nothing_is_written(site, server, client.refresh)
    clock.advance(seconds=PAST_THE_GRACE)

    assert 503 == failed
    assert (200, 200) == (client.refresh(first), client.use())


def while_nothing_is_written(site, server, ask):
    """Send a request while the store cannot write or the directory fails."""
    if server is None:
        accounts, site.directory.accounts = site.directory.accounts, None
        status = ask()
        site.directory.accounts = accounts
        return status
    server.say("CONFIG", "SET", "min-replicas-to-write", "1")
    status = ask()
    server.say("CONFIG", "SET", "min-replicas-to-write", "0")
    return status


def test_stateful_scenarios_011_absolute_lifetime(workers, clock):
    """Extending never passes the absolute end."""
    ends = 86_400
    lives = {f"{name}lifetime_seconds": ends for name in ("short_absolute_", "idle_", "absolute_")}
    client = LoginClient(workers(sessions=lives))
    client.get_tokens(remember=True)

    statuses = []
    for _ in range(24):
        clock.advance(seconds=3600)
        statuses.append(client.refresh())

    assert [200] * 23 + [401] == statuses
    assert 401 == client.use()


def test_stateful_scenarios_013_logout_kills_access_and_refresh(client):
    client.get_tokens(remember=True)

    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"])
    assert (401, 401) == (client.use(), client.refresh())


def test_stateful_scenarios_015_logout_with_expired_access_token_still_kills_family(client, clock):
    client.get_tokens(remember=True)
    token = client.tokens["refresh_token"]
    clock.advance(seconds=900 + PAST_THE_GRACE)

    out = client.request(
        "POST", "/auth/logout", json_body={"refresh_token": token}, bearer=client.tokens["access_token"]
    )

    assert (204, 401) == (out, client.refresh())


def test_stateful_scenarios_019_revoke_all_and_new_login_in_the_same_second(client, clock):
    clock.advance(seconds=0.2)
    client.get_tokens(remember=True)
    before = client.tokens
    clock.advance(seconds=0.3)
    out = client.request("POST", "/auth/logout-everywhere", bearer=before["access_token"])
    clock.advance(seconds=0.2)
    again = client.get_tokens(remember=True)

    assert (204, 200) == (out, again)
    assert (401, 401) == (client.use(before["access_token"]), LoginClient(client.site).refresh(before["refresh_token"]))
    assert (200, 200) == (client.use(), client.refresh())


def test_stateful_scenarios_021_session_fixation(client):
    """Credentials from before the sign-in are worthless afterwards and replaced."""
    client.cookies = {ACCESS: "planted", REFRESH: "planted"}
    client.sign_in(remember=True)
    first = dict(client.cookies)
    client.sign_in(remember=True)

    assert "planted" not in first.values()
    assert first[ACCESS] != client.cookies[ACCESS]
    assert first[REFRESH] != client.cookies[REFRESH]
    assert 2 == names(client.site).count(SignedIn.__name__)
    client.cookies = {ACCESS: "planted", REFRESH: "planted"}
    assert (401, 401) == (client.request("GET", "/me"), client.request("POST", "/auth/refresh"))


def test_stateful_scenarios_023_disabled_user(any_site, client):
    client.get_tokens(remember=True)
    del any_site.directory.accounts["alice"]

    assert 401 == client.refresh()
    assert 401 == client.use()


def test_stateful_scenarios_041_login_rate_limit_and_lockout_bypass(workers):
    """Neither a forged address nor the right password resets it, and no other user suffers."""
    client = LoginClient(workers(login={}))
    wrong = [client.get_tokens("alice", "wrong") for _ in range(6)]
    waited = client.response.values("retry-after")
    spoofed = client.request(
        "POST",
        "/auth/login",
        json_body={"username": "alice", "password": "wonder"},
        headers=[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")],
    )

    assert [401] * 5 + [429] == wrong
    assert int(waited[0]) > 0
    assert (429, 200) == (spoofed, client.get_tokens("bob", "builder"))


def test_stateful_scenarios_049_tenant_isolation(workers):
    """The same name at two issuers is two users, because all keys include the issuer."""
    one, other = LoginClient(workers()), LoginClient(workers(issuer="https://other.example"))
    one.get_tokens(remember=True)
    other.get_tokens(remember=True)

    out = one.request("POST", "/auth/logout-everywhere", bearer=one.tokens["access_token"])

    assert 204 == out
    assert (401, 401) == (one.use(), one.refresh())
    assert (200, 200) == (other.use(), other.refresh())


def test_stateful_scenarios_051_refresh_responses_not_cacheable(client):
    client.get_tokens(remember=True)
    kept = [client.response.values("cache-control")]
    client.refresh()
    kept.append(client.response.values("cache-control"))

    assert [("no-store",)] * 2 == kept
