"""Say by ``schemes`` which kinds of credentials may pass, in rules and in ``requires``."""

import asyncio
from base64 import b64encode

import pytest

from app_client import SentRequest, play, socket_scope
from app_reports import WORLDS
from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, ConfigurationError, Rule
from safeconduct._core.access_rules import Policy
from safeconduct.errors import InvalidRequest
from table_tokens import NOW, tokens
from two_paths import TwoPaths

SITE = b"https://app.example"
RULES = [
    {"path": "/pages/{rest...}", "schemes": ["cookie"]},
    {"path": "/api/{rest...}", "schemes": ["bearer", "client"]},
    {"path": "/scripts", "schemes": ["basic", "api_key"]},
    {"path": "/{name}/both", "schemes": ["cookie", "bearer"]},
    {"path": "/api/both", "methods": ["POST"], "schemes": ["bearer"]},
]
ACCESS = {"rules": RULES, "public": ["/pages/open"], "sign_in_url": "/sign-in"}
BASIC = b"Basic " + b64encode(b"alice:wonder")


def credentials():
    """Return the header field of each kind of credential."""
    token = tokens()["alice"].encode()
    return {
        "bearer": ("authorization", b"Bearer " + token),
        "cookie": ("cookie", b"__Host-safeconduct=" + token),
        "basic": ("authorization", BASIC),
    }


@pytest.fixture
def events():
    return []


@pytest.fixture
def make_auth(events):
    def make():
        return Auth(
            configuration(access=ACCESS), directory=MemoryDirectory(alice="wonder"), clock=lambda: float(NOW),
            listeners=[events.append],
        )  # fmt: skip

    return make


@pytest.fixture(params=WORLDS)
def site(request, make_auth):
    paths = TwoPaths(request.param, make_auth())
    yield paths
    paths.close()


@pytest.mark.parametrize(
    ("target", "accepted"),
    [
        ("/pages/7", {"cookie"}),
        ("/api/7", {"bearer"}),
        ("/scripts", {"basic"}),
        ("/scripts/", {"basic"}),
        ("/pages/both", {"cookie"}),
        ("/api/both", {"bearer"}),
        ("/other/both", {"cookie", "bearer"}),
        ("/elsewhere", {"cookie", "bearer", "basic"}),
        ("/pages/open", {"cookie", "bearer", "basic"}),
        ("/sign-in", {"cookie", "bearer", "basic"}),
    ],
)
def test_only_the_named_kinds_pass(site, target, accepted):
    """On the fast path and on the slow one; a public route takes every kind."""
    for kind, field in credentials().items():
        response = site.warm("GET", target, field)

        assert (200 if kind in accepted else 403) == response.status, kind


def test_a_refused_kind_is_no_reason_to_sign_in(site, events):
    """A person's browser would be sent to and fro for ever; 403 says that no sign-in helps."""
    field = credentials()["cookie"]

    response = site.agree("GET", "/api/7", field, ("accept", b"text/html"), ("sec-fetch-mode", b"navigate"))

    assert (403, ()) == (response.status, response.values("location"))
    assert ("InsufficientRights", "scheme") == (events[-1].error, events[-1].reason)
    [challenge] = response.values("www-authenticate")
    assert 'error="insufficient_scope"' in challenge
    assert "scope=" not in challenge.replace('error="insufficient_scope"', "")


def test_without_a_credential_a_person_is_sent_to_sign_in(site):
    response = site.agree("GET", "/pages/7", ("accept", b"text/html"), ("sec-fetch-mode", b"navigate"))

    assert (303, ("/sign-in?next=/pages/7",)) == (response.status, response.values("location"))
    assert 401 == site.agree("GET", "/pages/7").status


@pytest.mark.parametrize(("target", "status"), [("/pages/7", 403), ("/api/7", 200)])
def test_of_two_credentials_the_header_alone_is_judged(site, target, status):
    """A token of the wrong kind in the header is not made good by the right cookie."""
    both = [credentials()["bearer"], credentials()["cookie"]]

    assert status == site.warm("GET", target, *both).status
    assert status == site.warm("GET", target, *reversed(both)).status


def test_the_header_counts_where_it_is_not_valid(site):
    """Nor does a cookie take the place of a bad token."""
    bad = ("authorization", b"Bearer x.y.z")

    assert 401 == site.agree("GET", "/pages/7", bad, credentials()["cookie"]).status


@pytest.mark.parametrize(
    ("target", "kind", "status"),
    [
        ("/api/7", "subprotocol", 101),
        ("/pages/7", "subprotocol", 403),
        ("/pages/7", "cookie", 101),
        ("/api/7", "cookie", 403),
        ("/api/7", "bearer", 101),
    ],
)
def test_a_token_among_the_subprotocols_is_a_bearer_token(make_auth, target, kind, status):
    fields = dict(credentials(), subprotocol=("sec-websocket-protocol", b"bearer, " + tokens()["alice"].encode()))
    request = SentRequest("GET", target, (("origin", SITE), fields[kind]), "https")

    async def application(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    with make_auth() as auth:
        sent = asyncio.run(play(auth.asgi(application), socket_scope(request)))

    assert status == (101 if sent[0]["type"] == "websocket.accept" else sent[0]["status"])


def test_a_path_whose_readings_take_different_kinds_is_ambiguous():
    policy = Policy((), [Rule(path="/a/b", schemes=["cookie"]), Rule(path="/{x}", schemes=["bearer"])])

    with pytest.raises(InvalidRequest):
        policy.requirement_of_all("GET", [["a", "b"], ["a/b"]])
    alike = Policy((), [Rule(path="/a/b", schemes=["cookie"]), Rule(path="/{x}", schemes=["cookie"])])
    assert frozenset(["cookie"]) == alike.requirement_of_all("GET", [["a", "b"], ["a/b"]]).schemes


def _rules(*pairs):
    return [
        Rule(path=path, methods=methods.split(), schemes=schemes.split() or None) for methods, path, schemes in pairs
    ]


@pytest.mark.parametrize(
    "rules",
    [
        [("", "/a", "cookie"), ("", "/a", "bearer")],
        [("", "/a", "cookie"), ("", "/a/", "bearer")],
        [("", "/a/{x}", "cookie"), ("", "/a/{y}", "bearer")],
        [("", "/{rest...}", "cookie"), ("", "/a", "bearer")],
        [("", "/a/{rest...}", "cookie"), ("", "/{rest...}", "bearer")],
        [("", "/a/{x}/{rest...}", "cookie"), ("", "/a/{rest...}", "bearer")],
        [("", "/a/b", "cookie"), ("", "/{x}/b", "bearer")],
        [("GET", "/a", "cookie"), ("", "/a", "bearer")],
        [("GET POST", "/a", "cookie"), ("POST", "/a", "bearer")],
        [("HEAD", "/a", "cookie"), ("GET", "/a", "bearer")],
        [("", "/a", "cookie bearer"), ("", "/a", "bearer basic"), ("", "/a", "basic cookie")],
        [("", "/a", ""), ("", "/{rest...}", "cookie"), ("", "/{x}", "bearer")],
        [("", "/", "cookie"), ("", "/{rest...}", "bearer")],
    ],
    ids=str,
)
def test_rules_that_let_nobody_pass_are_refused(rules):
    """Wherever one of them matches, the others do, and no kind is accepted by all; the error names them."""
    with pytest.raises(ConfigurationError) as caught:
        Policy((), _rules(*rules))

    assert str(caught.value).startswith("access.rules: schemes: ")
    assert all(repr(f"{','.join(_methods(methods))} {path}".lstrip()) in str(caught.value)
               for methods, path, schemes in rules if schemes)  # fmt: skip


def _methods(methods):
    named = {*methods.split()}
    return sorted(named | ({"HEAD"} if "GET" in named else set()))


@pytest.mark.parametrize(
    ("rules", "closed", "passing"),
    [
        ([("", "/a/{x}", "cookie"), ("", "/{x}/b", "bearer")], "GET /a/b", "GET /a/c"),
        (
            [("", "/a/{x}", "cookie"), ("", "/a/{y...}", "bearer cookie"), ("", "/{x}/b", "bearer")],
            "GET /a/b",
            "GET /a",
        ),
        ([("", "/a/{rest...}", "cookie"), ("", "/{x}/{y}/{rest...}", "bearer")], "GET /a/b", "GET /a"),
        ([("", "/a/{rest...}", "cookie"), ("", "/{x}", "bearer")], "GET /a", "GET /a/b"),
        ([("GET POST", "/a/{x}", "cookie"), ("POST PUT", "/{x}/b", "bearer")], "post /a/b", "GET /a/b"),
    ],
    ids=str,
)
def test_rules_that_meet_on_some_requests_close_those(rules, closed, passing):
    """Where only some requests meet both, these are refused, and the others pass as usual."""
    policy = Policy((), _rules(*rules))

    assert frozenset() == policy.requirement(*closed.split()).schemes
    assert policy.requirement(*passing.split()).schemes


def test_a_public_entry_that_is_less_specific_does_not_open_a_kind():
    policy = Policy(["/{rest...}"], [Rule(path="/a", schemes=["cookie"])])

    assert (False, {"cookie"}) == (policy.requirement("GET", "/a").is_open, policy.requirement("GET", "/a").schemes)
    assert policy.requirement("GET", "/b").is_open
