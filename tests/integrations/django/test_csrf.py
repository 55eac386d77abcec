"""``CsrfViewMiddleware`` is satisfied by what our CSRF steps let through, and by nothing else."""

import re
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.template import engines
from django.urls import path

from django_people import OWN_PAGE, VIEWS, Project, new_user, sign_in
from django_site import OF_A_PROJECT

FORM = "<form method=post>{% csrf_token %}<button></button></form>"
BASIC = {"Authorization": "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="}


def form(request):
    if request.method == "POST":
        return HttpResponse(f"posted by {request.user.get_username() or 'nobody'}")
    return HttpResponse(engines["django"].from_string(FORM).render({}, request))


ROUTES = (*VIEWS, path("post", form))


@pytest.fixture
def project():
    new = {"sources": ["bearer", "cookie", "basic", "api_key"], "csrf": {"token": "fallback"}}
    with Project(ROUTES, fields=new) as made:
        new_user()
        yield made


def post(client, headers=(), body=None):
    return client.post("/post", body or {}, secure=True, headers={**dict(headers)})


def test_a_post_by_header_needs_no_token(project):
    """No page can make a browser send it."""
    assert b"posted by alice" == post(project.client("alice")).content


def test_an_api_key_needs_none_either(project):
    key = project.auth.api_keys.create("alice", name="script")

    assert b"posted by alice" == post(project.client(), {"Authorization": f"Bearer {key.key}"}).content


def test_a_form_of_a_signed_in_user_works(project):
    """With Django's tag in it, which nobody needs to change."""
    client = project.client()
    sign_in(client)
    token = re.search(r'value="(\w+)"', client.get("/post", secure=True).content.decode())[1]

    assert b"posted by alice" == post(client, OWN_PAGE, {"csrfmiddlewaretoken": token}).content


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({"Origin": "null"}, 403, id="null"),
        pytest.param({}, 403, id="nothing"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="own"),
    ],
)
def test_a_foreign_page_is_refused_with_django_s_token_too(project, headers, status):
    """The user counts as nobody on a public path, and Django's own step refuses the forged form."""
    client = project.client()
    sign_in(client)

    assert status == post(client, headers).status_code


def test_a_foreign_page_that_knows_django_s_token_posts_as_nobody(project):
    """Django's cookie can be set by a sibling domain; ours decides who posts."""
    client = project.client()
    sign_in(client)
    token = client.get("/form", secure=True).content.decode()
    client.cookies["csrftoken"] = token
    headers = {"Sec-Fetch-Site": "cross-site", "Referer": "https://testserver/post", "X-CSRFToken": token}

    assert b"posted by nobody" == post(client, headers).content


def test_an_anonymous_form_is_checked_by_django(project):
    client = project.client()
    token = client.get("/form", secure=True).content.decode()
    own = {"Referer": "https://testserver/post"}

    assert 403 == post(client, own).status_code
    assert b"posted by nobody" == post(client, own, {"csrfmiddlewaretoken": token}).content


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "https://evil.example"}, 403)],
    ids=["script", "cross-site", "foreign origin"],
)
def test_a_password_passes_our_origin_step_only(project, headers, status):
    """A browser replays a password from any page."""
    assert status == post(project.client(), BASIC | headers).status_code


def test_the_token_is_asked_for_where_it_always_is():
    """Then a form without a script cannot post, and the system check says so."""
    with Project(ROUTES, fields={"csrf": {"token": "always"}}) as project:
        new_user()
        client = project.client()
        token = sign_in(client).json()["csrf_token"]

        assert 403 == post(client, OWN_PAGE).status_code
        assert 200 == post(client, OWN_PAGE | {"X-CSRF-Token": token}).status_code


@pytest.mark.parametrize(
    ("token", "status"), [pytest.param("always", 403, id="always"), pytest.param("fallback", 302, id="fallback")]
)
def test_forms_without_scripts_depend_on_the_token(token, status):
    """Those of the admin as those of the project; our own pages serve people without scripts in any case."""
    routes = (*ROUTES, path("admin/", admin.site.urls))
    with Project(routes, fields={"csrf": {"token": token}, "access": {}}) as project:
        new_user(is_staff=True, is_superuser=True)
        client = project.client()

        signed_in = post_by_page(client, "/auth/login", username="alice", password="correct horse", next="/post")
        added = post_by_page(client, "/admin/auth/group/add/", name="editors")
        posted = post_by_page(client, "/post")
        signed_out = post_by_page(client, "/auth/logout", next="/post")

        assert (303, "/post") == (signed_in.status_code, signed_in["location"])
        assert (status, status // 100 == 3) == (added.status_code, Group.objects.filter(name="editors").exists())
        assert (200 if token == "fallback" else 403) == posted.status_code
        assert (303, "/post") == (signed_out.status_code, signed_out["location"])
        assert 401 == client.get("/post", secure=True).status_code


def post_by_page(client, target, **form):
    """Send a form as a browser does whose scripts are switched off."""
    navigation = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
    headers = {**OWN_PAGE, **navigation, "Accept": "text/html"}
    return client.post(target, urlencode(form), "application/x-www-form-urlencoded", secure=True, headers=headers)


def test_the_step_of_django_stays_without_our_middleware():
    """Nothing here switches it off for others."""
    with Project(ROUTES, middleware=OF_A_PROJECT[1:]) as project:
        assert 403 == post(project.client(), OWN_PAGE).status_code
