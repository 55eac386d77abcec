"""The Pyramid integration: the security policy, permissions, answers to errors, and wrong arguments."""

import importlib
import json
import sys

import pytest

from app_client import SentRequest, call_wsgi, wsgi_environ
from auth_setups import auth_for, configuration
from pyramid_table import Configurator, HTTPForbidden, Response, forget, install, pyramid_app, remember
from safeconduct import Auth, requires
from safeconduct.errors import ConfigurationError
from table_tokens import tokens


def call(app, target="/me", name="alice", setup="main"):
    """Send a request to the installed *app*, with the token *name* or none."""
    fields = (("authorization", f"Bearer {tokens()[name]}".encode()),) if name else ()
    request = SentRequest("GET", target, (("host", b"app.example"), *fields), "https")
    return call_wsgi(auth_for(setup).wsgi(app), wsgi_environ(request))


def with_view(view, *more, setup="main", **options):
    """Return an application with one view at ``/me``, after each of *more* was called with its configurator."""

    def add(config):
        config.add_route("me", "/me", factory=options.pop("factory", None))
        config.add_view(view, route_name="me", **options)

    return pyramid_app(auth_for(setup), add, *more)


def show_identity(request):
    """Report what the security policy says."""
    return Response(json_body=[getattr(request.identity, "subject", None), request.authenticated_userid])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alice", ["alice", "alice"]),
        ("idp", ["alice", None]),
        ("partner", ["alice", "partner:alice"]),
        (None, [None, None]),
    ],
)
def test_the_policy_says_who_is_asking(name, expected):
    assert expected == json.loads(call(with_view(show_identity, setup="open"), name=name, setup="open").body)


@pytest.mark.parametrize(
    ("name", "status", "challenge"),
    [
        ("reader", 200, ()),
        ("alice", 403, ('error="insufficient_scope"', 'scope="read"')),
        (None, 401, ("Bearer realm=",)),
    ],
)
def test_a_permission_is_a_scope(name, status, challenge):
    """A permission without an ACL is a scope that the caller must have; who is nobody gets a challenge."""
    seen = call(with_view(show_identity, permission="read", setup="open"), name=name, setup="open")

    assert status == seen.status
    assert all(part in seen.values("www-authenticate")[0] for part in challenge)


class Acl:
    """A context with an ACL."""

    def __init__(self, entries):
        self.__acl__ = entries


@pytest.mark.parametrize(
    ("entry", "admitted"),
    [
        ("user:alice", {"alice"}),
        ("role:admin", {"admin"}),
        ("scope:read", {"reader"}),
        ("system.Authenticated", {"alice", "admin", "reader"}),
        ("system.Everyone", {"alice", "admin", "reader", None}),
        ("alice", set()),
    ],
)
def test_an_acl_decides_where_there_is_one(entry, admitted):
    """No name of a user can be taken for a role: each kind has its own prefix."""
    app = with_view(
        show_identity, setup="open", permission="read", factory=lambda _request: Acl([("Allow", entry, "read")])
    )

    for name in ("alice", "admin", "reader", None):
        seen = call(app, name=name, setup="open").status
        assert (200 if name in admitted else 403 if name else 401) == seen, name


def test_an_acl_of_a_parent_counts():
    class Below:
        def __init__(self, _request):
            self.__parent__, self.__name__ = Acl([("Allow", "user:alice", "edit")]), "below"

    assert 200 == call(with_view(show_identity, permission="edit", factory=Below)).status
    assert 403 == call(with_view(show_identity, permission="edit", factory=Below), name="admin").status


def test_a_denial_by_an_acl_is_final():
    """A scope of the permission's name does not open what an ACL closes."""
    app = with_view(show_identity, permission="read", factory=lambda _request: Acl([("Deny", "scope:read", "read")]))

    assert 403 == call(app, name="reader").status


def test_a_foreign_user_without_a_name_here_is_no_user_of_ours():
    """An issuer that is trusted for its own users must not be able to name one of ours."""
    app = with_view(show_identity, permission="edit", factory=lambda _request: Acl([("Allow", "user:alice", "edit")]))

    assert (200, 403) == (call(app).status, call(app, name="idp").status)


def test_a_tween_and_a_subscriber_see_the_refusal():
    def add(config):
        config.add_subscriber(
            lambda event: event.response.headers.update({"x-stamp": "yes"}), "pyramid.events.NewResponse"
        )

    seen = call(with_view(requires(roles=["admin"])(show_identity), add))

    assert (403, ("yes",)) == (seen.status, seen.values("x-stamp"))


def test_the_application_s_own_forbidden_view_wins():
    def add(config):
        config.add_forbidden_view(lambda _request: Response("not for you", status=403))

    assert b"not for you" == call(with_view(show_identity, add, permission="read")).body


def test_what_the_application_forbids_in_its_own_words_stays():
    def view(_request):
        raise HTTPForbidden("closed on Sundays")

    seen = call(with_view(view))

    assert 403 == seen.status
    assert b"closed on Sundays" in seen.body


def test_signing_in_by_a_name_is_refused():
    """A name alone proves nothing, and a sign-out in the browser alone would end nothing."""

    def view(request):
        with pytest.raises(NotImplementedError, match="/auth/login"):
            remember(request, "root")
        with pytest.raises(NotImplementedError, match="/auth/logout"):
            forget(request)
        return Response("refused")

    assert b"refused" == call(with_view(view)).body


def test_without_the_line_around_it_no_request_is_served():
    app = pyramid_app(auth_for("main"))

    with pytest.raises(LookupError, match="did not come through"):
        call_wsgi(app, wsgi_environ(SentRequest("GET", "/health", (), "https")))


@pytest.mark.parametrize("wrong", [Configurator, None, "config"], ids=["class", "none", "text"])
def test_only_a_configurator_is_installed_into(wrong):
    with pytest.raises(ConfigurationError, match="wanted a Configurator"):
        install(wrong, auth_for("main"))


def test_only_an_auth_is_installed():
    for wrong in (Auth, configuration(), None):
        with pytest.raises(ConfigurationError, match="wanted an Auth"):
            install(Configurator(), wrong)


def test_one_configurator_has_one_auth():
    """A second one would be ignored, and the first would answer its errors."""
    config = Configurator()
    install(config, auth_for("main"))
    install(config, auth_for("main"))

    with pytest.raises(ConfigurationError, match="second Auth"):
        install(config, auth_for("open"))


def test_a_missing_pyramid_is_named_with_the_command_that_helps(monkeypatch):
    monkeypatch.delitem(sys.modules, "safeconduct.pyramid")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyramid"]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[pyramid\]'"):
        importlib.import_module("safeconduct.pyramid")
