"""List active sessions, and end them."""

import pytest

from login_stack import ACCESS, HOME, SECRETS
from safeconduct import RequestOrigin
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct._core.tagged_token import text_of
from safeconduct.errors import BadSignature, NotFound, NotRenewable, RevokedToken
from safeconduct.events import SessionEnded, SubjectSignedOut
from safeconduct.principal import Principal


def listed(stack, **options):
    return stack.run(stack.session_verbs.list("alice", **options))


def test_the_owner_sees_their_sessions(stack, clock):
    phone = stack.sign_in(origin=RequestOrigin(device="phone", network=HOME))
    clock.advance(seconds=60)
    laptop = stack.sign_in(remember=False, origin=RequestOrigin(device="desk"))
    stack.sign_in("bob")

    last, first = listed(stack, current=laptop.session_id)

    assert (phone.session_id, "phone", HOME) == (first.session_id, first.device, first.network)
    assert (laptop.session_id, "desk", "") == (last.session_id, last.device, last.network)
    assert (True, False) == (first.is_remembered, last.is_remembered)
    assert (False, True) == (first.is_current, last.is_current)
    assert (phone.issued_at, phone.refresh_token.expires_at) == (first.created_at, first.expires_at)
    assert laptop.expires_at + 10 == last.expires_at
    assert ("explicit", "explicit") == (first.level, last.level)


def test_a_use_is_noted(stack, clock):
    tokens = stack.sign_in()
    clock.advance(seconds=100)

    stack.run(stack.session_verbs.touch(stack.principal(tokens)))

    assert tokens.issued_at + 100 <= listed(stack)[0].last_used_at


def test_an_ended_session_is_of_no_use(stack):
    tokens = stack.sign_in()
    stack.run(stack.session_verbs.end(tokens.session_id))

    with pytest.raises(RevokedToken):
        stack.run(stack.session_verbs.touch(stack.principal(tokens)))


def test_one_session_ends_another_of_the_same_person(stack):
    here, there = stack.sign_in(), stack.sign_in()

    stack.run(stack.session_verbs.end(there.session_id, subject="alice"))

    assert stack.use(here)
    with pytest.raises(RevokedToken):
        stack.use(there)
    with pytest.raises(RevokedToken):
        stack.refresh(there)
    assert SessionEnded(subject="alice", session_id=there.session_id, reason="ended") == stack.events[-1]


@pytest.mark.parametrize(
    "named",
    [
        lambda _: "",
        lambda _: "x",
        lambda instance: text_of(b"\0\7" + instance + b"x" * 8),
        lambda instance: text_of(b"\0\0" + instance + b"x" * 8),
    ],
    ids=["empty", "short", "no such shard", "no such session"],
)
def test_what_is_no_session_is_not_found(build, open_stores, named):
    stores = open_stores("memory")
    stack = build(stores)

    with pytest.raises(NotFound):
        stack.run(stack.session_verbs.end(named(stores.instance)))


def test_the_session_of_another_person_is_not_found(stack):
    """The error does not reveal whether it exists."""
    theirs = stack.sign_in("bob")

    with pytest.raises(NotFound):
        stack.run(stack.session_verbs.end(theirs.session_id, subject="alice"))
    assert stack.use(theirs)


def test_signing_out_twice_is_harmless(stack):
    tokens = stack.sign_in()
    for _ in range(2):
        stack.run(stack.session_verbs.sign_out(stack.principal(tokens)))

    ended = [event for event in stack.events if isinstance(event, SessionEnded)]
    assert [SessionEnded(subject="alice", session_id=tokens.session_id, reason="signed_out")] == ended


def test_a_refresh_token_that_was_rotated_away_still_signs_out(stack):
    tokens = stack.sign_in()
    stack.refresh(stack.refresh(tokens))

    stack.run(stack.session_verbs.sign_out_with(tokens.refresh_token.value))

    assert () == listed(stack)
    with pytest.raises(RevokedToken):
        stack.run(stack.session_verbs.sign_out_with(tokens.refresh_token.value))


def test_a_forged_refresh_token_signs_nobody_out(stack):
    """Knowing a session's id is not enough."""
    tokens = stack.sign_in()
    text = tokens.refresh_token.value

    with pytest.raises(BadSignature):
        stack.run(stack.session_verbs.sign_out_with(text[:-1] + ("A" if text[-1] != "A" else "B")))
    assert stack.use(tokens)


def test_a_refresh_token_of_a_removed_shard_signs_nobody_out(build):
    stack, token = build(), ParsedRefreshToken.first(b"\0\7" + bytes(16), b"s" * 32, SECRETS)

    with pytest.raises(RevokedToken):
        stack.run(stack.session_verbs.sign_out_with(token.to_text(SECRETS)))


def test_where_there_is_no_session_nothing_is_signed_out(build):
    stack = build()
    foreign = Principal(subject="alice", issuer="https://idp.example", scheme="bearer", expires_at=0)

    assert stack.run(stack.session_verbs.sign_out(foreign)) is None
    with pytest.raises(NotRenewable):
        stack.run(stack.session_verbs.touch(foreign))


def test_signing_out_everywhere_ends_all_of_one_person(stack, clock):
    mine = [stack.sign_in() for _ in range(3)]
    theirs = stack.sign_in("bob")
    clock.advance(seconds=ACCESS / 2 + 1)

    stack.run(stack.session_verbs.sign_out_everywhere("alice"))

    assert () == listed(stack)
    assert SubjectSignedOut(subject="alice") == stack.events[-1]
    for tokens in mine:
        for verb in (stack.use, stack.refresh, stack.renew):
            with pytest.raises(RevokedToken):
                verb(tokens)
    assert stack.use(theirs)
