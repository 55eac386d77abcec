"""Templates know who is asking and what they may do."""

import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import path

from django_people import OWN_PAGE, Project, new_user, sign_in
from safeconduct.django.context_processors import identity

PAGE = (
    '{% load safeconduct %}{% allows "POST" "/orders" as may_order %}'
    "{{ current_identity.display_name|default_if_none:'nobody' }} {{ may_order }}"
)


def page(request):
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def token(request):
    return HttpResponse(engines["django"].from_string("{{ safeconduct_csrf_token }}").render({}, request))


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


def test_a_page_shows_a_script_its_csrf_token():
    """Beside Django's own, which forms show; each page has another one, and each counts."""
    with Project((path("token", token),), fields={"csrf": {"token": "always"}}) as project:
        new_user()
        client = project.client()
        sign_in(client)
        first, second = (client.get("/token", secure=True).content.decode() for _ in range(2))

        assert first != second
        for each in (first, second):
            headers = OWN_PAGE | {"X-CSRF-Token": each}
            assert 200 == client.post("/token", secure=True, headers=headers).status_code


def test_without_the_middleware_nothing_is_allowed():
    """As in the page of an error that was raised before it."""
    context = identity(RequestFactory().get("/"))

    assert not context["current_identity"].is_authenticated
    assert not context["allows"]("GET", "/")
