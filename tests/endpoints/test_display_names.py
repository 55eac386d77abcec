"""What the directory calls a user travels with him, and says nothing of who he is."""

import json
from base64 import b64encode, urlsafe_b64decode

import pytest

from minting import ISSUER, OWN_KEY, SECRETS_KEY
from safeconduct._core.directory import Account
from tokencraft import jwk_for
from visiting import LIMITS, Visitor

NAME = "Älice Example"
KW = {**jwk_for("A256KW", "e1"), "safeconduct_state": "active"}
FORMATS = {
    "jws": {"tokens": {"format": "jws"}},
    "jwe": {"tokens": {"format": "jwe"}, "keys": {"keys": [OWN_KEY, SECRETS_KEY, KW]}},
    "opaque": {"tokens": {"format": "opaque"}},
}


@pytest.fixture(params=[*FORMATS, "stateless"])
def named(request, make):
    """A place whose directory has a name for alice."""
    fields = {"store": "none"} if request.param == "stateless" else FORMATS[request.param]
    place = make(**fields)
    call_alice(place, NAME)
    return place


def call_alice(place, name, **more):
    place.folk.accounts["alice"] = Account("alice", roles=["user"], display_name=name, **more)


def called(visitor, **how):
    """Say what the caller is called, and by what he is known."""
    visitor.ask("GET", "/auth/session", **how)
    return visitor.answer["display_name"], visitor.answer["subject"]


def test_b8_a_name_is_in_every_token(named, clock):
    visitor = Visitor(named)
    visitor.take(remember=True)
    seen = [called(visitor, bearer=visitor.held["access_token"], with_jar=False)]
    visitor.refresh()
    seen.append(called(visitor, bearer=visitor.held["access_token"], with_jar=False))
    stepped = visitor.ask(
        "POST", "/auth/step-up", bearer=visitor.held["access_token"], said={"password": "wonder"}, with_jar=False
    )
    seen.append(called(visitor, bearer=visitor.answer["access_token"], with_jar=False))
    clock.advance(seconds=1)

    assert 200 == stepped
    assert [(NAME, "alice")] * 3 == seen


def test_b8_a_name_is_in_a_cookie_too(named):
    visitor = Visitor(named)
    visitor.sign_in()

    assert (NAME, "alice") == called(visitor)


def test_b8_the_application_is_told_the_name_and_the_subject(named):
    visitor = Visitor(named)
    visitor.take()

    visitor.use()

    said = visitor.seen.report
    if named.world == "asgi":
        assert (NAME, "alice") == (said["name"], said["who"])
    else:
        assert ("alice", "alice") == (said["name"], said["who"])


def test_b8_a_name_that_changed_is_told_from_the_next_token_on(make, clock):
    place = make()
    call_alice(place, NAME)
    visitor = Visitor(place)
    visitor.take(remember=True)
    call_alice(place, "Alice Other")

    visitor.refresh()
    refreshed = called(visitor, bearer=visitor.held["access_token"], with_jar=False)
    call_alice(place, None)
    clock.advance(seconds=451)
    assert 200 == visitor.ask("POST", "/auth/renew", bearer=visitor.held["access_token"], with_jar=False)
    renewed = called(visitor, bearer=visitor.answer["access_token"], with_jar=False)

    assert [("Alice Other", "alice"), ("alice", "alice")] == [refreshed, renewed]


def test_b8_without_a_name_a_user_is_called_by_his_subject(make):
    visitor = Visitor(make())
    visitor.take()

    assert ("alice", "alice") == called(visitor, bearer=visitor.held["access_token"], with_jar=False)


def test_b8_a_name_is_encrypted_where_tokens_are(make):
    place = make(**FORMATS["jwe"])
    call_alice(place, NAME)
    visitor = Visitor(place)
    visitor.take()

    head = visitor.held["access_token"].split(".")[0]

    assert "name" not in json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def test_b8_basic_is_called_by_the_name_too(make):
    place = make(sources=["basic"], login=LIMITS)
    call_alice(place, NAME)
    field = ("authorization", "Basic " + b64encode(b"alice:wonder").decode())

    said = Visitor(place)
    said.ask("GET", "/me", headers=[field])

    assert ("alice" if place.world == "wsgi" else NAME, "alice", ISSUER) == (
        said.seen.report["name"], said.seen.report["who"], ISSUER
    )  # fmt: skip


@pytest.mark.parametrize("name", [5, "", ["x"], None])
def test_b8_a_hooks_name_that_is_none_is_left_out(make, name):
    visitor = Visitor(make(add_claims=lambda _: {"name": name}))
    visitor.take()

    assert ("alice", "alice") == called(visitor, bearer=visitor.held["access_token"], with_jar=False)


def test_b8_the_directorys_name_counts_before_a_hooks(make):
    place = make(add_claims=lambda _: {"name": "Mallory"})
    call_alice(place, NAME)
    visitor = Visitor(place)
    visitor.take()

    assert NAME == called(visitor, bearer=visitor.held["access_token"], with_jar=False)[0]


def test_b8_a_hook_sees_the_name(make):
    seen = []
    place = make(add_claims=lambda principal: seen.append((principal.display_name, principal.remote_user)) or {})
    call_alice(place, NAME)
    Visitor(place).take()

    assert [(NAME, "alice")] == seen
