"""The list of sessions, and their ends."""

import pytest

from login_scene import ACCESS, HOME, SECRETS, RequestOrigin
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken, text_of
from safeconduct.errors import BadSignature, NotFound, NotRenewable, RevokedToken
from safeconduct.events import SessionEnded, SubjectSignedOut
from safeconduct.principal import Principal


def listed(house, **options):
    return house.run(house.open_sessions.list("alice", **options))


def test_the_owner_sees_his_sessions(house, clock):
    phone = house.sign_in(origin=RequestOrigin(device="phone", network=HOME))
    clock.advance(seconds=60)
    opaque_lookup = house.sign_in(remember=False, origin=RequestOrigin(device="desk"))
    house.sign_in("bob")

    last, first = listed(house, current=opaque_lookup.session_id)

    assert (phone.session_id, "phone", HOME) == (first.session_id, first.device, first.network)
    assert (opaque_lookup.session_id, "desk", "") == (last.session_id, last.device, last.network)
    assert (True, False) == (first.is_remembered, last.is_remembered)
    assert (False, True) == (first.is_current, last.is_current)
    assert (phone.issued_at, phone.refresh_token.expires_at) == (first.created_at, first.expires_at)
    assert opaque_lookup.expires_at + 10 == last.expires_at
    assert ("explicit", "explicit") == (first.level, last.level)


def test_a_use_is_noted(house, clock):
    tokens = house.sign_in()
    clock.advance(seconds=100)

    house.run(house.open_sessions.touch(house.principal(tokens)))

    assert tokens.issued_at + 100 <= listed(house)[0].last_used_at


def test_an_ended_session_is_of_no_use(house):
    tokens = house.sign_in()
    house.run(house.open_sessions.end(tokens.session_id))

    with pytest.raises(RevokedToken):
        house.run(house.open_sessions.touch(house.principal(tokens)))


def test_one_session_ends_another_of_the_same_person(house):
    here, there = house.sign_in(), house.sign_in()

    house.run(house.open_sessions.end(there.session_id, subject="alice"))

    assert house.use(here)
    with pytest.raises(RevokedToken):
        house.use(there)
    with pytest.raises(RevokedToken):
        house.refresh(there)
    assert SessionEnded(subject="alice", session_id=there.session_id, reason="ended") == house.events[-1]


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
    house = build(stores)

    with pytest.raises(NotFound):
        house.run(house.open_sessions.end(named(stores.instance)))


def test_the_session_of_another_person_is_not_found(house):
    """Whether it exists is not told either."""
    theirs = house.sign_in("bob")

    with pytest.raises(NotFound):
        house.run(house.open_sessions.end(theirs.session_id, subject="alice"))
    assert house.use(theirs)


def test_signing_out_twice_is_harmless(house):
    tokens = house.sign_in()
    for _ in range(2):
        house.run(house.open_sessions.sign_out(house.principal(tokens)))

    ended = [event for event in house.events if isinstance(event, SessionEnded)]
    assert [SessionEnded(subject="alice", session_id=tokens.session_id, reason="signed_out")] == ended


def test_a_refresh_token_that_was_rotated_away_still_signs_out(house):
    tokens = house.sign_in()
    house.refresh(house.refresh(tokens))

    house.run(house.open_sessions.sign_out_with(tokens.refresh_token.value))

    assert () == listed(house)
    with pytest.raises(RevokedToken):
        house.run(house.open_sessions.sign_out_with(tokens.refresh_token.value))


def test_a_forged_refresh_token_signs_nobody_out(house):
    """Knowing a session's id gives nothing."""
    tokens = house.sign_in()
    text = tokens.refresh_token.value

    with pytest.raises(BadSignature):
        house.run(house.open_sessions.sign_out_with(text[:-1] + ("A" if text[-1] != "A" else "B")))
    assert house.use(tokens)


def test_a_refresh_token_of_a_shard_that_is_gone_signs_nobody_out(build):
    house, token = build(), ParsedRefreshToken.first(b"\0\7" + bytes(16), b"s" * 32, SECRETS)

    with pytest.raises(RevokedToken):
        house.run(house.open_sessions.sign_out_with(token.to_text(SECRETS)))


def test_where_there_is_no_session_nothing_is_signed_out(build):
    house = build()
    stranger = Principal(subject="alice", issuer="https://idp.example", scheme="bearer", expires_at=0)

    assert house.run(house.open_sessions.sign_out(stranger)) is None
    with pytest.raises(NotRenewable):
        house.run(house.open_sessions.touch(stranger))


def test_signing_out_everywhere_ends_all_of_one_person(house, clock):
    mine = [house.sign_in() for _ in range(3)]
    theirs = house.sign_in("bob")
    clock.advance(seconds=ACCESS / 2 + 1)

    house.run(house.open_sessions.sign_out_everywhere("alice"))

    assert () == listed(house)
    assert SubjectSignedOut(subject="alice") == house.events[-1]
    for tokens in mine:
        for verb in (house.use, house.refresh, house.renew):
            with pytest.raises(RevokedToken):
                verb(tokens)
    assert house.use(theirs)
