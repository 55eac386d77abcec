"""A mount prefix that is odd leads nobody to another site: a path that begins with two slashes names a host."""

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from page_reader import NAVIGATION, Page


def asked(site, target, root_path):
    """Navigate to *target*, where the server takes no prefix off the path."""
    fields = (("host", b"app.example"), *((name, value.encode()) for name, value in NAVIGATION))
    sent = SentRequest("GET", target, fields, "https", b"")
    if site.world == "asgi":
        return site._runner.run(call_asgi(site.application, asgi_scope(sent, root_path=root_path)))
    return call_wsgi(site.application, wsgi_environ(sent, SCRIPT_NAME=root_path))


@pytest.mark.parametrize(
    ("root_path", "prefix"),
    [("/", ""), ("/shop/", "/shop"), ("http:/evil.example", "/http%3A/evil.example"), ("shop", "/shop")],
)
def test_a_prefix_has_one_slash_before_it_and_none_after_it(make, root_path, prefix):
    site = make(access={"default": "authenticated"})

    [location] = asked(site, "/me", root_path).values("location")
    page = Page(asked(site, "/auth/sign-in", root_path).body.decode())

    assert f"{prefix}/auth/sign-in" == location.partition("?")[0].replace(":", "%3A")
    assert f"{prefix}/auth/login" == page.forms[0].action
    assert f"{prefix}/" == page.forms[0].values["next"]


@pytest.mark.parametrize("root_path", ["//", "//evil.example", "/shop//", "/\\evil.example", "/a\r\nb"])
def test_an_ambiguous_prefix_is_refused(make, root_path):
    answer = asked(make(access={"default": "authenticated"}), "/me", root_path)

    assert (400, ()) == (answer.status, tuple(answer.values("location")))
