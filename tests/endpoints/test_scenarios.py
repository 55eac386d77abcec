"""Rows of the corpus of stateful attacks by their ids, through the endpoints and over every kind of store: sessions."""

import ast
import json
from pathlib import Path

import pytest

from corpora import cases
from safeconduct.events import RefreshReused, SessionEnded, SignedIn
from standby import standby_of
from visiting import ACCESS, REFRESH, Visitor

PAST_THE_GRACE = 11
#: Rows that are no test here, and why.
EXCLUDED = {
    "017": "/auth/revoke, which is not served",
    "037": "JWKS: our keys as others fetch them",
    "039": "JWKS: others' keys as we fetch them",
}


@pytest.fixture
def visitor(anywhere):
    return Visitor(anywhere)


def names(place):
    return [type(event).__name__ for event in place.events]


def test_every_row_is_a_test_or_excluded_by_name():
    """051 speaks of introspection too, which is not served; its other half is a test."""
    files = Path(__file__).parent.glob("test_scenarios*.py")
    functions = [node for file in files for node in ast.parse(file.read_text("utf-8")).body]
    named = [node.name for node in functions if isinstance(node, ast.FunctionDef)]
    tested = [name[24:27] for name in named if name.startswith("test_stateful_scenarios_")]
    known = {case["id"].removeprefix("stateful-scenarios-") for case in cases("attacks/stateful-scenarios")}

    assert known == {*tested, *EXCLUDED}
    assert len(tested) == len(set(tested))
    assert set() == EXCLUDED.keys() & set(tested)


def test_stateful_scenarios_001_rotation_happy_path(visitor):
    visitor.take(remember=True)

    for _ in range(2):
        assert (200, 200) == (visitor.refresh(), visitor.use())


def test_stateful_scenarios_003_reuse_by_attacker_first_then_victim(anywhere, clock):
    """After the grace, thief and owner can't both go on (RFC 9700 §4.14.2)."""
    thief, owner = Visitor(anywhere), Visitor(anywhere)
    owner.take(remember=True)
    thief.refresh(owner.held["refresh_token"])
    clock.advance(seconds=PAST_THE_GRACE)

    assert (401, "invalid_grant") == (owner.refresh(), owner.answer["code"])
    assert (401, 401) == (thief.refresh(), thief.use())
    ended = [name for name in names(anywhere) if name in {"RefreshReused", "SessionEnded"}]
    assert [RefreshReused.__name__, SessionEnded.__name__] == ended


# redis-py 5 leaves the socket open, until it is collected, where a Unix socket is gone.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("is_behind", [False, True], ids=["in step", "behind"])
def test_stateful_scenarios_005_parallel_refresh_across_failover(watched, clock, is_behind):
    """Whatever the one that takes over had not heard of: one successor is live, and the session lives with it."""
    place, server = watched
    visitor = Visitor(place)
    visitor.take(remember=True)
    first = visitor.held["refresh_token"]
    said = json.dumps({"refresh_token": first}).encode()
    request = ("POST", "/auth/refresh", [("content-type", "application/json")], said)
    with standby_of(server, is_behind=is_behind) as standby:
        answers = place.ask_all([request] * 20, meanwhile=standby.take_over)
        clock.advance(seconds=1)
        after = visitor.refresh(first)
        live = visitor.held["refresh_token"]
        lost = {json.loads(answer.body)["refresh_token"] for answer in answers if answer.status == 200} - {live}

        assert {answer.status for answer in answers} <= {200, 503}
        assert (1 if is_behind and server else 0) == len(lost)
        assert (200, 200) == (after, visitor.refresh())
        assert {401} >= {Visitor(place).refresh(token) for token in lost}
        assert (200, 200) == (visitor.refresh(), visitor.use())
        assert 1 == len(place.auth.sessions.list("alice"))


def test_stateful_scenarios_007_response_lost_client_retries_within_grace(visitor):
    visitor.take(remember=True)
    first = visitor.held["refresh_token"]
    visitor.refresh(first)
    lost = visitor.held["refresh_token"]

    assert 200 == visitor.refresh(first)
    assert lost == visitor.held["refresh_token"]
    assert 200 == visitor.refresh()


def test_stateful_scenarios_009_transaction_failure_does_not_burn_token(watched, clock):
    """A server that takes no writes; where there is none, a directory that fails before anything is written."""
    place, server = watched
    visitor = Visitor(place)
    visitor.take(remember=True)
    first = visitor.held["refresh_token"]

    failed = while_nothing_is_written(place, server, visitor.refresh)
    clock.advance(seconds=PAST_THE_GRACE)

    assert 503 == failed
    assert (200, 200) == (visitor.refresh(first), visitor.use())


def while_nothing_is_written(place, server, ask):
    """Ask while the store can't write, or the directory can't be asked."""
    if server is None:
        accounts, place.folk.accounts = place.folk.accounts, None
        status = ask()
        place.folk.accounts = accounts
        return status
    server.say("CONFIG", "SET", "min-replicas-to-write", "1")
    status = ask()
    server.say("CONFIG", "SET", "min-replicas-to-write", "0")
    return status


def test_stateful_scenarios_011_absolute_lifetime(workers, clock):
    """However often it is extended."""
    ends = 86_400
    lives = {f"{name}lifetime_seconds": ends for name in ("short_absolute_", "idle_", "absolute_")}
    visitor = Visitor(workers(sessions=lives))
    visitor.take(remember=True)

    statuses = []
    for _ in range(24):
        clock.advance(seconds=3600)
        statuses.append(visitor.refresh())

    assert [200] * 23 + [401] == statuses
    assert 401 == visitor.use()


def test_stateful_scenarios_013_logout_kills_access_and_refresh(visitor):
    visitor.take(remember=True)

    assert 204 == visitor.ask("POST", "/auth/logout", bearer=visitor.held["access_token"])
    assert (401, 401) == (visitor.use(), visitor.refresh())


def test_stateful_scenarios_015_logout_with_expired_access_token_still_kills_family(visitor, clock):
    visitor.take(remember=True)
    token = visitor.held["refresh_token"]
    clock.advance(seconds=900 + PAST_THE_GRACE)

    out = visitor.ask("POST", "/auth/logout", said={"refresh_token": token}, bearer=visitor.held["access_token"])

    assert (204, 401) == (out, visitor.refresh())


def test_stateful_scenarios_019_revoke_all_and_new_login_in_the_same_second(visitor, clock):
    clock.advance(seconds=0.2)
    visitor.take(remember=True)
    before = visitor.held
    clock.advance(seconds=0.3)
    out = visitor.ask("POST", "/auth/logout-everywhere", bearer=before["access_token"])
    clock.advance(seconds=0.2)
    again = visitor.take(remember=True)

    assert (204, 200) == (out, again)
    assert (401, 401) == (visitor.use(before["access_token"]), Visitor(visitor.place).refresh(before["refresh_token"]))
    assert (200, 200) == (visitor.use(), visitor.refresh())


def test_stateful_scenarios_021_session_fixation(visitor):
    """What was there before the sign-in is worth nothing afterwards, and is replaced."""
    visitor.jar = {ACCESS: "planted", REFRESH: "planted"}
    visitor.sign_in(remember=True)
    first = dict(visitor.jar)
    visitor.sign_in(remember=True)

    assert "planted" not in first.values()
    assert first[ACCESS] != visitor.jar[ACCESS]
    assert first[REFRESH] != visitor.jar[REFRESH]
    assert 2 == names(visitor.place).count(SignedIn.__name__)
    visitor.jar = {ACCESS: "planted", REFRESH: "planted"}
    assert (401, 401) == (visitor.ask("GET", "/me"), visitor.ask("POST", "/auth/refresh"))


def test_stateful_scenarios_023_disabled_user(anywhere, visitor):
    visitor.take(remember=True)
    del anywhere.folk.accounts["alice"]

    assert 401 == visitor.refresh()
    assert 401 == visitor.use()


def test_stateful_scenarios_041_login_rate_limit_and_lockout_bypass(workers):
    """No spoofed address resets it, no other user suffers, the right password is no way around."""
    visitor = Visitor(workers(login={}))
    wrong = [visitor.take("alice", "wrong") for _ in range(6)]
    waited = visitor.seen.values("retry-after")
    spoofed = visitor.ask(
        "POST",
        "/auth/login",
        said={"username": "alice", "password": "wonder"},
        headers=[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")],
    )

    assert [401] * 5 + [429] == wrong
    assert int(waited[0]) > 0
    assert (429, 200) == (spoofed, visitor.take("bob", "builder"))


def test_stateful_scenarios_049_tenant_isolation(workers):
    """The same name in two tenants is two people: everything is named with its issuer."""
    one, other = Visitor(workers()), Visitor(workers(issuer="https://other.example"))
    one.take(remember=True)
    other.take(remember=True)

    out = one.ask("POST", "/auth/logout-everywhere", bearer=one.held["access_token"])

    assert 204 == out
    assert (401, 401) == (one.use(), one.refresh())
    assert (200, 200) == (other.use(), other.refresh())


def test_stateful_scenarios_051_refresh_responses_not_cacheable(visitor):
    visitor.take(remember=True)
    kept = [visitor.seen.values("cache-control")]
    visitor.refresh()
    kept.append(visitor.seen.values("cache-control"))

    assert [("no-store",)] * 2 == kept
