"""A connection that was opened with an API key ends with it, and with the rights of its owner."""

from dataclasses import replace

import pytest

from api_key_site import ACCESS, SOURCES, people
from open_connections import bearer, monitored_site, open_socket
from table_tokens import mint


@pytest.fixture
def site(clock):
    rules = {"rules": [*ACCESS["rules"], {"path": "/live", "scopes": ["read"]}]}
    site = monitored_site(clock=clock, sources=SOURCES, directory=people(), access=rules)
    yield site
    site.close()


def connect(site, **fields):
    key = site.auth.api_keys.create("alice", name="ci", scopes=["read"], **fields)
    return key, open_socket(site, bearer(key.key))


def test_a_connection_ends_when_its_key_is_revoked(site):
    key, connection = connect(site)
    _, other = connect(site)

    site.auth.api_keys.revoke("alice", key.key_id)

    assert 4401 == connection.code()
    assert "hello" == other.ask("hello")


def test_a_connection_ends_when_its_key_expires(site, clock):
    _, connection = connect(site, expires_in_seconds=100)
    clock.advance(seconds=99)
    assert "hello" == connection.ask("hello")

    clock.advance(seconds=1)

    assert 4401 == connection.code()


@pytest.mark.parametrize(("change", "code"), [({"disabled": True}, 4401), ({"scopes": []}, 4403)])
def test_a_connection_ends_when_its_owner_may_not_any_more(site, clock, change, code):
    _, connection = connect(site)
    clock.advance(seconds=1)
    assert "hello" == connection.ask("hello")
    site.directory.accounts["alice"] = replace(site.directory.accounts["alice"], **change)

    clock.advance(seconds=1)

    assert code == connection.code()


def test_a_connection_goes_on_while_the_key_counts(site, clock):
    key, connection = connect(site)

    for _ in range(5):
        asked = site.directory.lookups
        clock.advance(seconds=86_400)
        while site.directory.lookups == asked:
            assert "hello" == connection.ask("hello")

    assert "hello" == connection.ask("hello")
    token = mint(iat=int(clock()), iat_ms=int(clock()) * 1000, exp=int(clock()) + 60)
    assert "BindingMismatch" == connection.ask(f"extend {token}")
    assert "MalformedToken" == connection.ask(f"extend {key.key}")
