"""Let the admin of Django take its users from us: its sign-in page is ours, and its sign-out ends our session."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from safeconduct._core.requirement import refusal_of
from safeconduct._http.problems import page_url
from safeconduct.django.http import state_of
from safeconduct.django.project import sign_in_url
from safeconduct.errors import InsufficientRights, MissingCredential
from safeconduct.principal import Principal


class AdminSite(admin.AdminSite):
    """
    An admin whose users are signed in by safeconduct.

    Who may enter is up to the row of the user: ``is_active``, ``is_staff`` and the permissions.  No role or scope of a
    token gives any of them.  An API key does not enter, since its ``is_staff`` is False.
    """

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether the caller may enter."""
        state = state_of(request)
        identity = None if state is None else state.passed.identity
        if isinstance(identity, Principal) and identity.scheme == "api_key":
            return False
        return super().has_permission(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """
        Send people to our sign-in page, and from there to where they wished to go.

        Raises:
            InsufficientRights: If they are signed in, and may not use the admin.
            MissingCredential: If there is no sign-in page.
            Unavailable: The same, if their credential could not be checked.
        """
        del extra_context
        index = reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(index)
        state = state_of(request)
        if state is not None and state.passed.proof is not None:
            raise InsufficientRights(reason="no user of the admin")
        url = None if state is None else sign_in_url(state.auth.config)
        if state is None or url is None:
            raise MissingCredential if state is None else refusal_of(state.passed.identity)
        path = state.gate.endpoints_root(state.request).rstrip("/") + url
        return HttpResponseRedirect(page_url(path, target=request.GET.get(REDIRECT_FIELD_NAME) or index))


class AdminConfig(DjangoAdminConfig):
    """The entry ``"safeconduct.django.admin.AdminConfig"`` of ``INSTALLED_APPS``, instead of Django's own admin."""

    default_site = "safeconduct.django.admin.AdminSite"
