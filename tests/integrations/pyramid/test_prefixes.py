"""Pyramid: what takes a rest of the path, at a prefix without a slash at its end, and a rule for what is below it."""

import pytest

from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL, prefix_auth, statuses
from pyramid_table import Configurator, Response, install


class Tree(dict):
    """A tree of resources in which every name leads further."""

    def __getitem__(self, name):
        if name.startswith("no"):
            raise KeyError(name)
        return Tree()


def show(_request):
    return Response("file")


def by_subpath(config):
    config.add_route("vault", "/vault/*subpath")
    config.add_view(show, route_name="vault")


def by_hybrid_traversal(config):
    config.add_route("vault", "/vault/*traverse", factory=lambda _request: Tree())
    config.add_view(show, route_name="vault")


def by_route_prefix(config):
    def below(inner):
        inner.add_route("file", "/{name}*rest")
        inner.add_view(show, route_name="file")

    config.include(below, route_prefix="/vault")


def by_traversal(config):
    class Root(dict):
        def __init__(self, _request):
            super().__init__(vault=Tree())

    config.set_root_factory(Root)
    config.add_view(show, context=Tree)


def site(add):
    auth = prefix_auth()
    with Configurator() as config:
        install(config, auth)
        add(config)
        return auth.wsgi(config.make_wsgi_app())


@pytest.mark.parametrize("add", [by_subpath, by_hybrid_traversal, by_route_prefix, by_traversal])
def test_a_prefix_ends_with_a_whole_segment(add):
    application = site(add)

    assert CLOSED == statuses(application, INSIDE)
    assert [200, 200] == statuses(application, INSIDE, name="alice")
    assert OUTSIDE_OF_ALL == statuses(application, OUTSIDE)


def test_a_rest_that_touches_the_prefix_serves_other_paths_too():
    """``/vault*rest`` says nothing of a slash, so that a rule for what is below it is not enough."""

    def add(config):
        config.add_route("vault", "/vault*rest")
        config.add_view(show, route_name="vault")

    application = site(add)

    assert CLOSED == statuses(application, INSIDE)
    assert [200] * len(OUTSIDE) == statuses(application, OUTSIDE)
