"""An application inside another: one verification, one principal, and rules that only restrict."""

import json

import pytest

from counted_auth import counted
from mixed_apps import NESTS, PREFIX, STEPS, VERIFIED_AGAIN, ask, request_for, seen_by
from table_tokens import mint, tokens

each_nest = pytest.mark.parametrize("name", NESTS)
ADMIN_INSIDE = {"access": {"public": [], "rules": [{"path": "/admin", "roles": ["admin"]}]}}


def nest(name, outer, inner):
    """Return the application of a nest behind two ``Auth``."""
    return NESTS[name](outer, inner)


@each_nest
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_is_verified_once_where_the_scope_is_passed_on(name, method):
    """A bridge that passes nothing on leads to a second verification, of the same bytes."""
    auth, store, proofs = counted()
    app = nest(name, auth, auth)

    answer = ask(name, app, request_for(PREFIX + "/me", tokens()["alice"], method=method, body=b"x" * 100))

    assert ["alice"] * (STEPS + 1) == seen_by(answer)
    times = 2 if name in VERIFIED_AGAIN else 1
    assert (times, times) == (len(proofs), store.queries)
    assert {tokens()["alice"]} == set(proofs)


@each_nest
@pytest.mark.parametrize(
    ("token", "status"),
    [(None, 401), ("expired", 401), ("revoked", 401), ("usurper", 401), ("signature", 401), ("alice", 200)],
    ids=str,
)
def test_the_mounted_application_is_as_closed_as_the_outer_one(name, token, status):
    auth, _, _ = counted()
    auth.sessions.revoke_token("revoked")
    app = nest(name, auth, auth)

    for path in ("/me", PREFIX + "/me"):
        assert status == ask(name, app, request_for(path, token and tokens()[token])).status


@each_nest
def test_the_inner_rules_see_the_path_below_the_mount(name):
    """The rule is that of the inner ``Auth`` alone; the outer one lets the path through."""
    outer, _, _ = counted(access={"public": [], "rules": []})
    inner, _, _ = counted(**ADMIN_INSIDE)
    app = nest(name, outer, inner)

    assert 403 == ask(name, app, request_for(PREFIX + "/admin", tokens()["alice"])).status
    assert 200 == ask(name, app, request_for(PREFIX + "/admin", tokens()["admin"])).status
    assert 200 == ask(name, app, request_for("/admin", tokens()["alice"])).status


@each_nest
def test_the_outer_rules_hold_inside_too(name):
    """The inner ``Auth`` leaves everything open, and can open nothing."""
    rules = [{"path": PREFIX + "/admin", "roles": ["admin"]}]
    outer, _, _ = counted(access={"public": [], "rules": rules})
    inner, _, _ = counted(access={"default": "anonymous", "public": [], "rules": []})
    app = nest(name, outer, inner)

    assert 403 == ask(name, app, request_for(PREFIX + "/admin", tokens()["alice"])).status
    assert 401 == ask(name, app, request_for(PREFIX + "/me")).status
    assert 200 == ask(name, app, request_for(PREFIX + "/admin", tokens()["admin"])).status


@each_nest
def test_the_identity_of_one_auth_is_not_that_of_another(name):
    """The inner one knows no such issuer, so that the user of the outer one is anonymous inside."""
    outer, _, _ = counted(access={"public": [], "rules": []})
    inner, _, _ = counted(
        issuer="https://other.example", access={"public": ["/{rest...}"], "rules": [], "on_invalid": "anonymous"}
    )
    app = nest(name, outer, inner)

    inside = seen_by(ask(name, app, request_for(PREFIX + "/me", tokens()["alice"])))
    outside = seen_by(ask(name, app, request_for("/me", tokens()["alice"])))

    assert (["anonymous"] * (STEPS + 1), ["alice"] * (STEPS + 1)) == (inside, outside)


@each_nest
def test_without_an_auth_inside_the_outer_identity_is_seen(name):
    auth, _, proofs = counted()

    seen = seen_by(ask(name, nest(name, auth, None), request_for(PREFIX + "/me", tokens()["alice"])))

    assert (["alice"] * (STEPS + 1), 1) == (seen, len(proofs))


@each_nest
def test_the_mounted_application_sees_its_own_path(name):
    auth, _, _ = counted()
    app = nest(name, auth, auth)

    inside = json.loads(ask(name, app, request_for(PREFIX + "/where", tokens()["alice"])).body)
    outside = json.loads(ask(name, app, request_for("/where", tokens()["alice"])).body)

    assert ([PREFIX, "/where"], ["", "/where"]) == (inside, outside)


@each_nest
@pytest.mark.parametrize(
    "path",
    ["/inner//admin", "/inner/./admin", "/inner/x/../admin", "/inner/%61dmin", "/inner/admin/", "/inner/inner/admin"],
)
def test_no_spelling_of_a_nested_path_passes_the_inner_rules(name, path):
    outer, _, _ = counted(access={"public": [], "rules": []})
    inner, _, _ = counted(**ADMIN_INSIDE)

    answer = ask(name, nest(name, outer, inner), request_for(path, tokens()["alice"]))

    assert answer.status in {307, 308, 400, 403, 404}
    assert b"alice" not in answer.body


@each_nest
def test_a_revocation_between_two_requests_counts_in_both(name):
    auth, _, _ = counted()
    app, token = nest(name, auth, auth), mint("carol", jti="nested")
    before = ask(name, app, request_for(PREFIX + "/me", token)).status

    auth.sessions.revoke_token("nested")

    assert (200, 401) == (before, ask(name, app, request_for(PREFIX + "/me", token)).status)
