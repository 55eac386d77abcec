"""Require keys where users can sign in, and publish only what may be published."""

import json

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth, ConfigurationError
from table_tokens import OWN_KEY, SECRETS_KEY, tokens
from token_factory import jwk_for

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("algorithm", ["HS256", "A256KW"])
def test_d12_keys_that_may_not_be_shown_make_an_empty_set(world, algorithm):
    """A client learns that there is no key to verify with, and not that it lacks a credential."""
    keys = {"keys": [jwk_for(algorithm), SECRETS_KEY]}
    auth = Auth(configuration(keys=keys), directory=MemoryDirectory(), clock=now)

    seen = ask_in(world, auth, target="/.well-known/jwks.json")

    assert (200, {"keys": []}) == (seen.status, json.loads(seen.body))
    assert ("application/jwk-set+json",) == tuple(seen.values("content-type"))


NO_SECRETS = {"keys": {"keys": [OWN_KEY]}, "sources": ["bearer"], "endpoints": {}}


@pytest.mark.parametrize(
    "fields",
    [
        NO_SECRETS,
        NO_SECRETS | {"endpoints": {"enabled": True}},
        NO_SECRETS | {"sources": ["basic"], "endpoints": {"enabled": False}},
        NO_SECRETS | {"sources": ["bearer", "basic"]},
        NO_SECRETS | {"store": "none", "sources": ["basic"]},
    ],
    ids=["left open", "switched on", "basic", "both", "without a store"],
)
def test_d8_a_directory_without_secrets_is_refused(fields):
    """Otherwise the endpoints would be missing, and a login would be 401."""
    with pytest.raises(ConfigurationError, match=r"no safeconduct-secrets key.*keys new --secrets"):
        Auth(configuration(**fields), directory=MemoryDirectory(), clock=now)


def test_d8_a_directory_without_keys_of_ours_is_refused():
    """Bearer tokens alone sign nobody in; Basic needs no keys."""
    fields = {"keys": None, "endpoints": {}}
    with pytest.raises(ConfigurationError, match=r"directory: got one, and nobody can sign in"):
        Auth(configuration(**fields, sources=["bearer"]), directory=MemoryDirectory(), clock=now)

    auth = Auth(
        configuration(**fields, sources=["bearer", "basic"]),
        directory=MemoryDirectory(alice="correct horse"),
        clock=now,
    )

    headers = [(name, value.encode()) for name, value in basic("alice", "correct horse")]
    assert 200 == ask_in("wsgi", auth, headers=headers).status


def test_a_configuration_without_sign_ins_needs_no_secrets():
    """An issuer without a directory needs no secrets either."""
    without_directory = Auth(configuration(**NO_SECRETS), clock=now)
    off = NO_SECRETS | {"endpoints": {"enabled": False}}
    without_endpoints = Auth(configuration(**off), directory=MemoryDirectory(), clock=now)

    for auth in (without_directory, without_endpoints):
        assert 200 == ask_in("wsgi", auth, headers=BEARER).status
