"""Let Flask-Login ask us who the user is, and keep its own session out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from safeconduct._core.requirement import refusal_of
from safeconduct.errors import ConfigurationError, StepUpRequired
from safeconduct.guard import current
from safeconduct.principal import Principal

#: No cookie has a name with a space (RFC 6265 §4.1.1), so that none hides our answer.
_NO_COOKIE = "none of Flask-Login"


@dataclass(frozen=True, slots=True)
class LoginUser:
    """A ``current_user`` for applications without a user class of their own."""

    principal: Principal
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Return the subject."""
        return self.principal.subject


def connect_flask_login(app: Any, load_user: Callable[[Principal], Any]) -> None:
    """
    Make the ``LoginManager`` of *app* ask *load_user*, and nobody else.

    Raises:
        ConfigurationError: If *app* has no ``LoginManager``, or it has a ``user_loader``, or gets one later.
    """
    login = getattr(app, "login_manager", None)
    if login is None:
        raise ConfigurationError("app: got an application without a LoginManager: call its init_app(app) first")
    if login.user_callback is not None:
        _refuse_loader()
    # One that is registered later would count as much.
    login.user_loader = _refuse_loader

    def load(_request: object) -> Any:
        identity = current()
        return load_user(identity) if isinstance(identity, Principal) else None

    login.request_loader(load)
    # A "remember me" cookie from before would be read instead of ours.
    app.config["REMEMBER_COOKIE_NAME"] = _NO_COOKIE
    # It compares the browser with the one in which Flask-Login's session began, and there is none.
    login.session_protection = app.config["SESSION_PROTECTION"] = None
    if login.unauthorized_callback is None and login.login_view is None:
        login.unauthorized_handler(_refuse)
    if login.needs_refresh_callback is None and login.refresh_view is None:
        login.needs_refresh_handler(_require_step_up)


def _refuse_loader(_function: object = None) -> NoReturn:
    raise ConfigurationError(
        "app: got a LoginManager with a user_loader, which would let a session of Flask-Login in beside ours, "
        "wanted none: give the function that finds a user as load_user"
    )


def _refuse() -> NoReturn:
    raise refusal_of(current())


def _require_step_up() -> NoReturn:
    raise StepUpRequired("explicit")


def as_login_user(principal: Principal) -> Any:
    """Return *principal* with what Flask-Login asks of a user."""
    return cast("Any", LoginUser(principal))
