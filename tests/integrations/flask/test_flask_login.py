"""Flask-Login's ``current_user`` is who is asking, and nothing of its own session interferes."""

import pytest
from flask import Flask, session
from flask_login import LoginManager, current_user, encode_cookie, fresh_login_required, login_required

from auth_setups import SITE, auth_for
from safeconduct.errors import ConfigurationError
from safeconduct.flask import Safeconduct
from table_tokens import tokens


class User:
    """A user as Flask-Login wants one, of the application's own table."""

    is_authenticated = is_active = True
    is_anonymous = False

    def __init__(self, name):
        self.name = name

    def get_id(self):
        return self.name


def application(load_user=None, *, auth="main", **manager_settings):
    app = Flask("application")
    app.secret_key = "of the test"
    manager = LoginManager(app)
    vars(manager).update(manager_settings)
    extension = Safeconduct(auth_for(auth), app)
    extension.init_flask_login(app, *([] if load_user is None else [load_user]))

    @app.get("/health")
    @login_required
    def closed():
        return current_user.get_id()

    @app.get("/news")
    def news():
        session["seen"] = True
        return str(current_user.is_authenticated)

    @app.get("/again")
    @fresh_login_required
    def fresh():
        return "fresh"

    return app


def get(app, path, name=None, client=None):
    headers = {"Authorization": f"Bearer {tokens()[name]}"} if name else {}
    return (client or app.test_client()).get(path, base_url=SITE, headers=headers)


def test_a_credential_that_cannot_be_checked_is_503():
    app = application(auth="open-outage")

    assert [401, 503] == [get(app, "/health", name).status_code for name in (None, "alice")]


def test_current_user_is_who_is_asking():
    app = application()

    assert ("alice", "True", "False") == (
        get(app, "/health", "alice").text,
        get(app, "/news", "alice").text,
        get(app, "/news").text,
    )


def test_login_required_answers_as_requires_does():
    answer = get(application(), "/health")

    assert (401, "missing_credential") == (answer.status_code, answer.get_json(force=True)["code"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_user_of_the_application_is_found_by_the_principal():
    users = {"alice": User("Alice of the table")}
    app = application(lambda principal: users.get(principal.subject))

    assert "Alice of the table" == get(app, "/health", "alice").text
    assert 401 == get(app, "/health", "admin").status_code


@pytest.mark.parametrize("mode", ["basic", "strong"])
def test_a_session_and_a_cookie_of_flask_login_count_no_more(mode):
    """They would be the user whatever our credential says, or hide it."""
    app = application(session_protection=mode)
    client = app.test_client()
    with client.session_transaction(base_url=SITE) as kept:
        kept.update(_user_id="mallory", _fresh=True, _id="another browser")
    with app.app_context():
        client.set_cookie("remember_token", encode_cookie("mallory"), domain="app.example")

    assert "alice" == get(app, "/health", "alice", client).text
    assert "False" == get(app, "/news", client=client).text
    assert 401 == get(app, "/health", client=client).status_code


def test_a_fresh_login_is_a_step_up():
    answer = get(application(), "/again", "alice")

    assert (401, "insufficient_user_authentication") == (answer.status_code, answer.get_json(force=True)["code"])


def test_the_pages_of_the_application_stay():
    app = application(login_view="news", refresh_view="news", login_message=None, needs_refresh_message=None)

    answer, fresh = get(app, "/health"), get(app, "/again", "alice")

    assert [302, 302] == [each.status_code for each in (answer, fresh)]
    assert [True, True] == [each.location.startswith("/news?next=") for each in (answer, fresh)]


def test_a_manager_of_sessions_is_refused():
    app = Flask("application")
    extension = Safeconduct(auth_for("main"), app)
    with pytest.raises(ConfigurationError, match="app: got an application without a LoginManager"):
        extension.init_flask_login(app)
    LoginManager(app).user_loader(User)
    with pytest.raises(ConfigurationError, match="app: got a LoginManager with a user_loader"):
        extension.init_flask_login(app)


def test_a_manager_gets_no_sessions_later():
    """A loader is often registered below the lines that install extensions."""
    app = Flask("application")
    extension, manager = Safeconduct(auth_for("main"), app), LoginManager(app)
    extension.init_flask_login(app)

    with pytest.raises(ConfigurationError, match="give the function that finds a user as load_user"):
        manager.user_loader(User)


def test_one_manager_serves_several_applications():
    manager, extension, apps = LoginManager(), Safeconduct(auth_for("main")), [Flask("first"), Flask("second")]
    for app in apps:
        manager.init_app(app)
        extension.init_app(app)
        extension.init_flask_login(app)
        app.add_url_rule("/me", "me", login_required(lambda: f"{current_user.get_id()}"))

    assert ["alice", "alice"] == [get(app, "/me", "alice").text for app in apps]
