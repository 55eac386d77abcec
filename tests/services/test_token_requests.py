"""A service asks a token endpoint, by four ways of proving who it is, and understands every kind of answer."""

import copy
import json
import pickle
import socket
import traceback
from base64 import b64decode
from types import SimpleNamespace
from urllib.parse import unquote_plus

import jwt
import pytest
from joserfc.jwk import ECKey

from http_callers import CALLERS
from safeconduct import ConfigurationError
from safeconduct.service import (
    ClientCredentials,
    InvalidTokenResponse,
    Options,
    TokenEndpointUnavailable,
    TokenExchange,
    TokenRequestFailed,
    TokenRequestRefused,
    token_endpoint,
)
from token_server import CannedResponse, token_answer

SECRET = "k3Jf8sLq0vXz7Rt2 Wm5+Yp9:Ab4%Cd6Ef1G"
KEY = ECKey.generate_key("P-256")


def asking(server, clock, secret_or_key=SECRET, *, client_id="reports", more_options=None, **more):
    """Return the auth of a service at the token endpoint of *server*."""
    options = Options(clock=clock, **(more_options or {}))
    place = {} if "issuer" in more else {"token_url": server.token_url}
    return ClientCredentials(client_id, secret_or_key, options=options, **place, **more)


def asked_with(caller, server, auth):
    """Make a request, and return the token request that it needed."""
    caller.call("GET", server.origin, auth=auth)
    return server.token_requests[-1]


def test_client_secret_basic_is_form_encoded(server, clock, caller):
    """A colon or a space in a name or a secret arrives as it is (RFC 6749 §2.3.1)."""
    asked = asked_with(caller, server, asking(server, clock, client_id="a:b c", scopes=["read", "write"]))

    scheme, _, pair = asked.headers["authorization"].partition(" ")
    sent = [unquote_plus(part) for part in b64decode(pair).decode().split(":")]
    assert ("Basic", ["a:b c", SECRET]) == (scheme, sent)
    assert {"grant_type": "client_credentials", "scope": "read write"} == asked.form
    assert ("application/json", "identity") == (asked.headers["accept"], asked.headers["accept-encoding"])


def test_client_secret_post_is_in_the_form(server, clock, caller):
    asked = asked_with(caller, server, asking(server, clock, authentication="client_secret_post"))

    assert "authorization" not in asked.headers
    assert {"grant_type": "client_credentials", "client_id": "reports", "client_secret": SECRET} == asked.form


@pytest.mark.parametrize(
    ("given", "verifying", "authentication", "algorithm"),
    [
        (KEY.as_pem(private=True), KEY.as_pem(private=False), None, "ES256"),
        (KEY.as_dict(private=True), KEY.as_pem(private=False), "private_key_jwt", "ES256"),
        (SECRET, SECRET, "client_secret_jwt", "HS256"),
        (b"\xff" + bytes(range(63)), b"\xff" + bytes(range(63)), "client_secret_jwt", "HS512"),
    ],
    ids=["pem", "jwk", "secret", "bytes"],
)
def test_an_assertion_names_the_endpoint_and_counts_a_minute(
    server, clock, caller, given, verifying, authentication, algorithm
):
    """``typ``, sole ``aud``, ``jti``, no scope, and no secret in the form."""
    auth = asking(server, clock, given, authentication=authentication, algorithm=algorithm)

    form = asked_with(caller, server, auth).form

    assertion = form.pop("client_assertion")
    options = {"verify_exp": False, "verify_iat": False, "require": ["jti"]}
    claims = jwt.decode(assertion, verifying, [algorithm], options, audience=server.token_url, issuer="reports")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert {"grant_type": "client_credentials", "client_id": "reports", "client_assertion_type": kind} == form
    assert "client-authentication+jwt" == jwt.get_unverified_header(assertion)["typ"]
    assert ("reports", server.token_url, clock(), 60) == (
        claims["sub"], claims["aud"], claims["iat"], claims["exp"] - claims["iat"],
    )  # fmt: skip


def test_an_assertion_names_the_issuer_where_it_is_given(server, clock, caller):
    """The endpoint is given too, so nothing is asked for it."""
    options = Options(clock=clock)
    auth = ClientCredentials(
        "reports", KEY.as_pem(private=True), token_url=server.token_url, issuer="https://as.example", options=options
    )

    form = asked_with(caller, server, auth).form

    claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    assert "https://as.example" == claims["aud"]
    assert ["/token", "/"] == [asked.path for asked in server.asked]


@pytest.mark.parametrize(
    ("audience", "expected"),
    [("https://billing.example", "resource"), ("urn:billing", "resource"), ("billing", "audience")],
    ids=str,
)
def test_a_uri_is_a_resource_and_a_name_an_audience(server, clock, caller, audience, expected):
    auth = asking(server, clock, audience=audience, more_options={"parameters": {"tenant": "acme"}})

    assert {"grant_type": "client_credentials", expected: audience, "tenant": "acme"} == asked_with(
        caller, server, auth
    ).form


ANSWERS = {
    "refused": (CannedResponse(400, {"error": "invalid_scope", "error_description": "no such scope"}),
                TokenRequestRefused("invalid_scope", "no such scope", 400)),
    "wrong client": (CannedResponse(401, {"error": "invalid_client"}),
                     TokenRequestRefused("invalid_client", None, 401)),
    "echo of the secret": (CannedResponse(400, {"error": "x", "error_description": f"got {SECRET}"}),
                           TokenRequestRefused("x", None, 400)),
    "line break": (CannedResponse(400, {"error": "x", "error_description": "a\nb"}),
                   TokenRequestRefused("x", None, 400)),
    "error with a quote": (CannedResponse(400, {"error": 'a"b'}),
                           InvalidTokenResponse("neither a token nor an error", None, 400)),
    "no error": (CannedResponse(403, {}), InvalidTokenResponse("neither a token nor an error", None, 403)),
    "created": (CannedResponse(201, {"access_token": "a", "token_type": "Bearer"}),
                InvalidTokenResponse("neither a token nor an error", None, 201)),
    "fault": (CannedResponse(500, b"<html>"), TokenEndpointUnavailable("unavailable", None, 500)),
    "too many": (CannedResponse(429, {"error": "slow_down"}, {"Retry-After": "30"}),
                 TokenEndpointUnavailable("unavailable", None, 429, 30)),
    "a date": (CannedResponse(503, b"", {"Retry-After": "Fri, 27 Nov 2026 02:00:00 GMT"}),
               TokenEndpointUnavailable("unavailable", None, 503)),
    "page": (CannedResponse(200, b"<html>"), InvalidTokenResponse("not a JSON object", None, 200)),
    "list": (CannedResponse(200, []), InvalidTokenResponse("not a JSON object", None, 200)),
    "not UTF-8": (CannedResponse(200, b"\xff"), InvalidTokenResponse("not a JSON object", None, 200)),
    "deep": (CannedResponse(200, b"[" * 60000), InvalidTokenResponse("not a JSON object", None, 200)),
    "too long": (CannedResponse(200, b" " * 70000), InvalidTokenResponse("the response is too long")),
    "empty": (CannedResponse(200, {}), InvalidTokenResponse("no access_token", None, 200)),
    "header injection": (token_answer("a\r\nx: y"), InvalidTokenResponse("no access_token", None, 200)),
    "number": (token_answer(7), InvalidTokenResponse("no access_token", None, 200)),
    "no type": (token_answer("a", token_type=None), InvalidTokenResponse("token_type is not Bearer", None, 200)),
    "bound to a key": (token_answer("a", token_type="DPoP"),
                       InvalidTokenResponse("token_type is not Bearer", None, 200)),
}  # fmt: skip
for _written in (-1, 0, "soon", True, [], "NaN", float("nan"), float("inf"), "-5", "٣"):
    ANSWERS[f"expires_in {_written!r}"] = (
        token_answer("a", expires_in=_written),
        InvalidTokenResponse("expires_in is not a positive number", None, 200),
    )


@pytest.mark.parametrize("caller", CALLERS[:2], ids=lambda each: each.name)
@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_no_token_is_a_typed_error(server, clock, caller, answer, expected):
    """The resource is not asked, and the error does not repeat the secret."""
    server.tokens = lambda *_: answer

    with pytest.raises(TokenRequestFailed) as caught:
        caller.call("GET", f"{server.origin}/api", auth=asking(server, clock))

    error = caught.value
    assert (type(expected), expected.args, str(expected)) == (type(error), error.args, str(error))
    assert [] == server.asked_for("/api")
    assert SECRET not in "".join(traceback.format_exception(error))
    assert (error.args, str(error)) == (copy.copy(error).args, str(pickle.loads(pickle.dumps(error))))  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(100, 80), (100.9, 80), ("100", 80), (None, 48), (10**30, 86340), (0.5, 0.4)],
    ids=["integer", "float", "text", "missing", "huge", "tiny"],
)
def test_a_token_is_used_until_a_fifth_or_a_minute_before_its_end(server, clock, caller, written, seconds):
    """A missing lifetime is taken as one minute, and a huge one as one day."""
    server.tokens = lambda number, _: token_answer(f"token-{number}", expires_in=written)
    auth = asking(server, clock)
    caller.call("GET", server.origin, auth=auth)

    requests = []
    for step in (seconds - 0.1, 1):
        clock.advance(seconds=step)
        caller.call("GET", server.origin, auth=auth)
        requests.append(len(server.token_requests))

    assert [1, 2] == requests


def test_an_endpoint_that_is_not_there_is_unavailable(server, clock, caller):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    auth = ClientCredentials(
        "reports", SECRET, token_url=f"http://127.0.0.1:{port}/token", options=Options(clock=clock)
    )

    with pytest.raises(TokenEndpointUnavailable, match="no token: no response: ConnectError") as caught:
        caller.call("GET", server.origin, auth=auth)

    assert (None, None, True) == (caught.value.status, caught.value.__cause__, caught.value.__suppress_context__)
    assert [] == server.asked


def test_an_endpoint_that_does_not_answer_is_a_timeout(server, clock, caller):
    """A black hole costs no longer than ``timeout_seconds``."""
    server.gate.clear()

    with pytest.raises(TokenEndpointUnavailable, match="timeout"):
        caller.call("GET", f"{server.origin}/api", auth=asking(server, clock, more_options={"timeout_seconds": 0.05}))

    assert [] == server.asked_for("/api")


@pytest.mark.parametrize("caller", [CALLERS[0], CALLERS[2]], ids=lambda each: each.name)
def test_a_response_that_drips_is_a_timeout(server, clock, caller, monkeypatch):
    """Each step is quick enough, and all of them together are not."""
    seconds = iter([0, 11])
    monkeypatch.setattr(token_endpoint, "time", SimpleNamespace(monotonic=lambda: next(seconds)))

    with pytest.raises(TokenEndpointUnavailable, match="timeout"):
        caller.call("GET", f"{server.origin}/api", auth=asking(server, clock))

    assert [] == server.asked_for("/api")


def test_nothing_secret_is_shown(server, clock):
    auth = asking(server, clock, authentication="client_secret_post")

    shown = repr(auth) + repr(vars(auth)) + repr(auth._tokens()._source._endpoint._client.proof("x"))

    assert f"ClientCredentials('reports', '{server.token_url}')" == repr(auth)
    assert SECRET not in shown


def test_a_redirect_of_the_endpoint_is_not_followed(server, elsewhere, clock, caller):
    """A 307 would carry the secret in the form to wherever it says."""
    server.tokens = lambda *_: CannedResponse(307, b"", {"Location": elsewhere.token_url})

    with pytest.raises(InvalidTokenResponse, match="redirect"):
        caller.call("GET", server.origin, auth=asking(server, clock, authentication="client_secret_post"))

    assert [] == elsewhere.asked


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration"),
        ("/tenant", "/.well-known/oauth-authorization-server/tenant"),
        ("/tenant", "/tenant/.well-known/openid-configuration"),
    ],
)
def test_the_endpoint_is_found_in_the_metadata_of_the_issuer(server, clock, caller, path, place):
    """RFC 8414 first, then OpenID Connect; once, and the assertion names the issuer."""
    issuer = server.origin + path
    document = {"issuer": issuer, "token_endpoint": server.token_url}
    server.resource = lambda asked: CannedResponse(200, document) if asked.path == place else _found(asked)
    auth = asking(server, clock, KEY.as_pem(private=True), issuer=issuer)

    caller.call("GET", f"{server.origin}/api", auth=auth)
    clock.advance(seconds=299)
    caller.call("GET", f"{server.origin}/api", auth=auth)

    claims = jwt.decode(server.token_requests[0].form["client_assertion"], options={"verify_signature": False})
    assert issuer == claims["aud"]
    assert 2 == len(server.token_requests)
    assert 1 == len(server.asked_for(place))


def _found(asked):
    return CannedResponse(200 if asked.path == "/api" else 404, b"")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            lambda server: CannedResponse(200, {"issuer": "https://evil.example", "token_endpoint": server.token_url}),
            "another",
        ),
        (lambda server: CannedResponse(200, {"issuer": server.origin}), "names no token_endpoint"),
        (
            lambda server: CannedResponse(200, {"issuer": server.origin, "token_endpoint": "http://evil.example/t"}),
            "not https",
        ),
        (lambda _: CannedResponse(404), "the issuer has no metadata"),
        (lambda _: CannedResponse(200, b"<html>"), "not a JSON object"),
        (lambda _: CannedResponse(401, {}), "no metadata"),
        (lambda _: CannedResponse(503), "unavailable"),
    ],
    ids=["issuer", "endpoint", "http", "none", "page", "status", "fault"],
)
def test_metadata_that_do_not_fit_are_refused_before_a_secret_is_sent(server, clock, caller, answer, expected):
    server.resource = lambda _: answer(server)

    with pytest.raises(TokenRequestFailed, match=expected):
        caller.call("GET", server.origin, auth=asking(server, clock, issuer=server.origin))

    assert [] == server.token_requests
    assert SECRET not in json.dumps([asked.headers for asked in server.asked])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "neither token_url nor issuer"),
        ({"token_url": "http://a.example/t"}, "token_url: got 'http://a.example/t'"),
        ({"token_url": "ftp://a.example/t"}, "token_url"),
        ({"issuer": "http://a.example"}, "issuer"),
        ({"token_url": "https://a.example/t", "authentication": "none"}, "authentication: got 'none'"),
        ({"token_url": "https://a.example/t", "authentication": "private_key_jwt"}, "with a secret"),
        ({"token_url": "https://a.example/t", "secret_or_key": KEY.as_pem(), "authentication": "client_secret_jwt"},
         "with a private key"),
        ({"token_url": "https://a.example/t", "secret_or_key": "short", "authentication": "client_secret_jwt"}, "size"),
        ({"token_url": "https://a.example/t", "secret_or_key": b"\xff\xfe"}, "not UTF-8"),
        ({"token_url": "https://a.example/t", "scopes": "read"}, "scopes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [ClientCredentials, TokenExchange])
def test_arguments_that_do_not_fit_are_refused(kind, arguments, expected):
    with pytest.raises(ConfigurationError, match=expected):
        kind("reports", **{"secret_or_key": SECRET} | arguments)
