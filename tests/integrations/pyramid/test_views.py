"""Pyramid: a view that is found by traversal has two names, and a rule for one of them holds for both."""

import pytest

from app_client import SentRequest, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from pyramid_table import Configurator, Response, install
from safeconduct import Auth
from table_tokens import tokens


class Page:
    """A resource with views and without children."""


class Root(dict):
    """The resource at ``/``, with one page."""

    def __init__(self, _request):
        super().__init__(page=Page())


def show(request):
    return Response(f"view {request.view_name!r}")


def by_traversal(config):
    config.set_root_factory(Root)
    for name in ("", "edit"):
        config.add_view(show, context=Page, name=name)


def by_hybrid_traversal(config):
    config.add_route("pages", "/*traverse", factory=Root)
    for name in ("", "edit"):
        config.add_view(show, context=Page, name=name, route_name="pages")


def site(add, rule):
    access = {"default": "anonymous", "rules": [{"path": rule, "roles": ["admin"]}]}
    auth = Auth(configuration(access=access), directory=MemoryDirectory(), clock=now)
    with Configurator() as config:
        install(config, auth)
        add(config)
        return auth.wsgi(config.make_wsgi_app())


def ask(application, path, name=None):
    fields = (("authorization", f"Bearer {tokens()[name]}".encode()),) if name else ()
    request = SentRequest("GET", path, (("host", b"app.example"), *fields), "https")
    return call_wsgi(application, wsgi_environ(request))


@pytest.mark.parametrize("add", [by_traversal, by_hybrid_traversal])
@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/page/edit", "/page/@@edit"),
        ("/page/edit", "/page/@@edit/x"),
        ("/page/edit/{rest...}", "/page/@@edit/x"),
        ("/page", "/page/@@"),
        ("/page", "/page/@@/x"),
    ],
)
def test_a_view_is_not_served_by_its_other_name(add, rule, path):
    assert [400, 400] == [ask(site(add, rule), path, name).status for name in (None, "alice")]


@pytest.mark.parametrize("add", [by_traversal, by_hybrid_traversal])
def test_a_view_is_served_by_both_names_where_no_rule_tells_them_apart(add):
    application = site(add, "/other")

    assert [200, 200] == [ask(application, path).status for path in ("/page/edit", "/page/@@edit")]
    assert b"view 'edit'" == ask(application, "/page/@@edit").body


def test_a_view_reads_what_follows_its_name():
    """So a rule for the view alone is not enough; one that ends with ``{rest...}`` is."""
    statuses = [ask(site(by_traversal, rule), "/page/edit/x").status for rule in ("/page/edit", "/page/edit/{rest...}")]

    assert [200, 401] == statuses
