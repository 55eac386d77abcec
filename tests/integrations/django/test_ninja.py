"""Ninja: its ``auth=``, its answers in production and with DEBUG, its document."""

import asyncio
import json

import pytest
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from ninja import NinjaAPI

from django_people import SITE, Project, new_user, sign_in
from safeconduct import Principal, requires
from safeconduct.django.ninja import SafeconductAuth, answer_errors, describe_refusals
from safeconduct.errors import InsufficientRights

CHALLENGE = f'Bearer realm="{SITE}"'


def new_api(name, **how):
    api = NinjaAPI(urls_namespace=name, **how)

    @api.get("/notes", auth=SafeconductAuth(scopes=["read"]))
    def notes(request):
        assert isinstance(request.auth, Principal)
        return {"user": request.user.get_username(), "subject": request.auth.subject}

    @api.get("/awaited", auth=SafeconductAuth())
    async def awaited(request):
        return {"user": (await request.auser()).get_username(), "subject": request.auth.subject}

    @api.get("/fresh", auth=SafeconductAuth(level="explicit", max_age_seconds=300, roles=["editor"]))
    def fresh(request):
        return request.auth.subject

    @api.get("/by-cookie", auth=SafeconductAuth(schemes=["cookie"]))
    def by_cookie(request):
        return request.auth.subject

    @api.get("/guarded")
    @requires(scopes=["read"])
    def guarded(request):
        return request.principal.subject

    @api.get("/raised")
    def raised(request):
        raise InsufficientRights(request.path)

    return api


@pytest.fixture
def project(request):
    with Project() as made:
        api = new_api(f"api-{request.node.name}")
        with override_settings(ROOT_URLCONF=(path("", api.urls),)):
            made.api = api
            yield made


def get(project, target, subject=None, **grant):
    headers = {} if subject is None else project.token(subject, **grant)
    return project.client().get(target, headers=headers)


@pytest.mark.parametrize("target", ["/notes", "/awaited", "/fresh", "/guarded"])
def test_nobody_gets_401_with_a_challenge(project, target):
    answer = get(project, target)

    assert (401, CHALLENGE) == (answer.status_code, answer["www-authenticate"])


def test_a_credential_of_another_kind_is_refused(project):
    new_user()
    client = project.client()
    sign_in(client)

    assert 403 == get(project, "/by-cookie", "alice").status_code
    assert "alice" == client.get("/by-cookie", secure=True).json()


@pytest.mark.parametrize("target", ["/notes", "/guarded"])
def test_a_scope_that_is_missing_is_named(project, target):
    refused = get(project, target, "alice")

    assert 403 == refused.status_code
    assert 'scope="read"' in refused["www-authenticate"]
    assert 200 == get(project, target, "alice", scopes=["read"]).status_code


def test_the_principal_is_request_auth_and_the_row_request_user(project):
    new_user()

    assert {"user": "alice", "subject": "alice"} == get(project, "/notes", "alice", scopes=["read"]).json()


def test_an_old_proof_has_to_be_renewed(project):
    grant = {"roles": ["editor"]}

    assert 200 == get(project, "/fresh", "alice", **grant).status_code
    assert 401 == get(project, "/fresh", "alice", seconds_ago=301, **grant).status_code
    assert 403 == get(project, "/fresh", "alice").status_code


def test_behind_asgi(project):
    new_user()
    client = AsyncClient()

    refused = asyncio.run(client.get("/awaited"))
    let_in = asyncio.run(client.get("/awaited", headers=project.token("alice")))

    assert 401 == refused.status_code
    assert {"user": "alice", "subject": "alice"} == json.loads(let_in.content)


def test_with_debug_ninja_shows_a_traceback_unless_it_is_told(project):
    with override_settings(DEBUG=True):
        assert 500 == get(project, "/notes").status_code
        answer_errors(project.api)

        answer = get(project, "/notes")

    assert (401, CHALLENGE) == (answer.status_code, answer["www-authenticate"])


def test_without_the_middleware_nobody_gets_in():
    with Project(middleware=()), override_settings(ROOT_URLCONF=(path("", new_api("bare").urls),)):
        answer = Project.client(None).get("/notes")

    assert 500 == answer.status_code


def test_an_error_of_ours_needs_the_middleware_for_its_answer():
    with Project(middleware=()):
        api = new_api("told")
        answer_errors(api)
        with override_settings(ROOT_URLCONF=(path("", api.urls),)):
            assert 500 == Project.client(None).get("/raised").status_code


CSRF_IS_NEEDED = "Methods other than GET, HEAD and OPTIONS need the header X-CSRF-Token too."


@pytest.mark.parametrize(
    ("sources", "scheme"),
    [
        (["bearer"], {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        (["api_key"], {"type": "http", "scheme": "bearer", "bearerFormat": "API key"}),
        (["cookie"], {"type": "apiKey", "in": "cookie", "name": "__Host-safeconduct", "description": CSRF_IS_NEEDED}),
        (["basic"], {"type": "http", "scheme": "basic"}),
        (["subprotocol"], {"type": "http", "scheme": "bearer"}),
    ],
    ids=str,
)
def test_the_document_shows_the_scheme(sources, scheme):
    csrf = {"token": "fallback"} if "cookie" in sources else {}
    with Project(fields={"sources": sources, "csrf": csrf}):
        api = new_api(f"document-{sources[0]}")
        with override_settings(ROOT_URLCONF=(path("", api.urls),)):
            document = api.get_openapi_schema()

    assert {"SafeconductAuth": scheme} == document["components"]["securitySchemes"]
    assert [{"SafeconductAuth": []}] == document["paths"]["/notes"]["get"]["security"]


def test_the_refusals_of_closed_operations_are_described():
    class Tenant(SafeconductAuth):
        """An authentication of the application."""

    class Special(Tenant):
        """Another one."""

    def view(request):
        return request.path

    with Project():
        api = new_api("refusals")
        api.get("/tenant", auth=Tenant())(view)
        api.get("/special", auth=Special())(view)
        api.get("/own", auth=SafeconductAuth(), response={200: str, 403: str})(view)
        with override_settings(ROOT_URLCONF=(path("", api.urls),)):
            plain = api.get_openapi_schema()["paths"]
            describe_refusals(api)
            served = Client().get("/openapi.json").json()["paths"]

    assert "401" not in {str(status) for status in plain["/notes"]["get"]["responses"]}
    found = {name: served[f"/{name}"]["get"]["responses"] for name in ("notes", "special", "own", "raised")}
    assert {"200", "401", "403"} == found["notes"].keys() == found["special"].keys() == found["own"].keys()
    assert ["application/problem+json"] == list(found["notes"]["403"]["content"])
    assert ["application/json"] == list(found["own"]["403"]["content"])
    assert {"200"} == found["raised"].keys()
