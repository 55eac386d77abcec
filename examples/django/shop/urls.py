"""The views: a page, a REST API, and the admin."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {request.user.get_username() or 'guest'}")


class Orders(APIView):
    """The orders of the caller; a token needs the scope."""

    required_scopes = ("orders",)

    def get(self, request: Request) -> Response:
        """Return them."""
        return Response({"for": request.auth.subject})


class Profile(APIView):
    """The caller."""

    required_scopes = ()

    def get(self, request: Request) -> Response:
        """Return their name and groups."""
        return Response({"name": request.user.get_username(), "roles": sorted(request.auth.roles)})

    def post(self, request: Request) -> Response:
        """Change their name, by a form or a token."""
        request.user.first_name = request.data["first_name"]
        request.user.save(update_fields=["first_name"])
        return Response({"first_name": request.user.first_name})


urlpatterns = [
    path("", home),
    path("orders", Orders.as_view()),
    path("profile", Profile.as_view()),
    path("admin/", admin.site.urls),
]
