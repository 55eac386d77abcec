"""REST framework's default router serves ``/orders.json`` as ``/orders/``: a rule for one holds for both."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.urlpatterns import format_suffix_patterns
from rest_framework.viewsets import ViewSet

from django_people import Project, get
from django_site import OF_A_PROJECT
from safeconduct.django.rest_framework import SafeconductAuthentication

KINDS = ("wsgi", "asgi")


class Orders(ViewSet):
    authentication_classes = (SafeconductAuthentication,)
    permission_classes = ()

    def list(self, _request, **_named):
        return Response("all")

    def retrieve(self, _request, pk, **_named):
        return Response(pk)


@api_view()
def stock(_request, **_named):
    return Response("stock")


ROUTER = DefaultRouter()
ROUTER.register("orders", Orders, basename="orders")
ROUTES = (
    path("api/", include(ROUTER.urls)),
    *format_suffix_patterns([path("stock", stock)]),
    path("stock.None", stock),
    path("plain.<str:format>", lambda _request, format: HttpResponse(format)),  # noqa: A006 - as REST framework calls it
)


def statuses(kind, targets, rule, *, name=None, **access):
    with Project(ROUTES, fields={"access": {"default": "anonymous", "rules": [rule], **access}}) as project:
        headers = project.token(name) if name else {}
        return [get(kind, target, **headers).status_code for target in targets]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", ["/api/orders", "/api/orders/", "/api/orders/{rest...}"])
def test_a_suffix_does_not_bypass_a_rule(kind, rule):
    targets = ("/api/orders.json", "/api/orders.json/", "/api/orders.api")
    rule = {"path": rule, "roles": ["clerk"]}

    assert [400] * 3 == statuses(kind, targets, rule)
    assert [400] * 3 == statuses(kind, targets, rule, name="alice")


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_not_open_what_is_closed_without_it(kind):
    rule = {"path": "/api/{rest...}"}

    assert [400, 401] == statuses(kind, ("/api/orders.json", "/api/orders/"), rule, public=["/api/{name}"])
    assert [400] == statuses(kind, ("/stock.json",), {"path": "/stock", "scopes": ["stock"]})


def test_it_is_open_where_both_are_named():
    """Compared with the path that is served without the suffix, which has a slash at its end or not."""
    public = ["/stock", "/stock.json", "/api/orders/", "/api/orders.json"]

    assert [200, 200] == statuses("wsgi", ("/stock.json", "/api/orders.json"), {"path": "/{rest...}"}, public=public)


def test_it_is_served_where_the_requirement_is_the_same():
    targets = ("/api/orders.json", "/api/orders/7.json", "/api/.json", "/stock.json")

    assert [200] * 4 == statuses("wsgi", targets, {"path": "/other"})
    assert [401] * 3 == statuses("wsgi", targets[:3], {"path": "/api/{rest...}"})
    assert [200] * 3 == statuses("wsgi", targets[:3], {"path": "/api/{rest...}"}, name="alice")


def test_what_is_no_view_of_rest_framework_has_no_suffix():
    assert [200, 401] == statuses("wsgi", ("/plain.pdf", "/plain"), {"path": "/plain"})


def test_a_view_that_takes_no_suffix_has_none():
    assert [200, 401] == statuses("wsgi", ("/stock.None", "/stock"), {"path": "/stock"})


def test_the_name_of_the_suffix_is_a_setting():
    with override_settings(REST_FRAMEWORK={"FORMAT_SUFFIX_KWARG": None}):
        assert [200] == statuses("wsgi", ("/stock",), {"path": "/other"})


class Replacing:
    """A middleware that hands on a request of its own making."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        new = HttpRequest()
        new.method, new.path_info, new.path = request.method, request.path_info, request.path
        return self.get_response(new)


def test_a_request_that_ours_has_not_seen_is_left_to_the_view():
    with Project(ROUTES, middleware=[*OF_A_PROJECT, f"{__name__}.Replacing"]) as project:
        assert 200 == project.client().get("/plain.pdf").status_code
