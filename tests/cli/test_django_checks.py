"""Show what REST framework and Ninja ask before views of Django, and compare it with what the project answers."""

import sys

import pytest

from command_line import run, write_configuration
from inspected_apps import module_writer, own_rows
from inspected_django import project, statuses

ANYBODY = '[safeconduct.access]\ndefault = "anonymous"'
REST = """
    import functools
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import include, path
    from rest_framework import permissions as may
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.decorators import action, api_view, authentication_classes, permission_classes
    from rest_framework.response import Response
    from rest_framework.routers import SimpleRouter
    from rest_framework.views import APIView
    from rest_framework.viewsets import ViewSet
    from safeconduct.django.rest_framework import HasScope, SafeconductAuthentication

    class Own(may.BasePermission):
        def has_permission(self, request, view): return True
    class Lenient(HasScope):
        def has_permission(self, request, view): return True
    class Everybody(BaseAuthentication):
        def authenticate(self, request):
            from django.contrib.auth.models import User
            return User(username="anybody"), None
    class Somebody(SafeconductAuthentication):
        authenticate = Everybody.authenticate
    class Page(APIView):
        authentication_classes = [SafeconductAuthentication]
        def get(self, request): return Response()
        def post(self, request): return Response()
    class Scoped(Page):
        permission_classes = [HasScope]
        required_scopes = ["orders"]
    class Computed(Scoped):
        required_scopes = property(lambda self: ["orders"])
    class Forgetful(Page):
        permission_classes = [HasScope]
    class Unasked(Scoped):
        def check_permissions(self, request): ...
    class Chosen(Scoped):
        def get_permissions(self): return []
    class Signed(Page):
        permission_classes = [may.IsAuthenticated]
    class Requested(Signed):
        def initialize_request(self, request, *args, **kwargs):
            made = super().initialize_request(request, *args, **kwargs)
            made.user = Everybody().authenticate(request)[0]
            return made
    class Plain(Page):
        authentication_classes = []

    class Papers(ViewSet):
        authentication_classes = [SafeconductAuthentication]
        permission_classes = [may.IsAuthenticated]
        def list(self, request): return Response()
        @action(detail=False, permission_classes=[may.AllowAny])
        def free(self, request): return Response()
        @action(detail=False, permission_classes=[may.AllowAny])
        @requires(roles=["clerk"])
        def required(self, request): return Response()
    router = SimpleRouter()
    router.register("papers", Papers, basename="papers")

    @api_view(["GET"])
    @authentication_classes([SafeconductAuthentication])
    @permission_classes([HasScope.of("f")])
    def function(request): return Response()

    def forgiving(view):
        @functools.wraps(view)
        def attempt(request):
            try: return view(request)
            except Exception: return page()(request)
        return attempt
    def page(*permissions, by=(SafeconductAuthentication,)):
        return Page.as_view(permission_classes=permissions, authentication_classes=by)

    VIEWS = {
        "scoped": Scoped.as_view(), "of": page(HasScope.of("a", "b")), "signed": Signed.as_view(),
        "both": page(HasScope.of("a"), HasScope.of("b")), "computed": Computed.as_view(), "function": function,
        "staff": page(may.IsAdminUser),
        "and": page(Own & HasScope.of("a")), "given": Scoped.as_view(required_scopes=("given",)),
        "forgetful": Forgetful.as_view(),
        "any": page(may.AllowAny), "none": page(), "base": page(may.BasePermission), "plain": page(Own, by=()),
        "read-only": page(may.IsAuthenticatedOrReadOnly),
        "or": page(HasScope.of("a") | Own), "not": page(~HasScope.of("a")), "lenient": page(Lenient), "own": page(Own),
        "unasked": Unasked.as_view(), "chosen": Chosen.as_view(), "forgiven": forgiving(Scoped.as_view()),
        "mixed": page(may.IsAuthenticated, by=(SafeconductAuthentication, Everybody)),
        "requested": Requested.as_view(), "replaced": page(may.IsAuthenticated, by=(Somebody,)),
    }
    urlpatterns = [path(name, view) for name, view in VIEWS.items()] + router.urls
    app = WSGIHandler()
"""
CLOSED = {
    "/scoped",
    "/of",
    "/both",
    "/computed",
    "/function",
    "/signed",
    "/staff",
    "/and",
    "/given",
    "/papers/",
    "/papers/required/",
}
OPEN = {"/any", "/none", "/base", "/plain", "/read-only", "/papers/free/"}
UNKNOWN = {"/or", "/not", "/lenient", "/own", "/unasked", "/chosen", "/forgiven", "/mixed", "/requested", "/replaced"}

NINJA = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import path
    from ninja import NinjaAPI, Router
    from ninja.decorators import decorate_view
    from safeconduct.django.ninja import SafeconductAuth
    class Lenient(SafeconductAuth):
        def __call__(self, request): return True
    def own(request): return True
    def cached(view): return lambda request, *args, **named: answer_of(request)
    def answer_of(request):
        from django.http import HttpResponse
        return HttpResponse()
    api = NinjaAPI(urls_namespace=__name__)
    def add(name, method="get", **how):
        getattr(api, method)(name, **how)(lambda request: "")
    add("/two", auth=SafeconductAuth(scopes=["read"], roles=["boss"]))
    add("/two", "post", auth=[SafeconductAuth(level="explicit"), own])
    add("/two", "put")
    add("/second", auth=[own, SafeconductAuth()])
    add("/lenient", auth=Lenient())
    add("/own", auth=own)
    @api.get("/awaited", auth=SafeconductAuth())
    async def awaited(request): return ""
    @api.get("/decorated", auth=SafeconductAuth())
    @decorate_view(cached)
    def decorated(request): return ""
    @api.get("/required")
    @requires(scopes=["r"])
    def required(request): return ""
    closed = Router(auth=SafeconductAuth(scopes=["router"]))
    closed.get("/a")(lambda request: "")
    closed.get("/b", auth=None)(lambda request: "")
    api.add_router("/closed", closed)
    urlpatterns = [path("", api.urls)]
    app = WSGIHandler()
"""

OWN_REST = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import path
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.views import APIView
    class Page(APIView):
        permission_classes, authentication_classes = [IsAuthenticated], []
        def get(self, request): ...
    urlpatterns = [path("page", Page.as_view())]
    app = WSGIHandler()
"""
OWN_NINJA = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import path
    from ninja import NinjaAPI
    api = NinjaAPI(urls_namespace=__name__, docs_url=None, openapi_url=None)
    api.get("page", auth=lambda request: False)(lambda request: "")
    urlpatterns = [path("", api.urls)]
    app = WSGIHandler()
"""


@pytest.fixture
def made(folder):
    write = module_writer(folder)
    write_configuration(folder, more=ANYBODY)
    return lambda text: write(text) + ":app"


def listed(target):
    """Return the rows of the project, and what it answers to an anonymous request for each."""
    own = own_rows(target)
    return own, statuses(target, [key for key in own if key[0] != "ANY" and "<" not in key[1]])


def paths(rows, access, method="GET"):
    return {path for (each, path), row in rows.items() if (method, access) == (each, row["access"])}


def test_permissions_of_rest_framework_are_read(made, folder):
    """What the table calls public and authenticated is what the project does; it may leave some unknown."""
    target = made(REST)

    with project(folder, target):
        rows, asked = listed(target)

    assert CLOSED | {"/forgetful"} == paths(rows, "authenticated")
    assert (OPEN, UNKNOWN) == (paths(rows, "public"), paths(rows, "unknown"))
    assert {"/read-only", "/scoped"} <= paths(rows, "authenticated", "POST")
    let_in = {key for key, status in asked.items() if status == 200}
    assert let_in.isdisjoint(key for key, row in rows.items() if row["access"] == "authenticated")
    assert let_in >= {key for key, row in rows.items() if row["access"] == "public"}
    assert {("GET", path) for path in UNKNOWN - {"/or", "/not"}} <= let_in


def test_what_permissions_of_rest_framework_ask(made, folder):
    target = made(REST)

    with project(folder, target):
        rows, _ = listed(target)

    assert {
        "/scoped": ["orders"], "/of": ["a", "b"], "/both": ["a", "b"], "/function": ["f"], "/and": ["a"],
        "/given": ["given"],
    } == {path: row["scopes"] for (method, path), row in rows.items() if method == "GET" and row["scopes"]}  # fmt: skip
    assert ["clerk"] == rows["GET", "/papers/required/"]["roles"]


def test_a_user_for_anonymous_callers_is_one_of_the_application(made, folder):
    """REST framework can be told to take everybody without a credential for a user."""
    (folder / "people.py").write_text("class Guest:\n    is_authenticated = True\n    is_staff = False\n")
    target = made(REST)

    with project(folder, target, REST_FRAMEWORK={"UNAUTHENTICATED_USER": "people.Guest"}):
        rows, asked = listed(target)

    assert ("unknown", 200) == (rows["GET", "/signed"]["access"], asked["GET", "/signed"])
    assert ("authenticated", 401) == (rows["GET", "/scoped"]["access"], asked["GET", "/scoped"])


def test_the_authentication_of_ninja_is_read(made, folder):
    """Each method of a path has its row; where ours is not the first, another one may let everybody in."""
    target = made(NINJA)

    with project(folder, target):
        rows, asked = listed(target)

    closed = {"/two", "/awaited", "/required", "/closed/a"}
    assert closed == paths(rows, "authenticated")
    assert {"/second", "/lenient", "/decorated"} == paths(rows, "unknown")
    assert {"/own", "/closed/b"} == paths(rows, "public")
    assert ({"/two"}, {"/two"}) == (paths(rows, "authenticated", "POST"), paths(rows, "public", "PUT"))
    assert {("GET", path): 401 for path in closed} | {("POST", "/two"): 401} == {
        key: status for key, status in asked.items() if status != 200
    }
    row = rows["GET", "/two"]
    assert (["read"], ["boss"]) == (row["scopes"], row["roles"])
    assert ("explicit", ["r"]) == (rows["POST", "/two"]["level"], rows["GET", "/required"]["scopes"])
    assert ["router"] == rows["GET", "/closed/a"]["scopes"]


@pytest.mark.parametrize(
    ("text", "modules"),
    [(OWN_REST, ["safeconduct.django.rest_framework", "ninja.operation"]), (OWN_NINJA, ["safeconduct.django.ninja"])],
    ids=["rest", "ninja"],
)
def test_views_without_our_integration_are_the_application_s(made, folder, monkeypatch, text, modules):
    """They may have been imported by another test of this process."""
    target = made(text)
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)

    with project(folder, target):
        ended = run("routes", target, "--json")

    assert [("GET", "public")] == [(row["method"], row["access"]) for row in ended.json if row["path"] == "/page"]
