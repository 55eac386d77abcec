"""Templates know who is asking and what they may do."""

import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import path

from django_people import Project
from safeconduct.django.context_processors import identity

PAGE = (
    '{% load safeconduct %}{% allows "POST" "/orders" as may_order %}'
    "{{ current_identity.display_name|default_if_none:'nobody' }} {{ may_order }}"
)


def page(request):
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


@pytest.fixture
def project():
    rules = [{"path": "/orders", "methods": ["POST"], "roles": ["clerk"]}]
    with Project((path("page", page),), fields={"access": {"default": "anonymous", "rules": rules}}) as made:
        yield made


@pytest.mark.parametrize(
    ("grant", "expected"),
    [(None, b"nobody False"), ({}, b"alice False"), ({"roles": ["clerk"]}, b"alice True")],
    ids=["nobody", "alice", "clerk"],
)
def test_a_template_asks_the_rules(project, grant, expected):
    headers = {} if grant is None else project.token("alice", **grant)

    assert expected == project.client().get("/page", headers=headers).content


def test_without_the_middleware_nothing_is_allowed():
    """As in the page of an error that was raised before it."""
    context = identity(RequestFactory().get("/"))

    assert not context["current_identity"].is_authenticated
    assert not context["allows"]("GET", "/")
