"""
Register the integration as an application of Django: system checks, and the sign-out.

Where Django's ``logout`` is called, by the admin, a ``LogoutView`` or a view of the application, our session ends too.
"""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import Tags, register

from safeconduct.django.http import state_of
from safeconduct.principal import Principal


class SafeconductAppConfig(AppConfig):
    """The entry ``"safeconduct.django"`` of ``INSTALLED_APPS``."""

    name = "safeconduct.django"
    label = "safeconduct"
    verbose_name = "safeconduct"
    default = True

    def ready(self) -> None:
        """Register what Django and its extensions look for."""
        from safeconduct.django.checks import check_settings  # noqa: PLC0415 - Django loads settings and models first

        register(Tags.security)(check_settings)
        if apps.is_installed("django.contrib.auth"):
            from django.contrib.auth.signals import user_logged_out  # noqa: PLC0415 - as above

            user_logged_out.connect(end_session, dispatch_uid="safeconduct")
        if apps.is_installed("drf_spectacular"):
            # Importing it registers the extension.
            import_module("safeconduct.django.spectacular")


def end_session(*, request: Any = None, **_signal: object) -> None:
    """
    End the session of the principal of *request*, or revoke its token where it has no session.

    Raises:
        Unavailable: If the store cannot be asked; the session may go on.
    """
    state = state_of(request)
    if state is None or not isinstance(state.passed.identity, Principal):
        return
    principal, sessions = state.passed.identity, state.auth.sessions
    if principal.scheme not in {"bearer", "cookie"} or principal.token_id is None:
        # A password, or a key: there is nothing that could be ended, and the next request brings it again.
        return
    if principal.session_id is not None and principal.issuer == state.auth.config.issuer:
        sessions.end(principal.session_id)
    else:
        sessions.revoke_token(principal.token_id, issuer=principal.issuer, expires_at=principal.expires_at)
    state.is_signed_out = True
