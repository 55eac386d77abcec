"""A directory of Django that a project derives gives the same rights by each way in, and cannot lift a refusal."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from django.contrib.auth.models import Group
from django.test import AsyncClient, Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from django_people import VIEWS, Project, get, new_user
from safeconduct import Account
from safeconduct.django import DjangoDirectory
from safeconduct.django.rest_framework import HasScope, SafeconductAuthentication

WORLDS = ["wsgi", "asgi"]
#: A backend that accepts the password of an inactive user.
CARELESS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
#: Passwords are checked at each request, and no path is open.
BASIC = {
    "sources": ["bearer", "basic"],
    "basic": {"allow_plain_http": True, "cache_seconds": 0},
    "access": {"default": "authenticated"},
}


class Readers(DjangoDirectory):
    """The members of a group may read."""

    def account_of(self, user):
        account = super().account_of(user)
        return replace(account, scopes=["read"] if "readers" in account.roles else [])


class Reading(APIView):
    authentication_classes = (SafeconductAuthentication,)
    permission_classes = (HasScope,)
    required_scopes = ("read",)

    def get(self, request):
        return Response({"user": request.user.get_username()})


class Careless(DjangoDirectory):
    def account_of(self, user):
        return replace(super().account_of(user), disabled=False)


class Broken(DjangoDirectory):
    """A directory that answers rightly until *answer* is set."""

    answer = Account("alice")

    def account_of(self, _user):
        return self.answer() if callable(self.answer) else self.answer


def raises():
    raise ValueError("correct horse")


WRONG = [
    pytest.param(Account("bob"), logging.CRITICAL, "answered with the account of another subject", id="subject"),
    pytest.param(None, logging.CRITICAL, "answered with NoneType instead of an Account", id="nothing"),
    pytest.param("alice", logging.CRITICAL, "answered with str instead of an Account", id="text"),
    pytest.param(raises, logging.ERROR, "the directory failed", id="raises"),
]


def post(kind, target, **body):
    """Send JSON in one of the worlds, and return the status and what the answer says."""
    if kind == "wsgi":
        answer = Client(raise_request_exception=False).post(target, body, "application/json")
    else:
        client = AsyncClient(raise_request_exception=False)
        answer = asyncio.run(client.post(target, body, "application/json"))
    return answer.status_code, json.loads(answer.content)


def sign_in(kind):
    return post(kind, "/auth/login", username="alice", password="correct horse", remember=True)


def status_of(kind, authorization):
    return get(kind, "/scoped", Authorization=authorization).status_code


@pytest.mark.parametrize("kind", WORLDS)
def test_a_scope_is_there_from_the_sign_in_and_goes_with_the_next_renewal(kind):
    with Project(VIEWS, directory=Readers):
        user = new_user()
        user.groups.add(Group.objects.create(name="readers"))

        _, signed_in = sign_in(kind)
        _, renewed = post(kind, "/auth/refresh", refresh_token=signed_in["refresh_token"])
        user.groups.clear()
        _, later = post(kind, "/auth/refresh", refresh_token=renewed["refresh_token"])

        statuses = [status_of(kind, f"Bearer {each['access_token']}") for each in (signed_in, renewed, later)]
        assert [200, 200, 403] == statuses


@pytest.mark.parametrize("kind", WORLDS)
def test_has_scope_lets_somebody_in_the_group_pass(kind):
    """A view of REST framework that asks for a scope, and a person who signed in by password."""
    with Project([path("rest", Reading.as_view())], directory=Readers):
        user = new_user()
        _, before = sign_in(kind)
        user.groups.add(Group.objects.create(name="readers"))
        _, after = sign_in(kind)

        answers = [get(kind, "/rest", Authorization=f"Bearer {each['access_token']}") for each in (before, after)]

        assert [403, 200] == [answer.status_code for answer in answers]
        assert {"user": "alice"} == json.loads(answers[1].content)


@pytest.mark.parametrize("kind", WORLDS)
def test_a_password_in_each_request_has_the_scope_too(kind):
    with Project(VIEWS, directory=Readers, fields=BASIC):
        user = new_user()
        before = status_of(kind, "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==")

        user.groups.add(Group.objects.create(name="readers"))

        assert (403, 200) == (before, status_of(kind, "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="))


@pytest.mark.parametrize("kind", WORLDS)
def test_an_inactive_user_stays_refused(kind):
    """Whatever the override says, and even if a backend accepts their password."""
    with Project(VIEWS, directory=Careless, fields=BASIC, AUTHENTICATION_BACKENDS=CARELESS):
        user = new_user()
        _, tokens = sign_in(kind)
        user.is_active = False
        user.save()

        assert 401 == sign_in(kind)[0]
        assert 401 == status_of(kind, "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==")
        assert 401 == post(kind, "/auth/refresh", refresh_token=tokens["refresh_token"])[0]


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize(("answer", "level", "sentence"), WRONG)
def test_a_wrong_answer_is_503(kind, answer, level, sentence, monkeypatch, caplog):
    """It is a fault of the project: no sign-in, no renewal, and no refusal that would end the session."""
    with Project(VIEWS, directory=Broken, fields=BASIC):
        new_user()
        _, tokens = sign_in(kind)
        monkeypatch.setattr(Broken, "answer", staticmethod(answer) if callable(answer) else answer)

        statuses = [
            sign_in(kind)[0],
            post(kind, "/auth/refresh", refresh_token=tokens["refresh_token"])[0],
            status_of(kind, "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="),
        ]

        assert [503, 503, 503] == statuses
        logged = [record for record in caplog.records if record.name == "safeconduct.directories"]
        assert {level} == {record.levelno for record in logged}
        assert sentence in caplog.text
        assert "correct horse" not in caplog.text

        monkeypatch.undo()
        assert 200 == post(kind, "/auth/refresh", refresh_token=tokens["refresh_token"])[0]


def test_the_subject_may_be_another_field():
    with Project(VIEWS, directory=Readers, SAFECONDUCT_USER_FIELD="pk"):
        user = new_user()

        accounts = [Readers().check("alice", "correct horse"), Readers().lookup(str(user.pk))]

        assert [str(user.pk)] * 2 == [account.subject for account in accounts]
