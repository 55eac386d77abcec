"""Show callers what the application offers them: the links of ``GET /auth/session`` (mission C4)."""

import json

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from login_site import LoginClient
from memory_directory import MemoryDirectory
from safeconduct import Account

LINKS = [
    {"rel": "news", "method": "GET", "path": "/news"},
    {"rel": "profile", "method": "GET", "path": "/me"},
    {"rel": "pay", "method": "POST", "path": "/payments/{id}"},
    {"rel": "close", "method": "DELETE", "path": "/accounts/{account}/cards/{card}"},
    {"rel": "file", "method": "GET", "path": "/files/{path...}"},
    {"rel": "admin", "method": "GET", "path": "/admin"},
    {"rel": "click", "method": "POST", "path": "/clicks"},
    {"rel": "call", "method": "POST", "path": "/calls"},
    {"rel": "subscribe", "method": "POST", "path": "/news"},
]
RULES = [
    {"path": "/payments/{rest...}", "methods": ["POST"], "level": "explicit", "max_age_seconds": 300},
    {"path": "/payments/1", "roles": ["boss"]},
    {"path": "/accounts/{rest...}", "scopes": ["cards"]},
    {"path": "/admin", "roles": ["admin", "boss"]},
    {"path": "/clicks", "schemes": ["cookie"]},
    {"path": "/calls", "schemes": ["bearer", "client"]},
    {"path": "/files/secret", "roles": ["boss"]},
]
ACCESS = {"links": LINKS, "rules": RULES, "public": ["GET /news", "/files/{rest...}"]}
OWN = {"login", "sign-in", "logout", "step-up", "logout-everywhere", "sessions", "renew", "refresh", "extend"}


class Rights(MemoryDirectory):
    """A directory whose only user has rights that a test changes."""

    def __init__(self, **rights):
        super().__init__(alice="wonder")
        self.rights = rights

    def check(self, username, password):
        account = super().check(username, password)
        return account and Account(account.subject, **self.rights)

    def lookup(self, subject):
        return Account(subject, **self.rights)


@pytest.fixture
def open_client(make):
    def begin(access=None, **rights):
        return LoginClient(make(directory=Rights(**rights), access={**ACCESS, **(access or {})}))

    return begin


def offered(client, **how):
    """Return the links of the application that are shown now, by ``rel``."""
    assert 200 == client.request("GET", "/auth/session", **how)
    return {link["rel"]: link for link in client.json["links"] if link["rel"] not in OWN}


def test_c4_an_anonymous_caller_is_shown_the_public_links(open_client):
    """They come after our own, in the order of the configuration."""
    client = open_client()

    assert {"news", "file"} == offered(client).keys()
    assert ["login", "sign-in", "news", "file"] == [link["rel"] for link in client.json["links"]]


@pytest.mark.parametrize(
    ("rights", "more"),
    [
        ({}, ()),
        ({"roles": ["admin"]}, ("admin",)),
        ({"roles": ["boss"]}, ("admin",)),
        ({"scopes": ["cards"]}, ("close",)),
        ({"scopes": ["card"], "roles": ["Admin"]}, ()),
        ({"scopes": ["cards", "x"], "roles": ["admin", "user"]}, ("admin", "close")),
    ],
    ids=str,
)
def test_scopes_and_roles_decide(open_client, rights, more):
    client = open_client(**rights)
    client.sign_in()

    assert {"news", "profile", "pay", "file", "click", "subscribe", *more} == offered(client).keys()


def test_the_kind_of_the_credential_decides(open_client):
    client = open_client()
    client.get_tokens()

    shown = offered(client, bearer=client.tokens["access_token"])

    assert ("call" in shown, "click" in shown) == (True, False)


def test_a_link_goes_with_the_age_of_the_proof_and_comes_with_a_step_up(open_client, clock):
    """What needs a fresh sign-in is shown for as long as the rules would let it pass."""
    client = open_client()
    client.sign_in(remember=True)
    assert "pay" in offered(client)
    assert client.request("POST", "/payments/7") == 200

    clock.advance(seconds=301)
    assert "pay" not in offered(client)
    assert client.request("POST", "/payments/7") == 401

    assert client.request("POST", "/auth/step-up", json_body={"password": "wonder"}) == 200
    client.csrf = client.json["csrf_token"]
    assert "pay" in offered(client)


def test_a_link_that_needs_a_higher_level_is_hidden_from_the_remembered(open_client, clock):
    """After a refresh the caller is remembered: the path is closed, and so is its link."""
    client = open_client({"rules": [{"path": "/payments/{rest...}", "level": "explicit"}]})
    client.sign_in(remember=True)
    assert "pay" in offered(client)
    clock.advance(seconds=100_000)
    assert client.request("POST", "/auth/refresh") == 200
    client.csrf = client.json["csrf_token"]

    assert client.json["level"] == "remembered"
    assert "pay" not in offered(client)
    assert client.request("POST", "/payments/7") == 401


def test_c4_every_link_that_is_shown_is_let_through(open_client):
    """And every link that is hidden is refused, whatever rights the caller has."""
    for rights in ({}, {"roles": ["admin"]}, {"scopes": ["cards"]}, {"roles": ["boss"], "scopes": ["cards"]}):
        client = open_client(**rights)
        client.sign_in()
        shown = offered(client)
        for link in LINKS:
            target = link["path"].replace("{path...}", "a/b").replace("{", "").replace("}", "")

            assert (client.request(link["method"], target) == 200) is (link["rel"] in shown), link


def test_a_parameter_stands_for_a_value_that_no_rule_names(open_client):
    """``/payments/1`` and ``/files/secret`` have rules of their own, which the link does not speak of."""
    client = open_client()
    client.sign_in()

    assert {"pay", "file"} <= offered(client).keys()
    assert (403, 403) == (client.request("POST", "/payments/1"), client.request("GET", "/files/secret"))


def test_an_address_with_parameters_is_a_uri_template(open_client):
    """RFC 6570: ``{id}`` expands to one segment, and ``{+path}`` to slashes too."""
    client = open_client(scopes=["cards"])
    client.sign_in()
    shown = offered(client)

    assert {"rel": "pay", "method": "POST", "href": "/payments/{id}", "templated": True} == shown["pay"]
    assert "/accounts/{account}/cards/{card}" == shown["close"]["href"]
    assert "/files/{+path}" == shown["file"]["href"]
    assert {"rel": "profile", "method": "GET", "href": "/me"} == shown["profile"]


def test_an_address_is_percent_encoded(open_client):
    links = [{"rel": "odd", "method": "GET", "path": path} for path in ("/caf\u00e9 menu/", "/a'b;c=d,e:f@g", "/")]
    client = open_client({"links": links, "public": ["/{rest...}"], "rules": []})
    client.request("GET", "/auth/session")

    assert ["/caf%C3%A9%20menu/", "/a%27b;c=d,e:f@g", "/"] == [link["href"] for link in client.json["links"][2:]]


@pytest.mark.parametrize(
    ("root_path", "prefix"), [("/api", "/api"), ("/api/v{1}", "/api/v%7B1%7D"), ("/caf\u00e9 x", "/caf%C3%A9%20x")]
)
@pytest.mark.parametrize("world", ["asgi", "wsgi"], indirect=True)
def test_an_address_begins_with_the_mount_prefix(open_client, world, root_path, prefix):
    """Our own links too; what looks like an expression in the prefix is none."""
    site = open_client().site
    request = SentRequest("GET", "/auth/session", (("host", b"app.example"),), "https")
    if world == "asgi":
        response = site._runner.run(call_asgi(site.application, asgi_scope(request, root_path=root_path)))
    else:
        octets = root_path.encode().decode("latin-1")
        response = call_wsgi(site.application, wsgi_environ(request, SCRIPT_NAME=octets))

    links = json.loads(response.body)["links"]
    ours = [f"{prefix}/auth/login", f"{prefix}/auth/sign-in"]
    assert [*ours, f"{prefix}/news", f"{prefix}/files/{{+path}}"] == [each["href"] for each in links]


def test_a_session_that_is_over_shows_what_is_public(open_client):
    client = open_client(roles=["admin"])
    client.sign_in()
    client.site.auth.sessions.sign_out_everywhere("alice")

    assert {"news", "file"} == offered(client).keys()


def test_a_path_that_is_public_by_its_method_is_shown_by_its_method(open_client):
    """``GET /news`` is public, and ``POST /news`` needs a caller."""
    client = open_client()
    assert "subscribe" not in offered(client)
    client.sign_in()
    assert "subscribe" in offered(client)


def test_several_links_may_have_one_name(open_client):
    """RFC 8288: a client chooses among them."""
    links = [{"rel": "item", "method": "GET", "path": f"/{name}"} for name in "ab"]
    client = open_client({"links": links, "public": ["/{name}"], "rules": []})
    client.request("GET", "/auth/session")

    assert ["/a", "/b"] == [link["href"] for link in client.json["links"] if link["rel"] == "item"]


def test_no_event_is_reported_for_a_link_that_is_hidden(open_client):
    client = open_client()
    before = len(client.site.events)

    offered(client)

    assert before == len(client.site.events)
