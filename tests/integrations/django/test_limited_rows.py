"""What a limited user leaves of the row, and the row of a limited user: neither changes what the other may do."""

import copy
from functools import cached_property

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models.signals import post_save
from django.forms import modelform_factory

from django_people import Project, new_user
from safeconduct.django.limited_users import limited_user

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def project():
    with Project() as made:
        yield made


def a_superuser(**more):
    """Make a user who may do everything, adds users of their own right, and views them as an editor."""
    user = new_user(is_staff=True, is_superuser=True, **more)
    user.user_permissions.add(Permission.objects.get(codename="add_user"))
    group = Group.objects.create(name="editors")
    group.permissions.add(Permission.objects.get(codename="view_user"))
    user.groups.add(group)
    return get_user_model().objects.get()


def limited(row, *, scopes=(), roles=()):
    return limited_user(row, scopes=frozenset(scopes), roles=frozenset(roles))


def flags():
    return get_user_model().objects.values_list("is_staff", "is_superuser").get()


def test_validation_takes_nothing_from_the_row():
    """Django writes what it has validated back to the fields."""
    found = limited(a_superuser(email="a@app.example"))

    found.full_clean()
    found.clean_fields()
    found.save()

    assert (True, True) == flags()


def test_a_form_that_has_the_name_alone_takes_nothing_from_the_row():
    form = modelform_factory(get_user_model(), fields=["first_name"])(
        {"first_name": "Alice"}, instance=limited(a_superuser())
    )

    assert "Alice" == form.save().first_name
    assert (True, True) == flags()


def test_a_method_that_saves_past_save_takes_nothing_from_the_row(monkeypatch):
    model = get_user_model()
    monkeypatch.setattr(model, "touch", lambda self: super(model, self).save(), raising=False)
    found = limited(a_superuser())

    found.touch()
    found.save_base()
    found.save_base(raw=True)

    assert (True, True) == flags()


def test_the_permissions_of_the_user_are_limited_where_they_are_listed():
    row = a_superuser()

    assert [] == list(limited(row).user_permissions.all())
    named = limited(row, scopes=["auth.add_user", "auth.view_user", "read"]).user_permissions
    assert ["add_user"] == list(named.values_list("codename", flat=True))


@pytest.mark.parametrize("ask", ["permission", "save"])
def test_what_a_backend_or_a_receiver_caches_on_the_row_is_not_seen(monkeypatch, ask):
    """Such as ``user._group_names_cache`` of django-rules, or a ``cached_property`` of the user model."""
    model = get_user_model()
    rank = cached_property(lambda self: "boss" if self.is_staff else "nobody")
    rank.__set_name__(model, "rank")
    monkeypatch.setattr(model, "rank", rank, raising=False)
    plain = ModelBackend.has_perm
    monkeypatch.setattr(
        ModelBackend, "has_perm", lambda self, user, perm, obj=None: bool(user.rank) and plain(self, user, perm, obj)
    )

    def look(instance, **_signal):
        seen.append(instance.rank)

    model.objects.filter(pk=a_superuser().pk).update(is_superuser=False)
    seen, found = [], limited(model.objects.get(), scopes=["auth.view_user"])
    post_save.connect(look, sender=model)
    try:
        found.has_perm("auth.view_user") if ask == "permission" else found.save()
    finally:
        post_save.disconnect(look, sender=model)

    assert "nobody" == found.rank


def test_two_credentials_of_one_row_do_not_share_their_limits():
    """A manager may return the same object twice."""
    row = a_superuser()
    wide = limited(row, scopes=["auth.view_user"])
    assert wide.has_perm("auth.view_user")

    narrow = limited(row, scopes=["read"])

    assert [False, True] == [narrow.has_perm("auth.view_user"), wide.has_perm("auth.view_user")]
    assert row.has_perm("auth.delete_user")


def test_what_was_cached_on_the_row_before_is_not_seen():
    """Related objects lead back to the row, and Django's own backend asks for the permissions once."""
    get_user_model().objects.filter(pk=a_superuser().pk).update(is_superuser=False)
    row = get_user_model().objects.get()
    row._state.fields_cache["profile"] = row
    assert {"auth.add_user"} == ModelBackend().get_user_permissions(row)

    found = limited(row, scopes=["auth.view_user"])

    assert not found._state.fields_cache
    assert set() == ModelBackend().get_user_permissions(found)


def test_a_related_object_that_a_backend_looks_at_is_not_seen(monkeypatch):
    monkeypatch.setattr(
        ModelBackend, "has_perm", lambda _self, user, _perm, _obj=None: user._state.fields_cache.update(profile=user)
    )
    get_user_model().objects.filter(pk=a_superuser().pk).update(is_superuser=False)
    found = limited(get_user_model().objects.get(), scopes=["auth.view_user"])

    assert not found.has_perm("auth.view_user")
    assert not found._state.fields_cache


def test_a_row_is_made_of_a_limited_one():
    """The key has another number then, and what is saved once is a row of the table."""
    found = limited(a_superuser())

    found.pk, found.username, found._state.adding = None, "bob", True
    found.save()

    assert found.pk
    assert not found._state.adding
    assert [(True, True)] * 2 == list(get_user_model().objects.values_list("is_staff", "is_superuser"))


def test_a_copy_has_a_row_of_its_own():
    found = limited(a_superuser())

    made = copy.copy(found)
    made.first_name = "another"
    made.full_clean()

    assert vars(made)["_safeconduct_row"] is not vars(found)["_safeconduct_row"]
    made.save()
    assert (True, True) == flags()


def test_a_user_model_without_a_table_is_saved_too():
    class Plain:
        is_staff = True

        def save(self):
            self.saved = self.name, self.is_staff

    row = Plain()
    found = limited(row)
    found.name = "alice"

    found.save()

    assert (("alice", True), False) == (row.saved, found.is_staff)
