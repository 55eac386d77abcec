"""The admin takes its users from us: sign-in, rights, forms, sign-out."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.test.utils import override_script_prefix
from django.urls import path

from django_people import OWN_PAGE, Project, new_user, sign_in

User = get_user_model()


@pytest.fixture
def project():
    if not admin.site.is_registered(User):
        admin.site.register(User, UserAdmin)
    with Project((path("admin/", admin.site.urls),)) as made:
        yield made


def test_the_sign_in_page_of_the_admin_is_ours(project):
    """And leads back to where the person wished to go."""
    client = project.client()

    first = client.get("/admin/auth/user/?q=a", secure=True)
    page = client.get(first["location"], secure=True)

    assert (302, 302) == (first.status_code, page.status_code)
    assert "/auth/sign-in?next=/admin/auth/user/%3Fq%3Da" == page["location"]


def test_below_a_prefix_too(project):
    with override_script_prefix("/shop/"):
        page = project.client().get("/admin/login/", secure=True, SCRIPT_NAME="/shop")

    assert "/shop/auth/sign-in?next=/shop/admin/" == page["location"]


def test_the_staff_works_in_it(project):
    """A form is posted with Django's own token in it, of which only the origin counts."""
    new_user(is_staff=True, is_superuser=True)
    client = project.client()
    sign_in(client)

    assert 200 == client.get("/admin/", secure=True).status_code
    added = client.post(
        "/admin/auth/user/add/",
        {"username": "bob", "password1": "correct horse", "password2": "correct horse", "usable_password": "true"},
        secure=True,
        headers=OWN_PAGE,
    )
    assert 302 == added.status_code
    assert User.objects.filter(username="bob").exists()
    assert 302 == client.get("/admin/login/?next=/elsewhere", secure=True).status_code


def test_its_sign_out_ends_our_session(project):
    new_user(is_staff=True, is_superuser=True)
    client, thief = project.client(), project.client()
    sign_in(client)
    thief.cookies = client.cookies.copy()

    assert 200 == client.post("/admin/logout/", secure=True, headers=OWN_PAGE).status_code

    assert 302 == thief.get("/admin/", secure=True).status_code


def test_only_the_row_says_who_is_staff(project):
    """No role of a token opens the admin."""
    new_user()
    client = project.client()
    client.defaults |= {
        f"HTTP_{name.upper()}": value for name, value in project.token("alice", roles=["staff", "admin"]).items()
    }

    assert 302 == client.get("/admin/").status_code
    assert 403 == client.get("/admin/login/").status_code


def test_an_api_key_of_the_staff_does_not_enter():
    """It may be limited to a few scopes or to none, and no page of the admin asks for any."""
    with Project((path("admin/", admin.site.urls),), fields={"sources": ["bearer", "cookie", "api_key"]}) as project:
        new_user(is_staff=True, is_superuser=True)
        key = project.auth.api_keys.create("alice", name="script", scopes=[]).key
        with_key, with_token = project.client(), project.client("alice")

        refused = [
            with_key.get(page, headers={"Authorization": f"Bearer {key}"}) for page in ("/admin/", "/admin/login/")
        ]

        assert [302, 403] == [response.status_code for response in refused]
        assert 200 == with_token.get("/admin/").status_code


def test_staff_who_become_inactive_are_out(project):
    user, client = new_user(is_staff=True, is_superuser=True), project.client()
    sign_in(client)
    user.is_active = False
    user.save()

    assert 302 == client.get("/admin/", secure=True).status_code


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"sources": ["bearer"], "csrf": {}}, id="tokens alone"),
        pytest.param({"endpoints": {"pages": False}}, id="no pages"),
        pytest.param({"endpoints": {"enabled": False}}, id="no endpoints"),
        pytest.param({"cookies": {"mode": "off"}}, id="no sign-in by cookie"),
    ],
)
def test_without_a_sign_in_page_the_answer_is_401(fields):
    """A redirection would lead to a path that nothing serves."""
    with Project((path("admin/", admin.site.urls),), fields=fields) as project:
        assert 401 == project.client().get("/admin/login/").status_code
