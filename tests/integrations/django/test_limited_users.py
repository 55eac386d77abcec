"""What Django permits an API key, and a service that acts for a user: no more than the credential names."""

import asyncio
import copy
import pickle
from dataclasses import replace

import pytest
from django.apps import apps
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.contrib.auth.models import Group, Permission
from django.db.models.signals import post_delete, post_save
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.test import AsyncClient, override_settings
from django.urls import path
from ninja import NinjaAPI
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from django_people import Project, new_user
from safeconduct import Principal
from safeconduct._core.decision import Passed
from safeconduct.django import DjangoDirectory
from safeconduct.django.limited_users import limited_user
from safeconduct.django.ninja import SafeconductAuth
from safeconduct.django.rest_framework import SafeconductAuthentication
from safeconduct.django.users import user_of
from safeconduct.testing import Clock

SOURCES = {"sources": ["bearer", "cookie", "api_key"]}


class ScopedDirectory(DjangoDirectory):
    """A directory whose users may have a permission of Django as a scope."""

    def account_of(self, user):
        return replace(super().account_of(user), scopes=["auth.view_user", "auth.delete_user", "read"])


class Users(APIView):
    authentication_classes = (SafeconductAuthentication,)
    permission_classes = (DjangoModelPermissions,)
    queryset = get_user_model().objects.all()

    def get(self, request):
        return Response(request.user.get_username())

    post = delete = get


class Staff(Users):
    permission_classes = (IsAdminUser,)


def permissions_of(request):
    user = request.user
    return JsonResponse(
        {
            "all": sorted(user.get_all_permissions()),
            "user": sorted(user.get_user_permissions()),
            "group": sorted(user.get_group_permissions()),
            "groups": sorted(user.groups.values_list("name", flat=True)),
            "module": [user.has_module_perms("auth"), user.has_module_perms("sessions")],
            "every": [user.has_perms(["auth.view_user"]), user.has_perms(["auth.view_user", "auth.add_user"])],
            "is": [user.is_staff, user.is_superuser, user.is_active, user.is_authenticated, user.get_username()],
        }
    )


async def permissions_awaited(request):
    user = await request.auser()
    return JsonResponse(
        {
            "all": sorted(await user.aget_all_permissions()),
            "user": sorted(await user.aget_user_permissions()),
            "group": sorted(await user.aget_group_permissions()),
            "module": [await user.ahas_module_perms("auth"), await user.ahas_module_perms("sessions")],
            "every": [await user.ahas_perms(["auth.view_user"]), await user.ahas_perms(["auth.view_user", "auth.x"])],
        }
    )


def template(request):
    text = "{% if perms.auth.view_user %}may{% endif %}{% if perms.auth %} some{% endif %}"
    return HttpResponse(engines["django"].from_string(text).render({}, request))


def superuser_only(request):
    return HttpResponse(request.user.get_username())


VIEWS = (
    path("permitted", permission_required("auth.view_user", raise_exception=True)(superuser_only)),
    path("users", Users.as_view()),
    path("staff", Staff.as_view()),
    path("admin-page", staff_member_required(superuser_only, login_url="/sign-in")),
    path("superuser", user_passes_test(lambda user: user.is_superuser)(superuser_only)),
    path("permissions", permissions_of),
    path("permissions/awaited", permissions_awaited),
    path("template", template),
)


@pytest.fixture
def project():
    with Project(VIEWS, fields=SOURCES, directory=ScopedDirectory) as made:
        yield made


def new_editor(**more):
    """Make a user who views users as an editor, and adds them of their own right."""
    user = new_user(**more)
    group = Group.objects.create(name="editors")
    group.permissions.add(Permission.objects.get(codename="view_user"))
    user.groups.add(group, Group.objects.create(name="readers"))
    user.user_permissions.add(Permission.objects.get(codename="add_user"))
    return user


def by_key(project, **rights):
    key = project.auth.api_keys.create("alice", name="script", **rights).key
    return project.client(), {"Authorization": f"Bearer {key}"}


def statuses(client, headers):
    asked = [("get", "/permitted"), ("post", "/users"), ("delete", "/users"), ("get", "/staff"), ("get", "/superuser")]
    return [getattr(client, method)(target, headers=headers).status_code for method, target in asked]


def test_a_key_without_rights_has_no_permission_of_its_owner(project):
    new_editor(is_staff=True, is_superuser=True)

    assert [200] * 5 == statuses(project.client(), project.token("alice"))
    client, headers = by_key(project, scopes=["read"])
    assert [403, 403, 403, 403, 302] == statuses(client, headers)
    assert 302 == client.get("/admin-page", headers=headers).status_code
    assert b"" == client.get("/template", headers=headers).content
    assert 200 == client.get("/users", headers=headers).status_code


@pytest.mark.parametrize(
    ("rights", "found"),
    [
        ({"roles": ["editors"]}, [200, 403, 403, 403, 302]),
        ({"roles": ["readers"]}, [403, 403, 403, 403, 302]),
        ({"scopes": ["auth.view_user"]}, [200, 403, 403, 403, 302]),
        # Only what the user has, too.
        ({"scopes": ["auth.delete_user"]}, [403, 403, 403, 403, 302]),
    ],
    ids=str,
)
def test_a_key_has_what_its_roles_and_scopes_name(project, rights, found):
    new_editor(is_staff=True)

    assert found == statuses(*by_key(project, **rights))


def test_the_key_of_a_superuser_has_the_permission_that_it_names(project):
    new_user(is_superuser=True)

    assert [403, 403, 200, 403, 302] == statuses(*by_key(project, scopes=["auth.delete_user"]))


def test_what_django_says_of_the_permissions_agrees(project):
    new_editor(is_staff=True)
    client, headers = by_key(project, roles=["editors"])

    seen = client.get("/permissions", headers=headers).json()

    assert {
        "all": ["auth.view_user"],
        "user": [],
        "group": ["auth.view_user"],
        "groups": ["editors"],
        "module": [True, False],
        "every": [True, False],
        "is": [False, False, True, True, "alice"],
    } == seen
    assert b"may some" == client.get("/template", headers=headers).content
    usual = client.get("/permissions", headers=project.token("alice")).json()
    assert (["auth.add_user", "auth.view_user"], ["auth.add_user"]) == (usual["all"], usual["user"])


@pytest.mark.skipif(not hasattr(get_user_model(), "ahas_perm"), reason="a newer Django has it")
def test_an_async_view_finds_the_same(project):
    new_editor()
    _, headers = by_key(project, roles=["editors"])

    seen = asyncio.run(AsyncClient().get("/permissions/awaited", headers=headers)).json()

    usual = {"all": ["auth.view_user"], "user": [], "group": ["auth.view_user"]}
    assert usual | {"module": [True, False], "every": [True, False]} == seen


def test_ninja_finds_the_same(project):
    new_editor()
    api = NinjaAPI(urls_namespace="limited", auth=SafeconductAuth())

    @api.get("/view")
    def view(request):
        return request.user.has_perm("auth.view_user")

    with override_settings(ROOT_URLCONF=(path("", api.urls),)):
        seen = []
        for rights in {}, {"roles": ["editors"]}:
            client, headers = by_key(project, **rights)
            seen.append(client.get("/view", headers=headers).json())

    assert [False, True] == seen


def limited(user, *, scopes=(), roles=(), **more):
    """Return the user of an identity with a name of its own, as a view sees them."""
    fields = {"scheme": "api_key", "issuer": "any", "expires_at": 0} | more
    identity = Principal(
        subject=user.username, remote_user=user.username, scopes=frozenset(scopes), roles=frozenset(roles), **fields
    )
    return user_of(Passed.of(identity, Clock(), None), ())


@pytest.mark.usefixtures("project")
def test_a_service_that_acts_for_a_user_is_limited_too():
    """A token that was exchanged has the scopes and roles that the client may have."""
    user = new_editor(is_superuser=True)
    delegated = {"scheme": "bearer", "actor": {"sub": "billing"}}

    assert not limited(user, **delegated).has_perm("auth.view_user")
    assert limited(user, **delegated, roles=["editors"]).has_perm("auth.view_user")
    assert limited(user, scheme="bearer").has_perm("auth.view_user")


@pytest.mark.usefixtures("project")
def test_the_code_of_a_user_model_is_limited_too(monkeypatch):
    """Its methods call ``self.has_perm`` and read ``self.is_staff``."""
    monkeypatch.setattr(
        get_user_model(), "may_edit", lambda self: self.is_staff or self.has_perm("auth.add_user"), raising=False
    )
    user = new_editor(is_staff=True, is_superuser=True)

    assert [True, False] == [user.may_edit(), limited(user, roles=["editors"]).may_edit()]


@pytest.mark.usefixtures("project")
def test_a_limited_user_is_saved_as_what_they_are():
    """What the key may not do is no change of the row, and receivers of signals see the model."""
    user, seen = new_editor(is_staff=True, is_superuser=True), []

    def note(sender, instance, **_signal):
        seen.append((sender, type(instance), instance.is_superuser))

    post_save.connect(note, sender=get_user_model())
    post_delete.connect(note, sender=get_user_model())
    try:
        found = limited(user)
        found.first_name = "Alice"
        found.save()
        found.set_password("another")
        found.save(update_fields=["password"])
        saved = get_user_model().objects.get(username="alice")
        found.is_staff = False
        found.save()
        demoted = get_user_model().objects.get(username="alice")
        found.refresh_from_db()
        found.delete()
    finally:
        post_save.disconnect(note, sender=get_user_model())
        post_delete.disconnect(note, sender=get_user_model())

    model = get_user_model()
    assert [(model, model, True)] * 4 == seen
    assert ("Alice", True, True) == (saved.first_name, saved.is_staff, saved.is_superuser)
    assert saved.check_password("another")
    assert (False, True) == (demoted.is_staff, demoted.is_superuser)
    assert not model.objects.exists()


@pytest.mark.usefixtures("project")
def test_a_limited_user_is_the_row_for_the_database():
    user = new_editor()
    found = limited(user)

    assert found == user
    assert hash(user) == hash(found)
    assert isinstance(found, get_user_model())
    assert [user] == list(get_user_model().objects.filter(pk=found.pk, groups__user=found).distinct())
    assert [] == list(found.groups.all())
    assert "auth_user" == found._meta.db_table


def by_pickle(user):
    return pickle.loads(pickle.dumps(user))  # noqa: S301 - of this test


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, by_pickle])
def test_a_copy_has_the_same_limits(again):
    found = limited(new_editor(is_superuser=True), roles=["editors"])

    made = again(found)
    made.first_name = "another"

    assert [True, False] == [made.has_perm("auth.view_user"), made.has_perm("auth.add_user")]
    assert (found, "") == (made, found.first_name)


@pytest.mark.usefixtures("project")
def test_no_table_is_made_for_it():
    """The class of limited users is not among Django's models."""
    found = type(limited(new_user()))

    assert found is not get_user_model()
    assert found not in apps.get_models(include_auto_created=True, include_swapped=True)
    assert "User" == found.__name__


def test_a_user_model_without_groups_has_what_the_scopes_name():
    """A project may have a model of its own that decides about permissions by itself."""

    class Plain:
        def has_perm(self, perm, obj=None):
            return (perm, obj) == ("shop.view_order", None)

    user = limited_user(Plain(), scopes=frozenset({"shop.view_order", "shop.add_order"}), roles=frozenset({"editors"}))

    assert [True, False] == [user.has_perm(f"shop.{name}_order") for name in ("view", "add")]
    assert not limited_user(Plain(), scopes=frozenset(), roles=frozenset()).has_perm("shop.view_order")
