"""Answer refusals with ``error`` and ``message``, from the configuration alone (mission T4)."""

import asyncio
import json
from base64 import b64encode
from http import HTTPStatus

import pytest

from app_client import SentRequest, play, socket_scope
from app_reports import WORLDS, AsgiReport, ask_in
from auth_setups import FailingStore, configuration
from login_site import LoginClient
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.errors import Unavailable
from table_tokens import NOW, tokens

FORM = [("content-type", "application/x-www-form-urlencoded")]


@pytest.fixture
def seed(make):
    return LoginClient(make(problem_style="error_message", access={"rules": [{"path": "/pay", "scopes": ["pay"]}]}))


def _make_auth(*, store=None, problem_body=None, access=None, **fields):
    config = configuration(problem_style="error_message", access=access, **fields)
    people = MemoryDirectory(alice="wonder")
    return Auth(config, directory=people, clock=lambda: float(NOW), store=store, problem_body=problem_body)


def test_t4_a_request_without_a_credential_is_unauthorized(seed):
    """The body of seed 002, letter by letter."""
    assert 401 == seed.request("GET", "/me")

    assert {"error": "Unauthorized", "message": "This request needs a credential."} == seed.json
    assert ("application/json",) == seed.response.values("content-type")
    assert (str(len(seed.response.body)),) == seed.response.values("content-length")
    assert ("no-store",) == seed.response.values("cache-control")
    assert 1 == len(seed.response.values("www-authenticate"))


def test_t4_invalid_and_expired_are_unauthorized_alike(seed, clock):
    """Everything that can be wrong with a credential has one body."""
    seed.get_tokens()
    clock.advance(seconds=1000)
    bodies = {(seed.use(), seed.response.body), (seed.use("x.y.z"), seed.response.body)}

    [(status, body)] = bodies
    assert (401, "Unauthorized") == (status, json.loads(body)["error"])


@pytest.mark.parametrize(
    ("status", "method", "target", "how"),
    [
        (400, "GET", "/a%00b", {}),
        (400, "POST", "/auth/login", {"json_body": {}}),
        (401, "POST", "/auth/login", {"json_body": {"username": "alice", "password": "no"}}),
        (403, "GET", "/pay", {"signed_in": True}),
        (403, "POST", "/auth/login", {"json_body": {"username": "a", "password": "b"},
                                      "headers": [("origin", "https://evil.example")]}),
        (404, "DELETE", "/auth/sessions/x", {"signed_in": True}),
        (405, "GET", "/auth/login", {}),
        (409, "POST", "/auth/renew", {"signed_in": True}),
        (413, "POST", "/auth/login", {"headers": FORM, "body": b"a=" + b"x" * 20_000}),
        (415, "POST", "/auth/login", {"headers": [("content-type", "text/plain")], "body": b"a=b"}),
    ],
    ids=str,
)  # fmt: skip
def test_t4_every_refusal_has_the_form(seed, status, method, target, how):
    """The phrase of the status is ``error``; nothing else is in the body."""
    how = dict(how)
    if how.pop("signed_in", False):
        seed.get_tokens()
        how["bearer"] = seed.tokens["access_token"]

    assert status == seed.request(method, target, **how)

    assert {"error", "message"} == seed.json.keys()
    phrase = "Content Too Large" if status == 413 else HTTPStatus(status).phrase
    assert phrase == seed.json["error"]
    assert ("application/json",) == seed.response.values("content-type")


def test_t4_too_many_attempts_has_the_form(make):
    client = LoginClient(make(problem_style="error_message", login={"failures_per_account_and_network": 1}))
    client.get_tokens(password="no")

    assert 429 == client.get_tokens(password="no")
    assert ("Too Many Requests", 1) == (client.json["error"], len(client.response.values("retry-after")))


@pytest.mark.parametrize("world", WORLDS)
def test_t4_an_outage_has_the_form(world):
    with _make_auth(store=FailingStore(Unavailable)) as auth:
        field = ("authorization", b"Bearer " + tokens()["alice"].encode())
        response = ask_in(world, auth, headers=[field])

    assert (503, "Service Unavailable") == (response.status, json.loads(response.body)["error"])


@pytest.mark.parametrize("world", WORLDS)
def test_t4_head_gets_the_fields_without_the_body(world):
    with _make_auth() as auth:
        shown, hidden = (ask_in(world, auth, method=method) for method in ("GET", "HEAD"))

    assert (shown.status, shown.fields, b"") == (hidden.status, hidden.fields, hidden.body)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (lambda error: {"mine": error.code}, {"mine": "missing_credential"}),
        (lambda error: {"mine": error}, {"error": "Unauthorized", "message": "This request needs a credential."}),
        (lambda _error: 1 / 0, {"error": "Unauthorized", "message": "This request needs a credential."}),
        (lambda _error: None, {"error": "Unauthorized", "message": "This request needs a credential."}),
    ],
    ids=["its-body", "no-json", "raises", "none"],
)
def test_t4_a_hook_comes_first(world, hook, expected):
    """Where it cannot say anything, the configured form is sent."""
    with _make_auth(problem_body=hook) as auth:
        response = ask_in(world, auth)

    assert (401, expected) == (response.status, json.loads(response.body))
    assert ("application/json",) == response.values("content-type")


def test_t4_a_refused_handshake_has_the_form():
    request = SentRequest("GET", "/ws", (("host", b"app.example"),), "https")

    with _make_auth() as auth:
        start, body = asyncio.run(play(auth.asgi(AsgiReport()), socket_scope(request)))

    assert 401 == start["status"]
    assert (b"content-type", b"application/json") in start["headers"]
    assert "Unauthorized" == json.loads(body["body"])["error"]


@pytest.mark.parametrize("world", WORLDS)
def test_t4_the_redirection_of_a_browser_stays(world):
    fields = [("accept", b"text/html"), ("sec-fetch-mode", b"navigate")]
    with _make_auth(access={"sign_in_url": "/sign-in"}) as auth:
        response = ask_in(world, auth, headers=fields)

    assert (303, ("/sign-in?next=/me",), b"") == (response.status, response.values("location"), response.body)


@pytest.mark.parametrize("world", WORLDS)
def test_t4_a_password_that_is_wrong_is_challenged(world):
    """The form of the body changes no field beside its type and length."""
    fields = [("authorization", b"Basic " + b64encode(b"alice:no"))]
    with _make_auth() as auth:
        response = ask_in(world, auth, headers=fields)

    assert (401, "Unauthorized") == (response.status, json.loads(response.body)["error"])
    assert 2 == len(", ".join(response.values("www-authenticate")).split("realm=")) - 1


@pytest.mark.parametrize(
    ("style", "media_type", "names"),
    [
        ("problem", "application/problem+json", {"type", "title", "status", "detail", "code"}),
        ("error_message", "application/json", {"error", "message"}),
    ],
)
def test_t4_the_description_shows_the_form(make, style, media_type, names):
    client = LoginClient(make(problem_style=style))
    client.request("GET", "/auth/openapi.json")
    document = client.json

    shown = {
        media_type
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        for media_type in response.get("content", ())
        if not status.startswith("2")
    }

    assert {media_type} == shown
    assert names == document["components"]["schemas"]["Problem"]["properties"].keys()
