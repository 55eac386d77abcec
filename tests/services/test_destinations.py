"""A token goes to the server that the caller named, over a connection that nobody reads, and a 401 is answered once."""

import io

import httpx2
import pytest

from http_callers import CALLERS
from safeconduct import ConfigurationError
from safeconduct.service import ClientCredentials, InsecureDestination, Options, SelfSigned
from token_server import CannedResponse, token_answer

SECRET = "k3Jf8sLq0vXz7Rt2Wm5Yp9Ab4Cd6Ef1G-x"
BLOCKING, AWAITING, REQUESTS = CALLERS


def signed(clock, **more):
    """Return the auth of the service *reports*, with a new token for every request."""
    return SelfSigned(
        "reports", SECRET, audience="https://billing.example", single_use=True, options=Options(clock=clock, **more)
    )


def refuse_once(server):
    """Let *server* answer 401 to its first request."""
    statuses = iter([401])
    server.resource = lambda _: CannedResponse(next(statuses, 200), b"resource")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_goes_without_the_token(server, elsewhere, clock, caller, status):
    """Another port is another origin."""
    server.resource = lambda _: CannedResponse(status, b"", {"Location": f"{elsewhere.origin}/stolen"})

    caller.call("GET", server.origin, auth=signed(clock))

    assert [None] == [asked.token for asked in elsewhere.asked]
    assert server.asked[0].token


def test_a_401_of_another_origin_drops_no_token_and_is_not_answered_by_one(server, elsewhere, clock, caller):
    server.resource = lambda _: CannedResponse(302, b"", {"Location": f"{elsewhere.origin}/stolen"})
    elsewhere.resource = lambda _: CannedResponse(401)

    status, _ = caller.call("GET", server.origin, auth=signed(clock))

    assert 401 == status
    assert (1, 1) == (len(server.asked), len(elsewhere.asked))
    assert elsewhere.asked[0].token is None


def test_a_redirect_within_the_origin_keeps_the_token(server, clock, caller):
    server.resource = lambda asked: (
        CannedResponse(200) if asked.path == "/new" else CannedResponse(302, b"", {"Location": "/new"})
    )

    assert 200 == caller.call("GET", f"{server.origin}/old", auth=signed(clock))[0]
    assert 1 == len({asked.token for asked in server.asked})


def test_a_401_is_answered_by_a_new_token_once(server, clock, caller):
    """The second 401 goes to the caller."""
    server.resource = lambda _: CannedResponse(401, b"no")

    assert (401, "no") == caller.call("GET", server.origin, auth=signed(clock))
    assert 2 == len({asked.token for asked in server.asked}) == len(server.asked)


def test_a_401_after_a_redirect_within_the_origin_is_answered_once(server, clock, caller):
    seen = []

    def resource(asked):
        seen.append(asked.path)
        return CannedResponse(302, b"", {"Location": "/new"}) if asked.path == "/old" else CannedResponse(401)

    server.resource = resource

    assert 401 == caller.call("GET", f"{server.origin}/old", auth=signed(clock))[0]
    assert 2 == seen.count("/new")


def test_a_request_is_sent_again_once_even_if_the_new_token_is_the_old_one(server, clock, caller):
    """Some servers give the same token for as long as it lives."""
    auth = ClientCredentials("reports", SECRET, token_url=server.token_url, options=Options(clock=clock))
    server.tokens = lambda *_: token_answer("same")
    answers = iter([CannedResponse(401), CannedResponse(302, b"", {"Location": "/new"})])
    server.resource = lambda _: next(answers, CannedResponse(401))

    assert 401 == caller.call("GET", f"{server.origin}/old", auth=auth)[0]
    assert ["/old", "/old", "/new"] == [asked.path for asked in server.asked if asked.path != "/token"]


@pytest.mark.parametrize("content", [None, b"bytes", "text"], ids=str)
def test_a_body_of_bytes_is_sent_again(server, clock, caller, content):
    refuse_once(server)

    assert 200 == caller.call("PUT", server.origin, auth=signed(clock), content=content)[0]
    expected = (content or b"").encode() if isinstance(content, str) else content or b""
    assert [expected] * 2 == [asked.body for asked in server.asked]


def _generated():
    yield b"once"


def _file():
    return io.BytesIO(b"once")


async def _generated_later():
    yield b"once"


@pytest.mark.parametrize(
    ("caller", "content"),
    [(BLOCKING, _generated), (AWAITING, _generated_later), (REQUESTS, _generated), (BLOCKING, _file)],
    ids=["httpx2", "httpx2 with asyncio", "requests", "httpx2 with a file"],
)
def test_a_body_that_is_gone_is_not_sent_again(server, clock, caller, content):
    """Half a body, or an empty one, would be another request: the caller gets the 401."""
    refuse_once(server)

    assert 401 == caller.call("PUT", server.origin, auth=signed(clock), content=content())[0]
    assert [b"once"] == [asked.body for asked in server.asked]


def test_requests_rewinds_a_file(server, clock):
    """From where it was, as its own Digest authentication does."""
    refuse_once(server)
    file = io.BytesIO(b"read already|rest")
    file.seek(13)

    assert 200 == REQUESTS.call("PUT", server.origin, auth=signed(clock), content=file)[0]
    assert [b"rest"] * 2 == [asked.body for asked in server.asked]


def test_requests_keeps_cookies_and_history(server, clock):
    """The cookie of the 401 comes with the second attempt, and the 401 is in the history."""
    import requests  # noqa: PLC0415 - one test needs it

    statuses = iter([401])
    server.resource = lambda _: CannedResponse(next(statuses, 200), b"", {"Set-Cookie": "seen=1"})

    response = requests.get(server.origin, auth=signed(clock), timeout=60)

    assert [None, "seen=1"] == [asked.headers.get("cookie") for asked in server.asked]
    assert [401] == [earlier.status_code for earlier in response.history]
    assert response.request.headers["Authorization"] == f"Bearer {server.asked[1].token}"


@pytest.mark.parametrize(
    ("url", "origins", "is_sent"),
    [
        ("https://billing.example/x", (), True),
        ("https://billing.example/x", ("https://billing.example",), True),
        ("https://BILLING.example:443/x", ("https://billing.example",), True),
        ("https://billing.example:8443/x", ("https://billing.example",), False),
        ("https://evil.example/x", ("https://billing.example",), False),
        ("http://billing.example/x", (), False),
        ("http://billing.example/x", ("https://billing.example",), False),
        ("http://billing.example/x", ("http://billing.example",), True),
        ("http://localhost:8000/x", (), True),
        ("http://127.0.0.1/x", (), True),
        ("http://[::1]:1/x", (), True),
        ("http://localhost.evil.example/x", (), False),
        ("http://127.0.0.1.evil.example/x", (), False),
        ("http://127.0.0.1@evil.example/x", (), False),
        ("http://10.0.0.7/x", (), False),
        ("ftp://billing.example/x", (), False),
    ],
)
@pytest.mark.parametrize("way", ["httpx2", "requests"])
def test_plain_http_must_be_named(clock, url, origins, is_sent, way):
    """Nothing is sent, not even without the token: the caller meant to be authenticated."""
    auth = signed(clock, origins=origins)

    def send():
        if way == "httpx2":
            return next(auth.sync_auth_flow(httpx2.Request("GET", url))).headers
        import requests  # noqa: PLC0415 - one way of two

        return auth(requests.Request("GET", url).prepare()).headers

    if is_sent:
        assert send()["Authorization"].startswith("Bearer ey")
    else:
        with pytest.raises(InsecureDestination, match="the token was not sent"):
            send()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"origins": "https://a.example"}, "wanted a collection"),
        ({"origins": ["a.example"]}, "wanted scheme://host"),
        ({"origins": ["https://a.example/path"]}, "wanted scheme://host"),
        ({"origins": ["https://a.example:port"]}, "wanted scheme://host"),
        ({"timeout_seconds": 0}, "timeout_seconds: got 0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds: got nan"),
    ],
)
def test_options_are_checked(fields, expected):
    with pytest.raises(ConfigurationError, match=expected):
        Options(**fields)
