"""A sign-in page of the project's own, in plain and async views, behind WSGI and ASGI."""

import asyncio
import re

import pytest
from django.contrib.auth import alogout, logout
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, HttpResponseRedirect
from django.template import engines
from django.test import AsyncClient, Client
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response

from django_people import VIEWS, Project, ask_asgi, ask_wsgi, new_user
from safeconduct import Account
from safeconduct import django as integration
from safeconduct.django import (
    acheck_password,
    aset_cookies,
    check_password,
    clear_cookies,
    get_auth,
    set_cookies,
)
from safeconduct.errors import BadCredentials

ACCESS, REFRESH, DEVICE = (f"__Host-safeconduct{end}" for end in ("", "-refresh", "-device"))
FORM = "<form method=post>{% csrf_token %}</form>"
PASSWORD = "correct horse"
# That of Django's test clients.
SITE = "https://testserver"
OWN_PAGE = {"Origin": SITE}


def shown(request):
    return HttpResponse(engines["django"].from_string(FORM).render({}, request))


def enter(request):
    """Sign in as the documents show it."""
    if request.method == "GET":
        return shown(request)
    name = request.POST["username"]
    try:
        account = check_password(name, request.POST["password"], request)
    except BadCredentials:
        return HttpResponse("wrong", status=401)
    if "switch" in request.POST:
        logout(request)
    auth = get_auth()
    remember = "remember" in request.POST
    tokens = auth.sessions.sign_in(account, username=name, remember=remember, origin=auth.cookies.origin_of(request))
    response = HttpResponseRedirect("/named")
    response.set_cookie("mine", "kept")
    set_cookies(response, tokens, request)
    return response


async def enter_awaited(request):
    """Sign in by the awaited functions."""
    if request.method == "GET":
        return shown(request)
    name = request.POST["username"]
    try:
        account = await acheck_password(name, request.POST["password"], request)
    except BadCredentials:
        return HttpResponse("wrong", status=401)
    if "switch" in request.POST:
        await alogout(request)
    auth = get_auth()
    remember = "remember" in request.POST
    tokens = await auth.async_sessions.sign_in(
        account, username=name, remember=remember, origin=auth.async_cookies.origin_of(request)
    )
    response = HttpResponseRedirect("/named")
    response.set_cookie("mine", "kept")
    await aset_cookies(response, tokens, request)
    return response


def take(request):
    """Sign bob in, whom the project has proven in another way."""
    auth, response = get_auth(), HttpResponse()
    set_cookies(response, auth.sessions.sign_in(Account("bob"), origin=auth.cookies.origin_of(request)), request)
    return response


@api_view(["POST"])
@permission_classes([])
def enter_by_script(request):
    """Sign in by a view of REST framework, which wraps the request."""
    account = check_password(request.data["username"], request.data["password"], request)
    auth, response = get_auth(), Response({"user": account.subject})
    set_cookies(response, auth.sessions.sign_in(account, origin=auth.cookies.origin_of(request)), request)
    return response


def leave(request):
    get_auth().sessions.end(request.principal.session_id)
    response = HttpResponse("bye")
    response.set_cookie("mine", "kept")
    clear_cookies(response)
    return response


ROUTES = (
    *VIEWS,
    path("enter", enter),
    path("enter/async", enter_awaited),
    path("leave", leave),
    path("take", take),
    path("api/enter", enter_by_script),
)


class Browser:
    """A browser at the project: its cookies, and the requests that it sends behind *kind*, "wsgi" or "asgi"."""

    def __init__(self, kind, auth):
        self.kind, self.auth = kind, auth
        client = Client if kind == "wsgi" else AsyncClient
        self.client = client(raise_request_exception=False, enforce_csrf_checks=True)

    def request(self, method, target, form=None, headers=OWN_PAGE):
        send = getattr(self.client, method)
        # Its ``headers`` become names with underscores in Django 5.2.0 behind ASGI.
        sent = {"headers": headers} if self.kind == "wsgi" else headers
        answer = send(target, form or {}, secure=True, **sent)
        return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    def sign_in(self, page, name="alice", password=PASSWORD, headers=OWN_PAGE, **more):
        """Open the page, and send its form with the token of Django."""
        token = re.search(r'value="(\w+)"', self.request("get", page).content.decode())[1]
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token, **more}
        return self.request("post", page, form, headers)

    def user(self):
        return self.request("get", "/named").json()["user"]

    def sessions(self):
        return self.auth.sessions.list("alice")

    def cookies(self):
        return {name for name, each in self.client.cookies.items() if each.value}


@pytest.fixture
def project():
    fields = {"external_url": SITE, "login": {"failures_per_account": 2}}
    with Project(ROUTES, fields=fields) as made:
        new_user()
        new_user("bob")
        yield made


@pytest.fixture(params=["wsgi", "asgi"])
def browser(request, project):
    return Browser(request.param, project.auth)


EACH_VIEW = pytest.mark.parametrize("page", ["/enter", "/enter/async"])


@EACH_VIEW
def test_a_person_signs_in(browser, page):
    """With the cookies of a sign-in, beside one of the view; a wrong password sets none."""
    wrong = browser.sign_in(page, password="wrong")
    assert (401, {"csrftoken"}) == (wrong.status_code, browser.cookies())

    right = browser.sign_in(page, remember="on")

    assert 302 == right.status_code
    assert {ACCESS, REFRESH, DEVICE, "mine", "csrftoken"} == browser.cookies()
    access, refresh = right.cookies[ACCESS], right.cookies[REFRESH]
    assert ("/", True, True, "Lax") == (access["path"], access["secure"], access["httponly"], access["samesite"])
    assert "Strict" == refresh["samesite"]
    assert (access["max-age"], bool(access["expires"])) == ("900", True)
    assert "alice" == browser.user()


@EACH_VIEW
def test_another_site_signs_nobody_in(browser, page):
    """Also with Django's token, which a sibling domain can set."""
    with_metadata = {"Referer": f"{SITE}/enter", "Sec-Fetch-Site": "cross-site"}

    refused = browser.sign_in(page, headers=with_metadata)

    assert 403 == refused.status_code
    assert "did not come from a page of this site" in refused.content.decode()
    assert {"csrftoken"} == browser.cookies()


@EACH_VIEW
def test_the_throttle_counts_its_passwords(browser, page):
    """A browser in which the person has signed in before is not locked out; the view does not see its cookie."""
    browser.sign_in(page)
    another = Browser(browser.kind, browser.auth)

    assert [401, 401, 429] == [another.sign_in(page, password="wrong").status_code for _ in range(3)]

    browser.client.cookies.pop(ACCESS)
    assert 302 == browser.sign_in(page).status_code


@EACH_VIEW
def test_the_session_before_ends(browser, page):
    """Also that of a refresh cookie, which the view does not see, once the access cookie is over (ASVS 7.2.4)."""
    browser.sign_in(page, remember="on")
    browser.client.cookies.pop(ACCESS)
    assert 1 == len(browser.sessions())

    browser.sign_in(page, "bob")

    assert "bob" == browser.user()
    assert REFRESH not in browser.cookies()
    assert () == browser.sessions()


@EACH_VIEW
def test_a_sign_out_of_django_before_it_takes_no_new_cookie_away(browser, page):
    """The cookies that its response would delete have been replaced."""
    browser.sign_in(page)

    browser.sign_in(page, "bob", switch="on")

    assert "bob" == browser.user()
    assert () == browser.sessions()


def test_a_person_signs_out(browser):
    browser.sign_in("/enter", remember="on")

    answer = browser.request("post", "/leave")

    assert {DEVICE, "mine", "csrftoken"} == browser.cookies()
    assert ('"cache", "storage"', "kept") == (answer["clear-site-data"], answer.cookies["mine"].value)
    assert ("", ()) == (browser.user(), browser.sessions())


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_the_session_before_ends_below_a_gate_around_django(project, kind):
    """As Channels needs it: the outer gate has hidden the cookies already."""
    browser = Browser("wsgi", project.auth)
    browser.sign_in("/enter", remember="on")
    cookie = f"{REFRESH}={browser.client.cookies[REFRESH].value}"
    headers = (("origin", SITE.encode()), ("cookie", cookie.encode()))

    if kind == "wsgi":
        answer = ask_wsgi(project.auth.wsgi(WSGIHandler()), "/take", headers=headers)
    else:
        answer = asyncio.run(ask_asgi(project.auth.asgi(ASGIHandler()), "/take", headers=headers))

    assert 200 == answer.status
    assert () == browser.sessions()


def test_a_view_of_rest_framework_signs_in(browser):
    """Whose request wraps that of Django."""
    form = {"username": "alice", "password": PASSWORD}

    foreign = browser.request("post", "/api/enter", form, {"Origin": "https://evil.example"})
    own = browser.request("post", "/api/enter", form)

    assert (403, 200) == (foreign.status_code, own.status_code)
    assert "alice" == browser.user()


def test_every_public_name_is_one():
    assert all(getattr(integration, name).__module__.startswith("safeconduct.django.") for name in integration.__all__)


def test_without_the_middleware_a_cookie_is_set_all_the_same(project):
    """A test of a view may call it alone."""
    request = Browser("wsgi", project.auth).request("get", "/enter").wsgi_request
    del request._safeconduct
    request.META["HTTP_ORIGIN"] = SITE
    tokens = project.auth.sessions.sign_in(check_password("alice", PASSWORD, request))
    response = HttpResponse()

    set_cookies(response, tokens, request)

    assert {ACCESS, DEVICE, REFRESH} == set(response.cookies)
