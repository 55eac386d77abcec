"""What becomes of an API key from its creation to its end, over every store and in both worlds."""

import pytest

from api_key_site import ROLES, SCOPES
from safeconduct import Account
from safeconduct.errors import InsufficientRights, InvalidToken, NotFound
from safeconduct.events import ApiKeyCreated, Revoked

DAY = 86_400
#: Longer than any cut-off is kept.
LONG = 900 * DAY


def test_a_key_authenticates_its_owner(any_site, clock):
    key = any_site.create(expires_in_seconds=DAY)

    assert 200 == any_site.get(key)
    who = any_site.identity(key)
    assert ("alice", "https://issuer.example", "api_key", "remembered") == (
        who.subject, who.issuer, who.scheme, who.level
    )  # fmt: skip
    assert (frozenset(SCOPES), frozenset(ROLES), "Alice", "alice") == (
        who.scopes, who.roles, who.display_name, who.remote_user
    )  # fmt: skip
    assert (key.key_id, None, None, int(clock()) + DAY) == (
        who.token_id, who.session_id, who.auth_time, who.expires_at
    )  # fmt: skip
    assert [200, 200, 401] == [any_site.get(key, target) for target in ("/read", "/admin", "/recent")]


def test_a_key_has_no_right_that_was_not_named(any_site):
    key = any_site.create(scopes=[], roles=[])

    assert [200, 403, 403] == [any_site.get(key, target) for target in ("/me", "/read", "/admin")]


def test_the_key_is_shown_once(any_site):
    """Neither its repr nor the list, nor any event, has the secret."""
    key = any_site.create(expires_in_seconds=DAY)
    any_site.get(key)

    [listed] = any_site.auth.api_keys.list("alice")

    assert key.key not in repr(key)
    assert key.key[20:63] not in repr((listed, any_site.events))
    assert not hasattr(listed, "key")
    assert (key.key_id, "ci", frozenset(SCOPES), frozenset(ROLES), key.created_at, key.created_at + DAY) == (
        listed.key_id, listed.name, listed.scopes, listed.roles, listed.created_at, listed.expires_at
    )  # fmt: skip
    assert ApiKeyCreated(subject="alice", key_id=key.key_id) in any_site.events


def test_keys_are_listed_by_their_owner_the_newest_first(any_site, clock):
    first = any_site.create(name="first")
    clock.advance(seconds=1)
    second = any_site.create(name="second")
    other = any_site.create("bob")

    assert [second.key_id, first.key_id] == [each.key_id for each in any_site.auth.api_keys.list("alice")]
    assert [other.key_id] == [each.key_id for each in any_site.auth.api_keys.list("bob")]
    assert () == any_site.auth.api_keys.list("carol")


def test_the_last_use_is_noted_at_most_once_a_minute(any_site, clock):
    key, start = any_site.create(), int(clock())
    uses = [any_site.auth.api_keys.list("alice")[0].last_used_at]

    for seconds in (0, 59, 1, 60):
        clock.advance(seconds=seconds)
        assert 200 == any_site.get(key)
        uses.append(any_site.auth.api_keys.list("alice")[0].last_used_at)

    assert [None, start, start, start + 60, start + 120] == uses


def test_another_secret_under_a_known_id_is_refused_and_no_use(any_site):
    """The checksum is right: anyone can compute it."""
    key, other = any_site.create(), any_site.create()
    body = key.key[:20] + other.key[20:63]
    forged = body + checksum(body)

    assert 401 == any_site.get(forged)
    assert "BadSignature" == any_site.refused()
    assert [None, None] == [each.last_used_at for each in any_site.auth.api_keys.list("alice")]
    assert 200 == any_site.get(key)


def checksum(body):
    from safeconduct._core.api_keys import wire_form  # noqa: PLC0415 - the one place that writes it

    return wire_form._checksum(body)


def test_a_revoked_key_ends_in_every_worker(workers):
    first, second = workers(), workers()
    key, other = first.create(), first.create()
    assert [200, 200] == [first.get(key), second.get(key)]

    receipt = second.auth.api_keys.revoke("alice", key.key_id)

    assert ((0,), ()) == (receipt.shards, receipt.missed)
    assert Revoked(kind="token", shards=1, replicas=0) in second.events
    assert [401, 401] == [first.get(key), second.get(key)]
    assert 200 == first.get(other)
    assert [other.key_id] == [each.key_id for each in first.auth.api_keys.list("alice")]
    assert first.auth.api_keys.revoke("alice", key.key_id)


def test_a_key_of_another_user_is_not_revoked(any_site):
    key = any_site.create()

    for subject, key_id in (("bob", key.key_id), ("alice", "0" * 16), ("alice", "?"), ("alice", key.key)):
        with pytest.raises(NotFound):
            any_site.auth.api_keys.revoke(subject, key_id)
    assert 200 == any_site.get(key)


@pytest.mark.parametrize("known", [True, False], ids=["used", "unused"])
def test_what_revokes_a_subject_ends_their_keys_for_ever(any_site, clock, known):
    """The record ends in the same command: it outlives the cut-off."""
    lasting = {"expires_in_seconds": LONG + DAY}
    keys, other = [any_site.create(**lasting), any_site.create(**lasting)], any_site.create("bob", **lasting)
    assert not known or [200, 200] == [any_site.get(key) for key in keys]

    any_site.auth.sessions.revoke_subject("alice")

    assert [401, 401, 200] == [any_site.get(key) for key in (*keys, other)]
    assert () == any_site.auth.api_keys.list("alice")
    clock.advance(seconds=LONG)
    prune(any_site)
    assert [401, 401, 200] == [any_site.get(key) for key in (*keys, other)]
    assert 200 == any_site.get(any_site.create())


@pytest.mark.parametrize("known", [True, False], ids=["used", "unused"])
def test_what_revokes_everything_ends_all_keys_for_ever(any_site, clock, known):
    lasting = {"expires_in_seconds": LONG + DAY}
    keys = [any_site.create(**lasting), any_site.create("bob", **lasting)]
    assert not known or [200, 200] == [any_site.get(key) for key in keys]

    any_site.auth.sessions.revoke_everything()

    assert [401, 401] == [any_site.get(key) for key in keys]
    assert ((), ()) == (any_site.auth.api_keys.list("alice"), any_site.auth.api_keys.list("bob"))
    later = any_site.create(**lasting)
    assert 200 == any_site.get(later)
    clock.advance(seconds=LONG)
    prune(any_site)
    assert [401, 401, 200] == [any_site.get(key) for key in (*keys, later)]


def prune(site):
    """Let the store forget what has expired."""
    for _ in range(2):
        site.auth.sessions.revoke_token("some token", subject="alice")


def test_a_key_that_is_revoked_as_a_token_ends_for_ever(any_site, clock):
    """Its id is the ``token_id`` of its principals, and the mark expires long before the key."""
    key = any_site.create()
    assert 200 == any_site.get(key)

    any_site.auth.sessions.revoke_token(any_site.identity(key).token_id)

    assert 401 == any_site.get(key)
    clock.advance(seconds=30 * DAY)
    prune(any_site)
    assert 401 == any_site.get(key)


def test_a_sign_out_everywhere_leaves_the_keys(any_site):
    key = any_site.create()
    assert 200 == any_site.get(key)

    any_site.auth.sessions.sign_out_everywhere("alice")

    assert 200 == any_site.get(key)


@pytest.mark.parametrize("known", [True, False], ids=["used", "unused"])
def test_a_key_expires(any_site, clock, known):
    key = any_site.create(expires_in_seconds=DAY)
    assert not known or 200 == any_site.get(key)

    clock.advance(seconds=DAY - 1)
    assert not known or 200 == any_site.get(key)
    clock.advance(seconds=1)

    assert 401 == any_site.get(key)
    assert "ExpiredToken" == any_site.refused()
    with pytest.raises(InvalidToken):
        any_site.identity(key)
    assert () == any_site.auth.api_keys.list("alice")


def test_a_key_of_another_issuer_is_unknown(workers):
    """Two applications may share a store, and have users of the same name."""
    first, second = workers(), workers(issuer="https://other.example", audience="https://other.example")
    key, other = first.create(), second.create()

    assert [200, 401, 401, 200] == [site.get(each) for site in (first, second) for each in (key, other)]
    second.auth.sessions.revoke_everything()
    second.auth.sessions.revoke_subject("alice")
    assert 200 == first.get(key)


def test_a_key_is_only_made_for_a_user_who_has_what_it_names(any_site, directory):
    directory.accounts["eve"] = Account("eve", scopes=["read"], disabled=True)

    for subject, fields in (("carol", {}), ("eve", {"scopes": ["read"]})):
        with pytest.raises(NotFound):
            any_site.create(subject, **fields)
    for fields in ({"scopes": ["read", "delete"]}, {"roles": ["root"]}):
        with pytest.raises(InsufficientRights):
            any_site.create(**fields)
    assert () == any_site.auth.api_keys.list("alice")
