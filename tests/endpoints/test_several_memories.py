"""What two processes with ``memory://`` know of each other, and a process of what was before its restart: nothing."""

import pytest

from api_key_site import SOURCES
from issued_tokens import TOKENS, in_world, issue
from login_site import LoginClient


@pytest.fixture
def processes(make, format_of_tokens):
    """Two sites with one key and a memory each."""
    return tuple(make(sources=SOURCES, tokens={**TOKENS, "format": format_of_tokens}) for _ in range(2))


def test_a_session_is_known_to_one_of_them(processes):
    """Whether it has ended, the other one cannot say; it answers nothing about it, and ends nothing."""
    first, second = processes
    client = LoginClient(first)
    client.get_tokens(remember=True)
    there = LoginClient(second)
    there.tokens = client.tokens

    assert (200, 503, 503) == (client.use(), there.use(), there.refresh())
    sign_out = second.request("POST", "/auth/logout", [("authorization", f"Bearer {client.tokens['access_token']}")])

    assert 503 == sign_out.status
    assert 200 == client.use()


def test_a_token_without_a_session_that_one_has_revoked_passes_at_the_other(make):
    """Only the memory of the first one has the revocation."""
    first, second = (make(tokens=TOKENS) for _ in range(2))
    token = issue(first, subject="alice")

    in_world(first, first.auth.async_sessions.revoke_subject, first.auth.sessions.revoke_subject, "alice")

    assert (401, 200) == tuple(LoginClient(site).use(token) for site in (first, second))


def test_an_api_key_is_unknown_to_the_other(processes):
    first, second = processes
    key = in_world(first, first.auth.async_api_keys.create, first.auth.api_keys.create, "alice", name="ci").key

    assert (200, 401) == tuple(LoginClient(site).use(key) for site in (first, second))


def test_each_counts_failed_sign_ins_for_itself(make):
    limits = {"failures_per_account_and_network": 1}
    first, second = (LoginClient(make(login=limits)) for _ in range(2))
    assert 401 == first.get_tokens(password="wrong")

    assert (429, 200) == (first.get_tokens(), second.get_tokens())
