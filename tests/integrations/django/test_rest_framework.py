"""REST framework: its authentication class, its permission, its answers, its document."""

import pytest
from django.contrib.auth import logout
from django.test import RequestFactory
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from django_people import OWN_PAGE, SITE, Project, new_user, sign_in
from safeconduct import requires
from safeconduct.django import SafeconductMiddleware
from safeconduct.django.rest_framework import HasScope, SafeconductAuthentication
from safeconduct.django.spectacular import describe_refusals
from safeconduct.errors import ConfigurationError

CHALLENGE = f'Bearer realm="{SITE}"'


class Notes(APIView):
    authentication_classes = (SafeconductAuthentication,)
    permission_classes = (HasScope,)
    required_scopes = ("read",)

    def get(self, request):
        subject = None if request.auth is None else request.auth.subject
        return Response({"user": request.user.get_username(), "subject": subject})

    post = get


class Mine(Notes):
    permission_classes = (IsAuthenticated,)


class Written(Notes):
    permission_classes = (HasScope.of("write"),)


class Forgetful(Notes):
    required_scopes = None


class Wrong(Notes):
    required_scopes = "read"


class Documented(Notes):
    http_method_names = ("get",)

    @extend_schema(responses=str)
    def get(self, request):
        return super().get(request)


class Guarded(Notes):
    permission_classes = ()

    @requires(scopes=["read"])
    def get(self, request):
        return super().get(request)


VIEWS = {"notes": Notes, "mine": Mine, "written": Written, "forgetful": Forgetful, "wrong": Wrong, "guarded": Guarded}
ROUTES = tuple(path(name, view.as_view()) for name, view in VIEWS.items())


@pytest.fixture
def project():
    with Project(ROUTES) as made:
        yield made


def get(project, target, subject=None, **grant):
    headers = {} if subject is None else project.token(subject, **grant)
    return project.client().get(target, headers=headers)


@pytest.mark.parametrize("target", ["/notes", "/written", "/guarded", "/mine"])
def test_nobody_gets_401_with_a_challenge(project, target):
    answer = get(project, target)

    assert (401, CHALLENGE) == (answer.status_code, answer["www-authenticate"])


class Failing:
    """A directory whose database is away."""

    static = True

    def check(self, _username, _password):
        raise RuntimeError


@pytest.mark.parametrize("target", ["/notes", "/written", "/guarded", "/mine"])
def test_a_credential_that_cannot_be_checked_is_503(target):
    """On an open path its sender is anonymous, but has sent one."""
    fields = {"sources": ["bearer", "basic"], "basic": {"allow_plain_http": True}}
    with Project(ROUTES, directory=Failing, fields=fields) as project:
        answer = project.client().get(target, headers={"Authorization": "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="})

    assert 503 == answer.status_code
    assert "www-authenticate" not in answer


@pytest.mark.parametrize(("target", "scope"), [("/notes", "read"), ("/written", "write"), ("/guarded", "read")])
def test_a_scope_that_is_missing_is_named(project, target, scope):
    refused, let_in = get(project, target, "alice"), get(project, target, "alice", scopes=[scope])

    assert (403, 200) == (refused.status_code, let_in.status_code)
    assert f'scope="{scope}"' in refused["www-authenticate"]
    assert "insufficient_rights" == refused.json()["code"]


def test_the_principal_is_request_auth_and_the_row_request_user(project):
    """A principal without a row is nobody for Django, and still has scopes."""
    assert {"user": "", "subject": "alice"} == get(project, "/notes", "alice", scopes=["read"]).json()
    assert 403 == get(project, "/mine", "alice").status_code
    new_user()
    assert {"user": "alice", "subject": "alice"} == get(project, "/notes", "alice", scopes=["read"]).json()
    assert 200 == get(project, "/mine", "alice").status_code


def test_a_post_by_bearer_and_one_by_cookie_with_our_token():
    """REST framework's own CSRF step is for its SessionAuthentication only."""
    with Project(ROUTES, fields={"csrf": {"token": "always"}}) as project:
        new_user()
        client = project.client()
        token = sign_in(client).json()["csrf_token"]

        assert 200 == project.client().post("/mine", headers=project.token("alice")).status_code
        assert 401 == client.post("/mine", secure=True, headers=OWN_PAGE).status_code
        assert 200 == client.post("/mine", secure=True, headers=OWN_PAGE | {"X-CSRF-Token": token}).status_code


@pytest.mark.parametrize("target", ["/forgetful", "/wrong"])
def test_a_view_that_names_no_scopes_lets_nobody_in(project, target):
    """A mistake of the author is a fault, and never a pass."""
    client = project.client("alice")
    client.raise_request_exception = True

    with pytest.raises(ConfigurationError):
        client.get(target)


def test_without_the_middleware_nobody_gets_in():
    with Project(ROUTES, middleware=()) as project:
        assert 500 == get(project, "/mine", "alice").status_code


def test_after_a_sign_out_in_the_same_request_nobody_is_there(project):
    seen = []

    def view(request):
        logout(request)
        seen.append(Mine().initialize_request(request).auth)
        return Response()

    request = RequestFactory().get("/", headers=project.token("alice"))
    request.session = type("Session", (dict,), {"flush": dict.clear})()
    SafeconductMiddleware(view)(request)

    assert [None] == seen


def test_the_document_shows_the_sources_and_the_scopes():
    fields = {"sources": ["bearer", "cookie", "basic"], "csrf": {"token": "fallback"}}
    with Project(ROUTES, fields=fields):
        document = SchemaGenerator(patterns=[path("notes", Documented.as_view())]).get_schema(request=None, public=True)

    schemes = document["components"]["securitySchemes"]
    assert {"bearer", "cookie", "basic"} == schemes.keys()
    assert {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"} == schemes["bearer"]
    assert ("apiKey", "cookie", "__Host-safeconduct") == tuple(schemes["cookie"][key] for key in ("type", "in", "name"))
    assert "X-CSRF-Token" in schemes["cookie"]["description"]
    operation = document["paths"]["/notes"]["get"]
    assert [{"bearer": ["read"]}, {"cookie": ["read"]}, {"basic": ["read"]}] == operation["security"][:3]


def test_sources_of_handshakes_alone_are_not_described():
    with Project(ROUTES, fields={"sources": ["subprotocol"]}):
        document = SchemaGenerator(patterns=[path("notes", Documented.as_view())]).get_schema(request=None, public=True)

    assert "securitySchemes" not in document.get("components", {})
    assert [{}] == document["paths"]["/notes"]["get"].get("security", [{}])


class Open(Documented):
    permission_classes = (AllowAny,)


class Own(Documented):
    @extend_schema(responses={200: str, 403: str})
    def get(self, request):
        return super().get(request)


def test_the_hook_describes_the_refusals_of_closed_operations():
    routes = [path(name, view.as_view()) for name, view in {"closed": Documented, "open": Open, "own": Own}.items()]
    with Project(ROUTES):
        document = SchemaGenerator(patterns=routes).get_schema(request=None, public=True)
        paths = describe_refusals(document, generator=None, request=None, public=True)["paths"]

    found = {name: paths[f"/{name}"]["get"]["responses"] for name in ("closed", "open", "own")}
    assert {"200", "401", "403"} == found["closed"].keys() == found["own"].keys()
    assert ["application/problem+json"] == list(found["closed"]["401"]["content"])
    assert ["application/json"] == list(found["own"]["403"]["content"])
    assert {"200"} == found["open"].keys()
