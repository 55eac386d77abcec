"""A service acts for the user of the request, with a token that was exchanged for the user's own."""

from contextvars import ContextVar

import pytest

from safeconduct import ConfigurationError
from safeconduct.service import Options, TokenExchange, TokenRequestRefused
from safeconduct.service import grants as grants_module
from token_server import CannedResponse, token_answer

SECRET = "k3Jf8sLq0vXz7Rt2Wm5Yp9Ab4Cd6Ef1G-x"
USER_TOKEN = ContextVar("user_token", default="alice.token")


@pytest.fixture
def exchange(server, clock):
    """Return the auth of the service *front*, which exchanges the token of the context."""
    server.tokens = lambda number, asked: token_answer(f"{number}:{asked.form['subject_token']}".replace(":", "-"))
    return TokenExchange(
        "front", SECRET, subject_token=USER_TOKEN.get, token_url=server.token_url, audience="https://billing.example",
        scopes=["invoice:pay"], options=Options(clock=clock),
    )  # fmt: skip


def test_the_token_of_the_request_is_exchanged(server, caller, exchange):
    """By the form of RFC 8693 §2.1."""
    caller.call("GET", f"{server.origin}/api", auth=exchange)

    assert {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "alice.token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": "https://billing.example",
        "scope": "invoice:pay",
    } == server.token_requests[0].form
    assert "1-alice.token" == server.asked_for("/api")[0].token


def test_each_user_has_a_token_of_their_own(server, caller, exchange):
    """By context or by ``on_behalf_of``; what was exchanged once is used again."""
    for token in ("alice.token", "bob.token", "alice.token"):
        USER_TOKEN.set(token)
        caller.call("GET", f"{server.origin}/api", auth=exchange)
    caller.call("GET", f"{server.origin}/api", auth=exchange.on_behalf_of("bob.token"))

    sent = [asked.token for asked in server.asked_for("/api")]
    assert ["1-alice.token", "2-bob.token", "1-alice.token", "2-bob.token"] == sent


def test_the_cache_of_users_is_bounded(server, caller, exchange, monkeypatch):
    """The user who was not there for the longest time is exchanged anew."""
    monkeypatch.setattr(grants_module, "_MOST_SUBJECTS", 2)

    for token in ("a", "b", "a", "c", "a", "b"):
        caller.call("GET", f"{server.origin}/api", auth=exchange.on_behalf_of(token))

    assert ["1-a", "2-b", "1-a", "3-c", "1-a", "4-b"] == [asked.token for asked in server.asked_for("/api")]


def test_a_refused_exchange_is_an_error_that_does_not_repeat_the_token(server, caller, exchange):
    server.tokens = lambda *_: CannedResponse(
        400, {"error": "invalid_grant", "error_description": "alice.token has expired"}
    )

    with pytest.raises(TokenRequestRefused) as caught:
        caller.call("GET", f"{server.origin}/api", auth=exchange)

    assert ("invalid_grant", None) == (caught.value.error, caught.value.description)
    assert [] == server.asked_for("/api")


def test_without_a_user_nothing_is_sent(server, caller):
    exchange = TokenExchange("front", SECRET, token_url=server.token_url)

    with pytest.raises(ConfigurationError, match="on_behalf_of"):
        caller.call("GET", server.origin, auth=exchange)

    assert [] == server.asked


def test_nothing_secret_is_shown(server, exchange):
    bound = exchange.on_behalf_of("alice.token")

    shown = repr(exchange) + repr(vars(exchange)) + repr(bound) + repr(vars(bound))

    assert f"TokenExchange('front', '{server.token_url}')" == repr(exchange)
    assert SECRET not in shown
    assert "alice.token" not in shown


def test_b23_a_forked_child_has_a_lock_of_its_own(exchange):
    exchange._exchanged._lock.acquire()

    exchange._exchanged.drop_inherited()

    assert exchange._exchanged.tokens_of("a") is exchange._exchanged.tokens_of("a")
