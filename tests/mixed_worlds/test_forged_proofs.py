"""What a server or another middleware leaves under our names never stands in for a credential."""

import asyncio

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import AsgiReport, wsgi_application
from counted_auth import counted
from safeconduct import Anonymous, Principal
from table_tokens import tokens


def proof_of(auth, name):
    """Return what the middleware leaves in the scope of a real request of *name*."""
    left = []

    async def application(scope, _receive, send):
        left.append(scope["auth"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    asyncio.run(call_asgi(auth.asgi(application), asgi_scope(sent_by(name))))
    return left[0]


def sent_by(name):
    """Return a request of *name*, or one without a credential."""
    fields = () if name is None else (("authorization", f"Bearer {tokens()[name]}".encode()),)
    return SentRequest("GET", "/me", (("host", b"app.example"), *fields), "https")


class LooksLikePassed:
    """Has every attribute that a proof has."""

    def __init__(self, passed):
        self.passed = passed

    def __getattr__(self, name):
        return getattr(self.passed, name)


FORGED = {
    "another user of the same Auth": lambda auth, _: proof_of(auth, "admin"),
    "the same user of another Auth": lambda _, other: proof_of(other, "alice"),
    "another user of another Auth": lambda _, other: proof_of(other, "admin"),
    "what looks like a proof": lambda auth, _: LooksLikePassed(proof_of(auth, "admin")),
    "a principal": lambda auth, _: proof_of(auth, "admin").identity,
    "an anonymous caller": lambda *_: Anonymous(reason="none"),
    "a text": lambda *_: "admin",
    "a mapping": lambda auth, _: {"owner": auth, "identity": "admin"},
    "nothing": lambda *_: None,
}
forged = pytest.mark.parametrize("make", FORGED.values(), ids=FORGED)
callers = pytest.mark.parametrize(
    ("caller", "status", "who"), [("bob", 200, "bob"), (None, 401, None), ("expired", 401, None)], ids=str
)


@forged
@callers
@pytest.mark.parametrize("place", ["auth", "wsgi_environ"])
def test_a_forged_scope_is_worth_nothing(make, caller, status, who, place):
    auth, other = counted()[0], counted()[0]
    value = make(auth, other)
    planted = {
        place: {"REQUEST_METHOD": "GET", "safeconduct.proof": value} if place == "wsgi_environ" else value,
        "safeconduct": getattr(value, "identity", value),
        "user": value,
    }

    seen = asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(sent_by(caller), **planted)))

    assert (status, who) == (seen.status, seen.report and seen.report["who"])


@forged
@callers
@pytest.mark.parametrize("place", ["safeconduct.proof", "asgi.scope"])
def test_a_forged_environ_is_worth_nothing(make, caller, status, who, place):
    auth, other = counted()[0], counted()[0]
    value = make(auth, other)
    planted = {
        place: {"auth": value} if place == "asgi.scope" else value,
        "safeconduct.identity": getattr(value, "identity", value),
        "REMOTE_USER": "admin",
        "AUTH_TYPE": "bearer",
    }

    seen = call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(sent_by(caller), **planted))

    assert (status, who) == (seen.status, seen.report and seen.report["who"])


@pytest.mark.parametrize("scope", ["admin", 1, ["auth"], object()], ids=lambda value: type(value).__name__)
def test_a_scope_that_is_no_mapping_is_not_read(scope):
    """A bridge may leave something else under that name."""
    auth, _, proofs = counted()

    wsgi = call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(sent_by("bob"), **{"asgi.scope": scope}))
    asgi = asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(sent_by("bob"), wsgi_environ=scope)))

    for seen in (wsgi, asgi):
        assert (200, "bob") == (seen.status, seen.report["who"])
    assert 2 == len(proofs)


def test_a_scope_and_an_environ_in_each_other_are_read_once():
    auth, _, _ = counted()
    environ = wsgi_environ(sent_by("bob"))
    environ["asgi.scope"] = asgi_scope(sent_by("bob"), wsgi_environ=environ)

    seen = call_wsgi(auth.wsgi(wsgi_application), environ)

    assert (200, "bob") == (seen.status, seen.report["who"])


def test_a_proof_is_not_carried_to_a_later_request():
    """An application that reuses a scope for another request has the credential checked again."""
    auth, _, proofs = counted()
    kept = []

    async def remembering(scope, receive, send):
        kept.append(dict(scope))
        await AsgiReport()(scope, receive, send)

    asyncio.run(call_asgi(auth.asgi(remembering), asgi_scope(sent_by("admin"))))
    later = {**kept[0], "headers": asgi_scope(sent_by("bob"))["headers"]}

    seen = asyncio.run(call_asgi(auth.asgi(AsgiReport()), later))

    assert ("bob", [tokens()["admin"], tokens()["bob"]]) == (seen.report["who"], proofs)


def test_the_reference_request_is_one_that_passes():
    """Without anything planted, the same requests have the same answers."""
    auth, _, _ = counted()

    seen = asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(sent_by("bob"))))

    assert ("bob", True) == (seen.report["who"], isinstance(proof_of(auth, "bob").identity, Principal))


@pytest.mark.parametrize("make", [proof_of, lambda other, name: LooksLikePassed(proof_of(other, name))])
def test_what_another_auth_proved_by_the_same_bytes_is_proven_again(make):
    """The token was revoked here, and the other store does not know of it."""
    auth, other = counted()[0], counted()[0]
    auth.sessions.revoke_token("jti-bob")
    passed = make(other, "bob")

    asgi = asyncio.run(call_asgi(auth.asgi(AsgiReport()), asgi_scope(sent_by("bob"), auth=passed)))
    wsgi = call_wsgi(auth.wsgi(wsgi_application), wsgi_environ(sent_by("bob"), **{"safeconduct.proof": passed}))

    assert (401, 401) == (asgi.status, wsgi.status)
