"""``request.user`` is the row of the principal, or nobody."""

from importlib.util import find_spec, module_from_spec

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import UniqueConstraint
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

import table_tokens
from django_people import OWN_PAGE, VIEWS, Project, configuration, get, new_user, sign_in
from django_site import MIDDLEWARE
from safeconduct import Account
from safeconduct.django import DjangoDirectory, SafeconductMiddleware, get_auth
from safeconduct.django.checks import check_settings
from safeconduct.errors import ConfigurationError
from safeconduct.testing import signed_in
from safeconduct.testing.conformance.forgeries import Signer
from safeconduct.testing.conformance.token_sources import OwnTokens

PARTNER = {
    "issuer": table_tokens.PARTNER,
    "audience": table_tokens.AUDIENCE,
    "keys": {"keys": [table_tokens.public(table_tokens.FOREIGN_KEY)]},
    "algorithms": ["ES256"],
}
KINDS = ("wsgi", "asgi")
NOBODY = {"user": "", "is_authenticated": False}
ALICE = {"user": "alice", "is_authenticated": True}


@pytest.fixture
def project():
    with Project(VIEWS) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["/named", "/named/async"])
def test_the_user_is_the_row_of_the_subject(project, kind, target):
    """In plain and in async views, behind WSGI and ASGI."""
    new_user()

    assert ALICE == get(kind, target, **project.token("alice")).json()
    assert NOBODY == get(kind, target).json()
    assert NOBODY == get(kind, target, **project.token("bob")).json()


def test_the_database_is_asked_only_when_a_view_looks(project):
    new_user()

    with CaptureQueriesContext(connection) as unseen:
        project.client("alice").get("/nothing")
    with CaptureQueriesContext(connection) as seen:
        project.client("alice").get("/named")

    assert (0, 1) == (len(unseen), len(seen))


def test_an_inactive_user_is_nobody(project):
    """As with Django's own backend."""
    new_user(is_active=False)

    assert NOBODY == project.client("alice").get("/named").json()
    assert 401 == sign_in(project.client()).status_code


def test_a_user_who_becomes_inactive_gets_no_new_token(project):
    user, client = new_user(), project.client()
    assert 200 == sign_in(client, remember=True).status_code
    user.is_active = False
    user.save()

    refreshed = client.post("/auth/refresh", {}, "application/json", secure=True, headers=OWN_PAGE)

    assert 401 == refreshed.status_code
    assert NOBODY == client.get("/named", secure=True).json()


def test_users_are_not_created_unless_that_is_set(project):
    project.client("carol").get("/named")

    assert 0 == get_user_model().objects.count()


@pytest.mark.parametrize("kind", KINDS)
def test_a_user_is_created_where_that_is_set(kind):
    """Without a password that could be used, and without any right."""
    with Project(VIEWS, SAFECONDUCT_CREATE_USERS=True) as project:
        first = get(kind, "/named", **project.token("carol")).json()
        get(kind, "/named", **project.token("carol"))

        [user] = get_user_model().objects.all()
        assert "carol" == first["user"] == user.username
        assert (False, False, False) == (user.has_usable_password(), user.is_staff, user.is_superuser)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("ﬁona", id="normalized"),
        pytest.param("x" * 151, id="too long"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("a\nb", id="line end"),
    ],
)
def test_no_row_is_made_for_a_name_that_is_none(subject):
    """Django would write some of them as the name of somebody else."""
    with Project(VIEWS, SAFECONDUCT_CREATE_USERS=True) as project:
        assert NOBODY == project.client(subject).get("/named").json()
        assert 0 == get_user_model().objects.count()


def test_no_row_is_made_for_a_service():
    """Its token has the name of a client in place of a user."""
    with Project(VIEWS, SAFECONDUCT_CREATE_USERS=True) as project:
        token = Signer(OwnTokens(project.auth, Account("alice"))).signed(
            {"sub": "client:printer", "client_id": "printer"}
        )

        seen = project.client().get("/named", headers={"authorization": f"Bearer {token}"})

        assert NOBODY == seen.json()
        assert 0 == get_user_model().objects.count()


def test_a_row_that_another_request_has_made_meanwhile_is_taken(monkeypatch):
    """Two first requests of one user race."""
    model = get_user_model()
    unusable = model.set_unusable_password

    def come_too_late(user):
        model.objects.bulk_create([model(username=user.username)])
        unusable(user)

    with Project(VIEWS, SAFECONDUCT_CREATE_USERS=True) as project:
        monkeypatch.setattr(model, "set_unusable_password", come_too_late)

        seen = project.client("carol").get("/named").json()

        assert "carol" == seen["user"]
        assert 1 == model.objects.count()


@pytest.mark.parametrize("subject", ["0{}", "{} ", "+{}", "{}.0", "alice", "9" * 400], ids=str)
def test_a_primary_key_has_one_spelling(subject):
    """A database would read the others as the same number."""
    with Project(VIEWS, SAFECONDUCT_USER_FIELD="pk") as project:
        user = new_user()

        assert ALICE == project.client(str(user.pk)).get("/named").json()
        assert NOBODY == project.client(subject.format(user.pk)).get("/named").json()


def test_the_directory_and_the_user_agree_on_the_field():
    """A user who changes their name stays who they are."""
    with Project(VIEWS, SAFECONDUCT_USER_FIELD="pk") as project:
        user, client = new_user(), project.client()
        assert 200 == sign_in(client).status_code
        get_user_model().objects.filter(pk=user.pk).update(username="alicia")
        new_user("alice", "other")

        assert "alicia" == client.get("/named", secure=True).json()["user"]


def test_nobody_signs_in_as_another_with_the_same_address():
    """Django's own users may share an address, and its owner may be of the staff: no request is served."""
    with Project(VIEWS, SAFECONDUCT_USER_FIELD="email"):
        new_user("admin", email="admin@app.example")
        new_user("mallory", "mallory's", email="admin@app.example")

        with pytest.raises(ConfigurationError, match="unique"):
            DjangoDirectory().lookup("admin@app.example")
        with pytest.raises(ConfigurationError, match="unique"):
            DjangoDirectory().check("mallory", "mallory's")
        with pytest.raises(ConfigurationError, match="unique"):
            SafeconductMiddleware(lambda _: HttpResponse())


def test_a_constraint_makes_a_field_unique(monkeypatch):
    """As for Django's own check of the user name."""
    constraint = UniqueConstraint(fields=["email"], name="one_address")
    monkeypatch.setitem(vars(get_user_model()._meta), "total_unique_constraints", [constraint])

    with Project(VIEWS, SAFECONDUCT_USER_FIELD="email") as project:
        new_user(email="alice@app.example")

        assert ALICE == project.client("alice@app.example").get("/named").json()


def test_case_makes_a_difference(project):
    """Where a database compares without it, too."""
    new_user("alice")

    assert NOBODY == project.client("Alice").get("/named").json()


def test_django_s_decorators_work(project):
    user = new_user()
    client = project.client("alice")

    assert 403 == client.get("/permitted").status_code
    user.user_permissions.add(Permission.objects.get(codename="view_user"))

    assert 200 == client.get("/permitted").status_code
    assert 200 == client.get("/closed").status_code
    anonymous = project.client().get("/closed")
    assert (302, "/auth/sign-in?next=/closed") == (anonymous.status_code, anonymous["location"])


def test_a_session_of_django_counts_for_nothing(project):
    """Neither one from before, nor one that a view begins."""
    user, client = new_user(), project.client()
    client.force_login(user)

    assert NOBODY == client.get("/named").json()


def test_groups_are_roles(project):
    user, client = new_user(), project.client()
    user.groups.create(name="editors")

    sign_in(client)

    assert ["editors"] == client.get("/auth/session", secure=True).json()["roles"]


def partners(subject):
    """Return the header of a token of the foreign issuer."""
    token = table_tokens.mint(subject, by="foreign", iss=table_tokens.PARTNER, acr=None)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("template", "expected"), [(None, ""), ("partner:{sub}", "partner:alice")], ids=["no template", "template"]
)
def test_a_foreign_subject_is_nobody_of_ours(template, expected):
    """Whatever it is; with a template it has a row of its own."""
    trust = [PARTNER | {"remote_user": template}] if template else [PARTNER]
    with Project(VIEWS, fields={"trust": trust}, SAFECONDUCT_CREATE_USERS=True) as project:
        new_user("alice")

        assert expected == project.client().get("/named", headers=partners("alice")).json()["user"]


def test_an_own_subject_is_nobody_of_theirs():
    """One that looks as if a foreign issuer had named it has no row: it may be that of somebody else."""
    with Project(VIEWS, fields={"trust": [PARTNER | {"remote_user": "partner:{sub}"}]}) as project:
        new_user("partner:alice")
        new_user("partner")

        assert "" == project.client("partner:alice").get("/named").json()["user"]
        assert "partner" == project.client("partner").get("/named").json()["user"]


def test_the_only_issuer_may_be_foreign():
    """Then its subjects may be the names."""
    fields = {"trust": [PARTNER | {"remote_user": "{sub}"}], "keys": None, "issuer": None, "audience": None}
    with Project(VIEWS, directory=None, fields=fields | {"sources": ["bearer"], "csrf": {}}) as project:
        new_user("alice")

        assert "alice" == project.client().get("/named", headers=partners("alice")).json()["user"]


def test_a_view_may_look_twice(project):
    """The database is asked once."""
    new_user()

    with CaptureQueriesContext(connection) as asked:
        request = RequestFactory().get("/", headers=project.token("alice"))
        first, second = [], []

        def view(request):
            first.append(str(request.user))
            second.append(str(async_to_sync(request.auser)()))
            return HttpResponse()

        SafeconductMiddleware(view)(request)

    assert (["alice"], ["alice"], 1) == (first, second, len(asked))


def test_without_django_s_users_there_is_no_user():
    """An API without a database still knows who is asking."""
    with override_settings(INSTALLED_APPS=["safeconduct.django"], SAFECONDUCT=configuration(), MIDDLEWARE=[MIDDLEWARE]):
        middleware = fresh_copy_of_the_middleware().SafeconductMiddleware
        request = RequestFactory().get("/", headers=signed_in(get_auth(), "alice"))
        middleware(lambda _request: HttpResponse())(request)

        assert ("alice", False) == (request.auth.subject, hasattr(request, "user"))
        assert object is middleware.__bases__[0]
        # Nothing checks passwords here.
        assert ["safeconduct.W006"] == [each.id for each in check_settings()]


def fresh_copy_of_the_middleware():
    """Load the module once more, as in a process that has no users of Django."""
    spec = find_spec("safeconduct.django.middleware")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
