"""Django: routes at a prefix without a slash at its end, and a rule for what is below it."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, re_path

from django_people import Project
from prefixes import CLOSED, INSIDE, OUTSIDE, OUTSIDE_OF_ALL

FIELDS = {"access": {"default": "anonymous", "rules": [{"path": "/vault/{rest...}"}]}}


def page(_request, **_parts):
    return HttpResponse("file")


def statuses(urlpatterns, paths, *, has_token=False):
    with Project(urlpatterns, fields=FIELDS) as project:
        headers = project.token("alice") if has_token else {}
        return [Client().get(target, headers=headers).status_code for target in paths]


@pytest.mark.parametrize(
    "entry",
    [
        path("vault/<path:rest>", page),
        path("vault/", include([path("<path:rest>", page)])),
        path("vault", include([path("/<path:rest>", page)])),
        re_path(r"^vault/", page),
        re_path(r"^vault/", include([re_path(r"^(?P<rest>.+)$", page)])),
    ],
    ids=["path", "include", "include without a slash", "expression", "expressions"],
)
def test_a_prefix_ends_with_a_whole_segment(entry):
    assert CLOSED == statuses((entry,), INSIDE)
    assert [200, 200] == statuses((entry,), INSIDE, has_token=True)
    assert OUTSIDE_OF_ALL == statuses((entry,), OUTSIDE)


@pytest.mark.parametrize(
    "entry",
    [
        re_path(r"^vault", page),
        path("vault", include([path("<path:rest>", page)])),
        re_path(r"^vault", include([re_path(r"^(?P<rest>.+)$", page)])),
    ],
    ids=["expression", "include", "expressions"],
)
def test_what_goes_on_without_a_slash_serves_other_paths_too(entry):
    """Django compares the beginning of the path alone, so that a rule for what is below it is not enough."""
    assert CLOSED == statuses((entry,), INSIDE)
    assert [200] * len(OUTSIDE) == statuses((entry,), OUTSIDE)
