"""``GET /auth/session``, ``GET /auth/sessions``, ``DELETE /auth/sessions/{id}`` and the documents."""

import json

import pytest

from minting import AUDIENCE, FOREIGN_KEY, IDP, NOW, mint, public
from safeconduct.errors import RevokedToken
from visiting import ACCESS, DEVICE, REFRESH, Place, Visitor

TRUST = [{"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}]


def rels(visitor):
    return {link["rel"] for link in visitor.answer["links"]}


def test_nobody_learns_how_to_sign_in(visitor):
    """200, since to ask who one is is no fault."""
    assert 200 == visitor.ask("GET", "/auth/session")

    assert {"is_authenticated": False, "links": [{"rel": "login", "method": "POST", "href": "/auth/login"}]} == (
        visitor.answer
    )


def test_h_a_page_learns_when_it_may_be_remembered_for_longer(visitor, clock):
    """From half of the long-term credential's life to its end; nothing where there is none."""
    visitor.sign_in(remember=True)
    remembered, now = visitor.answer, int(clock())
    visitor.ask("GET", "/auth/session")
    kept = visitor.answer

    assert now + 14 * 86_400 == kept["extend_before"]
    assert (kept["extend_after"], kept["extend_before"]) == (remembered["extend_after"], remembered["extend_before"])
    visitor.sign_in()
    visitor.ask("GET", "/auth/session")
    assert (None, None) == (visitor.answer["extend_after"], visitor.answer["extend_before"])


def test_a_page_learns_who_it_is_and_its_csrf_token(visitor, clock):
    """C4: what one may do is asked, and not read out of the token."""
    visitor.sign_in(remember=True)

    assert 200 == visitor.ask("GET", "/auth/session")

    answer = visitor.answer
    assert (True, "alice", "explicit", ["user"]) == tuple(
        answer[name] for name in ("is_authenticated", "subject", "level", "roles")
    )
    assert visitor.csrf == answer["csrf_token"]
    now = int(clock())
    assert (now, now + 900, now + 450) == (answer["issued_at"], answer["expires_at"], answer["renew_after"])
    assert {"logout", "logout-everywhere", "step-up", "sessions", "refresh"} == rels(visitor)
    assert visitor.jar[ACCESS] not in visitor.seen.body.decode()
    assert ("no-store",) == visitor.seen.values("cache-control")


def test_a_program_gets_no_csrf_token(visitor):
    """Nobody makes it send its header."""
    visitor.take()

    visitor.ask("GET", "/auth/session", bearer=visitor.held["access_token"])

    assert visitor.answer["csrf_token"] is None
    assert "refresh" not in rels(visitor)


def test_links_come_with_their_time(visitor, clock):
    visitor.take(remember=True)
    clock.advance(seconds=451)
    visitor.ask("GET", "/auth/session", bearer=visitor.held["access_token"])
    half_of_a_token = rels(visitor)
    clock.advance(seconds=8 * 86_400)
    visitor.refresh()
    visitor.ask("GET", "/auth/session", bearer=visitor.held["access_token"])

    assert "renew" in half_of_a_token
    assert "extend" not in half_of_a_token
    assert "extend" in rels(visitor)
    assert "renew" not in rels(visitor)


def test_who_is_over_and_was_not_remembered_has_nothing_to_refresh(visitor, clock):
    visitor.sign_in()
    clock.advance(seconds=911)

    visitor.ask("GET", "/auth/session")

    assert {"login"} == rels(visitor)


def test_a_cookie_that_is_over_is_nobody_who_may_refresh(visitor, clock):
    """The start of a visit: the access token is over, the long-term credential is good (L9)."""
    visitor.sign_in(remember=True)
    clock.advance(seconds=2000)

    visitor.ask("GET", "/auth/session")

    assert visitor.answer["is_authenticated"] is False
    assert {"login", "refresh"} == rels(visitor)


def test_a_session_that_was_ended_is_nobodys(place, visitor):
    visitor.sign_in()
    place.auth.sessions.sign_out_everywhere("alice")

    assert (200, False) == (visitor.ask("GET", "/auth/session"), visitor.answer["is_authenticated"])


def test_a_bad_token_in_the_header_is_401(visitor):
    assert 401 == visitor.ask("GET", "/auth/session", bearer="x.y.z")


def test_a_store_that_is_away_is_503_and_signs_nobody_out(doomed):
    """A page must not take an outage for the end of its session."""
    place, server = doomed
    visitor = Visitor(place)
    visitor.sign_in()
    server.kill()

    assert 503 == visitor.ask("GET", "/auth/session")


def test_a_session_that_ends_between_two_questions_is_nobodys(place, visitor, monkeypatch):
    """Its token is still good when it is looked at, and the record is gone when that is read."""
    visitor.sign_in()
    session_verbs = place.auth._container._factory.session_verbs(place.world)
    monkeypatch.setattr(session_verbs._lookup, "read", _gone)

    assert (200, False) == (visitor.ask("GET", "/auth/session"), visitor.answer["is_authenticated"])


async def _gone(_ref):
    raise RevokedToken("the session is over")


def test_another_issuers_user_has_no_session_here(make):
    """He is known, and owns nothing here."""
    visitor = Visitor(make(trust=TRUST))
    visitor.place.clock.seconds = float(NOW)
    token = mint("alice", by="foreign", iss=IDP, jti="idp", iat_ms=None)

    visitor.ask("GET", "/auth/session", bearer=token)

    assert (True, None) == (visitor.answer["is_authenticated"], visitor.answer["session_id"])
    assert {"logout"} == rels(visitor)
    assert 403 == visitor.ask("GET", "/auth/sessions", bearer=token)
    assert 403 == visitor.ask("POST", "/auth/logout-everywhere", bearer=token)
    assert 204 == visitor.ask("POST", "/auth/logout", bearer=token)


def test_ending_another_session_ends_it(place):
    page, program = Visitor(place), Visitor(place)
    page.sign_in()
    program.take(remember=True)

    assert 204 == page.ask("DELETE", f"/auth/sessions/{program.held['session_id']}")

    assert (401, 401) == (program.use(), program.refresh())
    assert 200 == page.ask("GET", "/me")


def test_ending_the_own_session_takes_the_cookies(visitor):
    visitor.sign_in()
    visitor.ask("GET", "/auth/session")

    assert 204 == visitor.ask("DELETE", f"/auth/sessions/{visitor.answer['session_id']}")
    assert {DEVICE} == visitor.jar.keys()


def test_a_program_ends_its_own_session(visitor):
    visitor.take()

    status = visitor.ask("DELETE", f"/auth/sessions/{visitor.held['session_id']}", bearer=visitor.held["access_token"])

    assert (204, ()) == (status, visitor.seen.values("set-cookie"))


def test_ending_another_session_needs_an_explicit_sign_in(place, clock):
    """A remembered visitor may be a thief with an old cookie; his own session he may always end."""
    program, other = Visitor(place), Visitor(place)
    other.take()
    program.take(remember=True)
    clock.advance(seconds=901)
    program.refresh()
    token = program.held["access_token"]

    another = program.ask("DELETE", f"/auth/sessions/{other.held['session_id']}", bearer=token)
    code = program.answer["code"]
    own = program.ask("DELETE", f"/auth/sessions/{program.held['session_id']}", bearer=token)

    assert (401, "insufficient_user_authentication", 204) == (another, code, own)


def test_a_session_of_another_person_is_404(place):
    alice, bob = Visitor(place), Visitor(place)
    alice.take()
    bob.take("bob", "builder")

    statuses = [
        alice.ask("DELETE", f"/auth/sessions/{name}", bearer=alice.held["access_token"])
        for name in (bob.held["session_id"], "nonsense")
    ]

    assert [404, 404] == statuses
    assert 200 == bob.use()


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/auth/login", "POST"),
        ("POST", "/auth/session", "GET, HEAD"),
        ("GET", "/auth/sessions/abc", "DELETE"),
        ("DELETE", "/.well-known/jwks.json", "GET, HEAD"),
    ],
    ids=str,
)
def test_a_wrong_method_is_405(visitor, method, path, allow):
    assert (405, (allow,)) == (visitor.ask(method, path), visitor.seen.values("allow"))


@pytest.mark.parametrize("path", ["/auth", "/auth/", "/auth/else", "/auth/sessions/a/b", "/auth/sessions/"], ids=str)
def test_everything_else_below_the_prefix_is_the_applications(visitor, path):
    """And closed, as every path that nobody opened."""
    assert (401, "missing_credential") == (visitor.ask("GET", path), visitor.answer["code"])


def test_an_ambiguous_path_is_400(visitor):
    assert 400 == visitor.ask("DELETE", "/auth/sessions/a%5Cb")


def test_the_prefix_is_the_authors(make):
    visitor = Visitor(make(endpoints={"prefix": "/account/sign-in"}))
    said = {"username": "alice", "password": "wonder"}

    assert (200, 401) == (
        visitor.ask("POST", "/account/sign-in/login", said=said),
        visitor.ask("POST", "/auth/login", said=said),
    )


def test_where_they_are_off_nothing_is_served(make):
    visitor = Visitor(make(endpoints={"enabled": False}))

    assert 401 == visitor.ask("GET", "/auth/session")


def test_the_description_names_every_endpoint(visitor):
    """OpenAPI 3.1, for whoever generates clients."""
    visitor.ask("GET", "/auth/openapi.json")

    document = visitor.answer
    assert "3.1.0" == document["openapi"]
    served = {(row.method.lower(), row.path) for row in visitor.place.application._gate.endpoints.rows}
    told = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert served - {("get", "/.well-known/jwks.json")} == told
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_head_is_get_without_a_body(visitor):
    assert (200, b"") == (visitor.ask("HEAD", "/auth/session"), visitor.seen.body)


def test_no_call_of_a_page_shows_a_token(visitor, clock):
    """K1: tried call by call, with everything that a script may send."""
    visitor.sign_in(remember=True)
    seen = [visitor.seen]
    clock.advance(seconds=460)
    calls = [
        ("GET", "/auth/session", None), ("GET", "/auth/sessions", None), ("POST", "/auth/renew", None),
        ("POST", "/auth/step-up", {"password": "wonder"}), ("POST", "/auth/refresh", {"extend": False}),
        ("GET", "/auth/openapi.json", None), ("GET", "/.well-known/jwks.json", None),
        ("POST", "/auth/login", {"username": "alice", "password": "wonder", "cookies": True, "remember": True}),
        ("POST", "/auth/logout", None),
    ]  # fmt: skip
    tokens = {visitor.jar[ACCESS], visitor.jar[REFRESH]}
    for method, path, said in calls:
        visitor.ask(method, path, said=said)
        if "csrf_token" in (told := json.loads(visitor.seen.body or b"{}")):
            visitor.csrf = told["csrf_token"]
        seen.append(visitor.seen)
        tokens |= {value for name, value in visitor.jar.items() if name != DEVICE}

    assert [200] * 9 + [204] == [each.status for each in seen]
    shown = [each.body.decode() + str([f for f in each.fields if f[0] != "set-cookie"]) for each in seen]
    assert not [token for token in tokens for text in shown if token in text]
    assert len(tokens) >= 8


def test_an_inner_middleware_of_the_same_auth_serves_none(world, clock):
    """The outer one does."""
    place = Place(world, clock=clock)
    place.application = (place.auth.asgi if world == "asgi" else place.auth.wsgi)(place.application)
    visitor = Visitor(place)

    assert (200, 200) == (visitor.take(), visitor.use())
    place.close()


def test_b10_an_id_of_another_process_is_404_and_its_tokens_are_503(make):
    """An id may be made up by anybody; a token with our tag cannot."""
    visitor, other = Visitor(make()), Visitor(make())
    visitor.take()
    other.take(remember=True)

    assert 404 == visitor.ask(
        "DELETE", f"/auth/sessions/{other.held['session_id']}", bearer=visitor.held["access_token"], with_jar=False
    )
    assert "not_found" == visitor.answer["code"]
    assert 503 == visitor.refresh(other.held["refresh_token"])


def test_h_the_description_names_the_parameters_that_a_path_has(visitor):
    """And no other: a generated client would ask for them."""
    assert 200 == visitor.ask("GET", "/auth/openapi.json")

    named = {
        (path, parameter["name"])
        for path, operations in visitor.answer["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path"
    }

    assert {("/auth/sessions/{id}", "id")} == named


def test_h_the_description_names_the_bodies_that_are_read(visitor):
    """Whether one must be sent depends on whether anything of it is needed."""
    assert 200 == visitor.ask("GET", "/auth/openapi.json")

    bodies = {
        path.rpartition("/")[2]: operation["requestBody"]["required"]
        for path, operations in visitor.answer["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation
    }

    assert {"login": True, "step-up": True, "refresh": False, "logout": False} == bodies


def test_h_the_description_says_where_a_token_is_needed(visitor):
    assert 200 == visitor.ask("GET", "/auth/openapi.json")

    needing = {
        path.rpartition("/")[2]
        for path, operations in visitor.answer["paths"].items()
        for operation in operations.values()
        if "security" in operation
    }

    assert {"renew", "step-up", "logout-everywhere", "sessions", "{id}"} == needing
