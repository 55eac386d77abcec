"""People sign in with the passwords of Django, and every sign-out of Django ends our session."""

import asyncio
import json

import pytest
from django.contrib.auth import alogout, get_user_model, logout
from django.contrib.auth.signals import user_logged_out
from django.contrib.auth.views import LogoutView
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path

from django_people import OWN_PAGE, VIEWS, Project, new_user, sign_in
from safeconduct import Account
from safeconduct.django import DjangoDirectory, get_auth

ACCESS, REFRESH = "__Host-safeconduct", "__Host-safeconduct-refresh"


def sign_out(request):
    logout(request)
    return HttpResponse(str(request.user))


async def sign_out_awaited(request):
    await alogout(request)
    return HttpResponse(str(await request.auser()))


def sign_out_too_late(request):
    get_auth().close()
    return sign_out(request)


ROUTES = (
    *VIEWS,
    path("out", sign_out),
    path("out/async", sign_out_awaited),
    path("out/view", LogoutView.as_view()),
    path("out/closed", sign_out_too_late),
)


@pytest.fixture
def project():
    with Project(ROUTES) as made:
        yield made


def named(client):
    return client.get("/named", secure=True).json()["user"]


def test_the_passwords_of_django_work(project):
    new_user()
    client = project.client()

    assert 401 == sign_in(client, password="wrong").status_code
    assert 401 == sign_in(client, username="bob").status_code
    assert 200 == sign_in(client).status_code
    assert "alice" == named(client)


@pytest.mark.usefixtures("project")
def test_they_work_behind_asgi():
    """The directory is asked in a thread of the pool, whose connections are closed again."""
    new_user()
    body = {"username": "alice", "password": "correct horse"}
    client = AsyncClient()

    answer = asyncio.run(client.post("/auth/login", body, "application/json"))

    token = json.loads(answer.content)["access_token"]
    seen = asyncio.run(client.get("/named/async", headers={"Authorization": f"Bearer {token}"}))
    assert b"alice" in seen.content


def test_the_throttle_counts_them():
    """After too many wrong passwords the hasher is not asked any more."""
    limits = {"failures_per_account_and_network": 2}
    with Project(ROUTES, fields={"login": limits}) as project:
        new_user()
        client = project.client()

        statuses = [sign_in(client, password="wrong").status_code for _ in range(3)]

        assert [401, 401, 429] == statuses


@pytest.mark.usefixtures("project")
def test_what_the_directory_knows():
    user = new_user(is_active=False)
    user.groups.create(name="editors")
    directory = DjangoDirectory()

    assert Account("alice", roles=["editors"], display_name="alice", disabled=True) == directory.lookup("alice")
    assert None is directory.lookup("bob")
    assert None is directory.check("alice", "correct horse")


@pytest.mark.parametrize("target", ["/out", "/out/async", "/out/view"])
def test_a_sign_out_of_django_ends_our_session(project, target):
    """By a function, an awaited one, and Django's own view; in every browser that has the cookie."""
    new_user()
    client, thief = project.client(), project.client()
    sign_in(client)
    thief.cookies = client.cookies.copy()

    answer = client.post(target, secure=True, headers=OWN_PAGE)

    assert 200 == answer.status_code or target == "/out/view"
    assert "" == answer.cookies[ACCESS].value
    assert '"cache", "storage"' == answer["clear-site-data"]
    assert ("", "") == (named(client), named(thief))


def test_a_sign_out_at_our_endpoint_ends_request_user(project):
    new_user()
    client = project.client()
    sign_in(client)

    assert 204 == client.post("/auth/logout", {}, "application/json", secure=True, headers=OWN_PAGE).status_code

    assert "" == named(client)


def test_a_sign_out_by_header_revokes_the_token_and_sets_no_cookie(project):
    new_user()
    client = project.client("alice")

    answer = client.post("/out")

    assert (200, b"AnonymousUser", {}) == (answer.status_code, answer.content, dict(answer.cookies))
    assert 401 == client.get("/named").status_code


@pytest.mark.parametrize("scheme", ["none", "basic"])
def test_a_sign_out_without_a_session_changes_nothing(scheme):
    """A password comes again with the next request."""
    fields = {"sources": ["bearer", "basic"], "basic": {"allow_plain_http": True}}
    with Project(ROUTES, fields=fields) as project:
        new_user()
        basic = {"Authorization": "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="}

        answer = project.client().post("/out", headers=basic) if scheme == "basic" else project.client().get("/out")

        assert (200, {}) == (answer.status_code, dict(answer.cookies))


@pytest.mark.usefixtures("project")
def test_a_sign_out_outside_of_a_request_changes_nothing():
    """A test, or a command, may send the signal."""
    user_logged_out.send(get_user_model(), request=None, user=None)


def test_a_store_that_is_out_is_no_sign_out(project):
    """503: the session may go on, and the browser keeps its cookie."""
    new_user()
    client = project.client()
    sign_in(client)

    answer = client.post("/out/closed", secure=True, headers=OWN_PAGE)

    assert 503 == answer.status_code
    assert ACCESS not in answer.cookies


def test_login_required_lets_a_remembered_person_continue():
    """In a project whose rules close nothing: a day later, by a typed address, and by a link on another site."""
    access = {"default": "anonymous", "continue_navigation": True}
    with Project(ROUTES, fields={"access": access}) as project:
        new_user()
        client = project.client()
        sign_in(client, remember=True)
        project.clock.advance(seconds=86_400)
        refresh = client.cookies.pop(REFRESH)
        client.cookies.pop(ACCESS)

        # The strict cookie does not come with a link on another site, nor with what that redirects to.
        linked = walk(client, "/closed?page=2", "cross-site")
        client.cookies[REFRESH] = refresh.value
        typed = walk(client, "/closed?page=2", "none")

        assert [(302, "/closed"), (200, "/auth/sign-in")] == linked
        assert [(303, "/closed"), (303, "/auth/continue"), (200, "/closed")] == typed


def walk(client, target, site):
    """Open *target* as a browser navigates there; return the status and the path of each step."""
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": site}
    steps = []
    while target and len(steps) < 6:
        answer = client.get(target, secure=True, headers={**headers, "Accept": "text/html"})
        steps.append((answer.status_code, target.partition("?")[0]))
        target = answer.get("location")
    return steps
