"""Accept an ambiguous path only if every reading of it has the same requirement."""

import asyncio

import pytest

from app_client import SentRequest, call_wsgi, play, socket_scope, wsgi_environ
from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from frameworks import ServedMethods, plain_asgi, plain_wsgi
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.access_rules import Policy
from safeconduct._http.paths import readings_of
from safeconduct.config import Rule
from safeconduct.errors import InvalidRequest
from table_tokens import tokens

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]
both = pytest.mark.parametrize("world", WORLDS)


def auth(*, public=(), **rule):
    rules = [{"path": "/admin/{rest...}", "roles": ["admin"]}, *([rule] if rule else [])]
    config = configuration(access={"public": list(public), "rules": rules}, sources=["bearer"])
    return Auth(config, directory=MemoryDirectory(), clock=now)


@both
@pytest.mark.parametrize(
    "target",
    [
        "/@scope%2fname",
        "/cache/https%3A%2F%2Fexample.com%2Fa%2F%2Fb",
        "/a//b",
        "//a",
        "/a//",
        "/%2F",
        "/a/%2F/b",
        "/caf%C3%A9%2Fx",
    ],
)
def test_t8_a_path_whose_readings_ask_the_same_passes(world, target):
    """A scoped package name, a URL as one segment or a path parameter: no rule matches any reading."""
    served = ask_in(world, auth(), target=target, headers=BEARER)
    refused = ask_in(world, auth(), target=target)

    assert ("alice", 401) == (served.report["who"], refused.status)


@both
@pytest.mark.parametrize("target", ["/files/a%2Fb", "/files//a", "/files/a//%2f/"])
def test_t8_it_is_open_where_every_reading_is(world, target):
    assert 200 == ask_in(world, auth(public=["/files/{rest...}"]), target=target).status


FIELDS = [
    {"roles": ["clerk"]},
    {"scopes": ["read"]},
    {"level": "explicit"},
    {"max_age_seconds": 60},
    {"unsafe": True},
    {"consistency": "strict"},
    {"long_lived": True},
]


@both
@pytest.mark.parametrize("target", ["/a%2Fb", "/a%2fb", "/a//b", "//a/b", "/a/%2Fb", "/%2Fa/b"])
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_t8_it_is_refused_where_one_reading_asks_another_thing(world, target, field):
    """The readings may differ in any field of a rule; the credential is not read."""
    seen = ask_in(world, auth(path="/a/b", **field), target=target, headers=BEARER)

    assert (400, None) == (seen.status, seen.report)
    assert b'"code":"invalid_request"' in seen.body.replace(b" ", b"")


@both
@pytest.mark.parametrize(
    ("public", "rule", "target"),
    [
        ("/files/{rest...}", "/files/private/{rest...}", "/files//private/x"),
        ("/files/{rest...}", "/files/private/{rest...}", "/files%2Fprivate/x"),
        ("/files/{rest...}", "/files/private/{rest...}", "/files/private%2Fx"),
        ("/files/{rest...}", "/files/private/{rest...}", "/files/%2F/private"),
        ("/health", "/x", "//health"),
        ("/{name}", "/x", "/a%2Fb"),
        # An empty segment may be the value of a parameter, as it is for Falcon.
        ("/{rest...}", "/a/{name}/b", "/a//b"),
        ("/{rest...}", "/a/{name}", "/a//"),
        ("/{rest...}", "/{name}/b", "//b"),
    ],
)
def test_t8_what_is_open_in_one_reading_alone_is_refused(world, public, rule, target):
    seen = ask_in(world, auth(public=[public], path=rule, roles=["clerk"]), target=target)

    assert (400, None) == (seen.status, seen.report)


@both
@pytest.mark.parametrize(
    ("rule", "target"),
    [
        ("/page/edit", "/page/@@edit"),
        ("/page/edit", "/page/%40%40edit"),
        ("/page/edit", "/page%2F@@edit"),
        ("/page/edit", "/page//@@edit"),
        ("/page/edit", "/page/@@edit/"),
        # What follows the view is its own to read.
        ("/page/edit", "/page/@@edit/x"),
        ("/page/edit/{rest...}", "/page/@@edit/x"),
        ("/page/edit/@@x", "/page/@@edit/@@x"),
        # The view without a name is that of the page itself.
        ("/page", "/page/@@"),
        ("/page", "/page/@@/x"),
        ("/", "/@@"),
        ("/{name}", "/@@x"),
    ],
)
def test_t8_a_view_is_the_same_with_its_mark(world, rule, target):
    """Traversal takes ``/page/@@edit`` for ``/page/edit``, which the author of the rule may not know."""
    seen = ask_in(world, auth(public=["/@@x"], path=rule, roles=["clerk"]), target=target)

    assert (400, None) == (seen.status, seen.report)


@both
@pytest.mark.parametrize("target", ["/@@", "/page/@@edit", "/page/@@edit/x/@@y", "/a@@b", "/a%2F@@b"])
def test_t8_a_mark_passes_where_no_rule_tells_the_views_apart(world, target):
    assert "alice" == ask_in(world, auth(), target=target, headers=BEARER).report["who"]


@both
@pytest.mark.parametrize("target", ["/ADMIN", "/Admin/x", "/admIn//x", "/%41dmin"])
def test_t8_a_capital_does_not_bypass_a_rule(world, target):
    """BlackSheep, and file systems that know no case, serve it all the same."""
    seen = ask_in(world, auth(public=["/{name}", "/{name}/{more}"]), target=target, headers=BEARER)

    assert (403, None) == (seen.status, seen.report)


def test_t8_all_four_readings_count():
    """Decoded or not, with or without empty segments: here only the last combination matches the rule."""
    policy = Policy((), [Rule(path="/{x}/b", roles=["clerk"])])
    readings = readings_of("/a/z//b", b"/a%2Fz//b", "")

    assert [["a", "z", "", "b"], ["a/z", "", "b"], ["a", "z", "b"], ["a/z", "b"]] == readings
    assert [False, False, False, True] == [bool(policy.requirement_of("GET", each).role_sets) for each in readings]
    with pytest.raises(InvalidRequest):
        policy.requirement_of_all("GET", readings)


@both
@pytest.mark.parametrize(
    "target", ["/a%2F..", "/a%2F..%2Fb", "/.%2Fa", "/a//..", "/a%2F%00", "/a%2F%5C", "/a//%5c", "/a%2F%0A"]
)
def test_t8_dots_backslashes_and_control_characters_are_refused_in_any_case(world, target):
    assert (400, None) == ((seen := ask_in(world, auth(), target=target, headers=BEARER)).status, seen.report)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "expected"),
    [
        ("/a/b", b"/a%2Fb", "", [["a", "b"], ["a/b"]]),
        ("/a/b", b"/a%2Fb?next=/%2F", "", [["a", "b"], ["a/b"]]),
        ("/a/b", b"/api/a%2Fb", "/api", [["a", "b"], ["a/b"]]),
        ("/a/b", b"/a%2Fb", "/api", [["a", "b"], ["a/b"]]),
        ("/a/b/", b"https://app.example:443/a%2Fb/", "", [["a", "b", ""], ["a/b", ""]]),
        ("/x/http:/y/z", b"/x/http:%2Fy/z", "", [["x", "http:", "y", "z"], ["x", "http:/y", "z"]]),
        ("/x/http://y/z", b"/x/http://y%2Fz", "", None),
        ("/\u00e9/b", b"/\xc3\xa9%2Fb", "", [["\u00e9", "b"], ["\u00e9/b"]]),
        ("/a/b", None, "", [["a", "b"]]),
        ("/a/b", b"/a/b?x=%2F", "", [["a", "b"]]),
        ("/", b"/", "", [[""]]),
    ],
)
def test_t8_what_a_path_can_be_read_as(path, raw_path, root_path, expected):
    """Without a raw path the application cannot see an encoded slash either."""
    readings = readings_of(path, raw_path, root_path)

    assert readings[0] == path[1:].split("/")
    assert ["x", "http:", "", "y/z"] in readings if expected is None else expected == readings


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path"),
    [
        ("/a/b", b"/c%2Fb", ""),
        ("/admin", b"/api%2Fadmin", "/api"),
        ("/b", b"/a%2Fb", ""),
        ("/a/b", b"a%2Fb", ""),
        ("/x", b"/a%2Fb", "/other"),
    ],
)
def test_t8_a_raw_path_of_another_path_tells_nothing(path, raw_path, root_path):
    """One of the two was rewritten, so what the application will read is unknown."""
    with pytest.raises(InvalidRequest):
        readings_of(path, raw_path, root_path)


def test_t8_behind_a_server_without_raw_path_the_decoded_one_counts():
    """Rules match the path, which is all that the application can read."""
    served = ServedMethods()
    environ = wsgi_environ(SentRequest("GET", "/admin%2Fx", (("host", b"app.example"), *BEARER), "https"))
    del environ["RAW_URI"]

    assert 403 == call_wsgi(auth().wsgi(plain_wsgi(served)), environ).status
    assert [] == served


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI", "RAW_PATH_INFO"])
def test_t8_the_raw_path_is_known_by_the_names_that_servers_give_it(key):
    served = ServedMethods()
    environ = wsgi_environ(SentRequest("GET", "/admin%2Fx", (("host", b"app.example"), *BEARER), "https"))
    environ[key] = environ.pop("RAW_URI")

    assert 400 == call_wsgi(auth().wsgi(plain_wsgi(served)), environ).status
    assert [] == served


FRAGMENTS = ["/health#/admin", "/health#", "/#", "/health%23#"]


@pytest.mark.parametrize(
    ("world", "target"),
    # An ASGI server passes a query on with its fragment, so nothing is cut off there.
    [*((world, target) for world in WORLDS for target in FRAGMENTS), ("wsgi", "/health?x=1#/admin")],
)
def test_a7_a_target_with_a_fragment_is_refused(world, target):
    """Servers cut the fragment off and proxies do not, so a proxy has judged another path."""
    cut = target.partition("#")[0].partition("?")[0]
    more = {"path": cut, "raw_path": target.encode()} if world == "asgi" else {"PATH_INFO": cut, "RAW_URI": target}

    seen = ask_in(world, auth(public=["/{rest...}"]), **more)

    assert (400, None) == (seen.status, seen.report)
    assert b'"code":"invalid_request"' in seen.body.replace(b" ", b"")


@both
def test_a7_an_encoded_hash_is_a_letter_like_any_other(world):
    assert 200 == ask_in(world, auth(public=["/{x}"]), target="/a%23b").status


def test_a7_a_handshake_with_a_fragment_is_refused():
    served = ServedMethods()
    scope = socket_scope(SentRequest("GET", "/health", (), "https")) | {"raw_path": b"/health#/admin"}

    sent = asyncio.run(play(auth(public=["/health"]).asgi(plain_asgi(served)), scope))

    assert ("websocket.http.response.start", 400) == (sent[0]["type"], sent[0]["status"])
    assert [] == served


@both
def test_t8_our_own_paths_are_read_in_one_way(world):
    """An encoded slash in one of our paths is refused; an empty segment makes it an application path."""
    encoded = ask_in(world, auth(), target="/.well-known%2Fjwks.json")
    doubled = ask_in(world, auth(), target="//.well-known/jwks.json", headers=BEARER)

    assert (400, "alice") == (encoded.status, doubled.report["who"])


@both
def test_t8_nobody_is_sent_to_another_site_by_a_path_of_two_slashes(world):
    """The redirection names no page to return to."""
    access = {"public": [], "rules": [], "sign_in_url": "/sign-in"}
    closed = Auth(configuration(access=access, sources=["bearer"]), clock=now)

    seen = ask_in(world, closed, target="//evil.example/x", headers=[("sec-fetch-mode", b"navigate")])

    assert (303, ("/sign-in",)) == (seen.status, seen.values("location"))
