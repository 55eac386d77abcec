"""Properties of the session store on a server alone: lost data, and replies of another shape."""

import pytest

from login_stack import LEEWAY_MS
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.events import SessionEnded, StoreLost
from safeconduct.stores import scripts
from safeconduct.stores.redis import session_hash, shard_calls
from safeconduct.stores.redis.calls import CallResult
from safeconduct.testing.store_contract.session_commands import opening, ref_of, rotation, session_revocation_key
from store_servers import KINDS


@pytest.fixture(params=KINDS)
def server(request, servers):
    return servers(request.param)


@pytest.fixture
def stores(server, open_stores):
    return open_stores(server.kind)


@pytest.fixture
def stack(build, stores):
    return build(stores)


META = "safeconduct:{sc:00}:meta"


def test_a_new_store_begins_with_the_first_sign_in(stack):
    assert stack.use(stack.sign_in())


def test_a_store_that_lost_everything_is_reported_and_its_sessions_are_over(stack, server):
    tokens = stack.sign_in()
    server.say("FLUSHALL")

    with pytest.raises(Unavailable):
        stack.refresh(tokens)
    assert StoreLost(shard=0, witness="empty") in stack.events
    with pytest.raises(RevokedToken):
        stack.refresh(tokens)
    assert stack.use(stack.sign_in())


@pytest.mark.parametrize("verb", ["refresh", "list"])
def test_sessions_of_an_old_copy_have_ended(stack, server, clock, verb):
    """Later revocations may be lost, so nothing counts by the remaining data."""
    tokens = stack.sign_in()
    clock.advance(seconds=1)
    server.say("HDEL", META, "epoch")
    with pytest.raises(Unavailable):
        stack.refresh(tokens)

    if verb == "refresh":
        with pytest.raises(RevokedToken):
            stack.refresh(tokens)
    else:
        assert () == stack.run(stack.session_verbs.list("alice"))


def test_b5_sessions_out_of_an_old_copy_evict_no_other_session(build, stores, server, clock):
    """They end, whatever long-term credential they had."""
    stack = build(stores, max_per_subject=2)
    stack.sign_in()
    stack.sign_in()
    clock.advance(seconds=1)
    server.say("HDEL", META, "epoch")
    with pytest.raises(Unavailable):
        stack.sign_in(remember=False)

    first, second = stack.sign_in(remember=False), stack.sign_in(remember=False)

    assert stack.use(first)
    assert stack.use(second)
    assert [] == [event for event in stack.events if isinstance(event, SessionEnded)]


def test_nothing_is_written_where_there_is_no_epoch(stack, stores, server):
    """Every reply reports the missing epoch, and the caller decides."""
    port, ref = stores.blocking().sessions, ref_of(stores.blocking().sessions)
    commands = [
        port.open(ref, opening()),
        port.read(ref),
        port.rotate(ref, rotation(0)),
        port.touch(ref, every_ms=0),
        port.end(ref, lives_ms=1),
        port.end_all(ref, lives_ms=1),
        port.sessions_of(ref, session_revocation_key),
    ]

    fields = [stack.run(command).epoch for command in commands]

    assert [None] * 7 == fields
    assert ":0" in server.say("DBSIZE")


def test_an_expired_session_leaves_nothing_behind(stack, server):
    """Each of its keys expires no later than its last revocation."""
    tokens = stack.sign_in()
    keys = [f"safeconduct:{{sc:00}}:ses:{tokens.session_id}", *_own_keys(server)]

    lives = [int(server.say("PTTL", key).strip(":\r\n")) for key in keys]

    assert 2 == len(lives)
    assert all(0 < life <= 14 * 86_400_000 + LEEWAY_MS + 61_000 for life in lives)


def test_nobody_is_indexed_after_signing_out_everywhere(stack, server):
    stack.sign_in()

    stack.run(stack.session_verbs.sign_out_everywhere("alice"))

    assert [] == _own_keys(server)


def _own_keys(server):
    return [line for line in server.say("KEYS", "*:own:*").splitlines() if ":own:" in line]


def test_a_server_without_memory_ends_nothing_by_halves(stack, server):
    """A refused command has no effect (attack 116)."""
    tokens = stack.sign_in()
    server.say("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(Unavailable):
            stack.refresh(tokens)
        with pytest.raises(Unavailable):
            stack.run(stack.session_verbs.sign_out(stack.principal(tokens)))
    finally:
        server.say("CONFIG", "SET", "maxmemory", "0")

    assert stack.refresh(tokens)


@pytest.mark.parametrize(
    "words",
    [("HSET", "proof", "almighty"), ("HSET", "transport", "pigeon"), ("HSET", "issued", "x"), ("HSET", "sub", b"\xff")],
    ids=str,
)
def test_a_record_of_another_shape_is_unavailable(stack, server, words):
    tokens = stack.sign_in()
    verb, name, value = words
    server.say(verb, f"safeconduct:{{sc:00}}:ses:{tokens.session_id}", name, value)

    with pytest.raises(Unavailable):
        stack.run(stack.session_verbs.refresh(tokens.refresh_token.value))


HEAD = [[b"epoch", b"line", b"0-0", b"", 0], 1, b"new", 1, 0, 1]


@pytest.mark.parametrize(
    "fields",
    [
        [*HEAD, 1, 0, [], 0],
        [*HEAD, b"gone", 0],
        [*HEAD, b"other", 0, [], 0],
        [*HEAD, b"gone", b"x", [], 0],
        [*HEAD, b"read", 0, [b"odd"], 0],
        [*HEAD, b"read", 0, 7, 0],
        [*HEAD, b"opened", 0, [], 0, 7],
        [*HEAD, b"opened", 0, [], 0, [7]],
    ],
    ids=str,
)
def test_a_reply_of_another_shape_is_unavailable(fields):
    """The fields after a valid head are checked too."""
    head = shard_calls.read_reply(CallResult(fields))

    with pytest.raises(Unavailable):
        session_hash.read_session_reply(head)


def test_a_head_of_another_shape_is_unavailable():
    with pytest.raises(Unavailable):
        shard_calls.read_reply(CallResult([1]))


@pytest.mark.parametrize("rest", [[], [7], [[7]], [[b"a"]], [[b"\xff", b"1"]], [[b"a", b"x"]]], ids=str)
def test_names_of_another_shape_are_unavailable(rest):
    with pytest.raises(Unavailable):
        session_hash.read_ends(rest)


def test_a_short_list_of_records_is_unavailable(stack, monkeypatch):
    stack.sign_in()
    monkeypatch.setattr(scripts, "SESSION_READ", scripts.ISSUE_TIME)

    with pytest.raises(Unavailable):
        stack.run(stack.session_verbs.list("alice"))
