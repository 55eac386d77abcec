"""Say by ``schemes`` where API keys may pass; a key is of another kind than the token of a user."""

import json

import pytest

RULES = [
    {"path": "/scripts", "schemes": ["api_key"]},
    {"path": "/people", "schemes": ["bearer", "cookie"]},
    {"path": "/danger", "schemes": ["cookie"]},
]
LINKS = [{"rel": path[1:], "method": "GET", "path": path} for path in ("/scripts", "/people", "/me")]


@pytest.fixture(params=["bounded", "strict"])
def site(request, make):
    return make(access={"rules": RULES, "links": LINKS}, revocation={"consistency": request.param})


@pytest.mark.parametrize("times", [1, 3])
def test_a_key_passes_where_keys_do(site, times):
    """Both travel as Bearer; a remembered route asks again."""
    key = site.create()

    for _ in range(times):
        assert [200, 403, 403, 200] == [site.get(key, path) for path in ("/scripts", "/people", "/danger", "/me")]
    assert "InsufficientRights" == site.refused()


def test_a_users_token_is_no_key(site):
    sent = json.dumps({"username": "alice", "password": "wonder"}).encode()
    signed_in = site.request("POST", "/auth/login", [("content-type", "application/json")], sent)
    token = json.loads(signed_in.body)["access_token"]

    assert [403, 200, 403, 200] == [site.get(token, path) for path in ("/scripts", "/people", "/danger", "/me")]


def test_a_key_is_told_what_it_may_do(site):
    """The links of a session that is none: only what the application offers to keys."""
    identity = site.identity(site.create())

    assert [True, False] == [site.auth.allows(identity, "GET", path) for path in ("/scripts", "/people")]
    shown = site.request("GET", "/auth/session", [("authorization", f"Bearer {site.create().key}")])
    rels = [link["rel"] for link in json.loads(shown.body)["links"]]
    assert {"scripts", "me"} == {*rels} & {"scripts", "people", "me"}
