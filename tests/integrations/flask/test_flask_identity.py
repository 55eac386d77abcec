"""Flask's code finds the identity wherever it runs, and its pages set our cookies."""

import threading

import pytest
from flask import Flask, Response, copy_current_request_context, g, render_template_string, request, stream_with_context
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from auth_setups import SITE, auth_for
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config, allows, current
from safeconduct.flask import Safeconduct
from safeconduct.testing import signed_in, signed_in_cookies, throw_away_keys
from table_tokens import tokens

PAGE = (
    "{{ current_identity.subject }} {{ g.principal.subject }} {{ allows('GET', '/admin/') }} "
    "{{ allows('GET', url_for('page')) }} {{ csrf_token()|length }}"
)


def bearer(name="alice"):
    return {"Authorization": f"Bearer {tokens()[name]}"}


def telling(auth):
    """Return an application whose views tell who is asking, in each place where their code may run."""
    app, closed = Flask("application"), []
    Safeconduct(auth).init_app(app)

    @app.route("/stream")
    def streamed():
        return Response(stream_with_context(f"{current().subject};{g.principal.subject};" for _ in range(2)))

    @app.route("/plain")
    def streamed_without_context():
        return Response(current().subject for _ in range(2))

    @app.route("/page")
    def page():
        return render_template_string(PAGE)

    @app.route("/thread")
    def in_a_thread():
        seen = []

        @copy_current_request_context
        def ask():
            seen.append(current().subject)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return seen[0]

    @app.teardown_request
    def remember(_error):
        closed.append(getattr(current(), "subject", None))

    return app, closed


def test_the_identity_is_known_wherever_code_of_a_request_runs():
    app, closed = telling(auth_for("main"))
    client = app.test_client()

    paths = ("/stream", "/plain", "/page", "/thread")
    seen = [client.get(path, base_url=SITE, headers=bearer()).text for path in paths]

    assert ["alice;alice;alice;alice;", "alicealice", "alice alice False True 0", "alice"] == seen
    assert {"alice"} == set(closed)


def test_a_context_that_the_test_client_preserves_keeps_its_user():
    app, _ = telling(auth_for("main"))

    with app.test_client() as client:
        client.get("/page", base_url=SITE, headers=bearer())
        assert ("alice", "alice") == (g.principal.subject, current().subject)


def test_outside_of_a_request_the_caller_is_anonymous():
    """The headers of ``test_request_context`` pass no gate, so they sign nobody in."""
    app, _ = telling(auth_for("main"))
    seen = app.test_cli_runner()

    @app.cli.command("who")
    def who():
        print(current().is_authenticated, g.principal.is_authenticated)  # noqa: T201 - the output is what is tested

    with app.test_request_context("/page", headers=bearer()):
        assert [False] * 3 == [current().is_authenticated, g.principal.is_authenticated, allows("GET", "/page")]
        assert "False" in render_template_string(PAGE)
    assert "False False\n" == seen.invoke(args=["who"]).output
    with pytest.raises(LookupError):
        current()
    with Flask("bare").app_context(), pytest.raises(LookupError):
        current()


def test_names_of_the_application_in_templates_stay():
    app = Flask("application")
    app.jinja_env.globals["csrf_token"] = lambda: "of another extension"
    Safeconduct(auth_for("main")).init_app(app)

    with app.test_request_context():
        assert "of another extension" == render_template_string("{{ csrf_token() }}")


def test_below_a_dispatcher_rules_are_asked_about_the_path_below():
    app, _ = telling(auth_for("main"))
    client = Client(DispatcherMiddleware(Flask("outer"), {"/shop": app}))

    answer = client.get("/shop/page", base_url=SITE, headers=bearer())

    assert (200, "alice alice False True 0") == (answer.status_code, answer.text)
    assert 401 == client.get("/shop/page", base_url=SITE).status_code


@pytest.fixture
def auth():
    config = Config(
        issuer=SITE, audience=SITE, external_url=SITE, keys=throw_away_keys(), store="memory://",
        sources=["bearer", "cookie"],
    )  # fmt: skip
    with Auth(config, directory=MemoryDirectory()) as auth:
        yield auth


def shop(auth):
    app = Flask("shop")
    extension = Safeconduct(auth)
    extension.init_app(app)

    @app.post("/auth/own-sign-in")
    def own_sign_in():
        account = extension.check_password(request.form["username"], request.form["password"])
        response = Response(account.subject)
        origin = auth.cookies.origin_of(request)
        extension.set_cookies(response, auth.sessions.sign_in(account, username=account.subject, origin=origin))
        return response

    @app.post("/bye")
    def bye():
        auth.sessions.end(current().session_id)
        response = Response("bye")
        response.set_cookie("mine", "kept")
        extension.clear_cookies(response)
        return response

    @app.get("/form")
    def form():
        return render_template_string("{{ csrf_token() }}")

    @app.post("/change")
    def change():
        return current().subject

    return app


def test_a_page_of_the_application_signs_in_and_out(auth):
    client, session = shop(auth).test_client(), signed_in_cookies(auth, "alice")
    for name, value in session.cookies.items():
        client.set_cookie(name, value, domain="app.example")
    headers = {"Origin": SITE, "X-CSRF-Token": session.csrf_token}

    answer = client.post("/bye", base_url=SITE, headers=headers)

    set_cookies = answer.headers.getlist("Set-Cookie")
    assert ["mine=kept; Path=/"] == [each for each in set_cookies if each.startswith("mine")]
    assert any(each.startswith(f"{auth.config.cookies.access}=;") for each in set_cookies)
    assert 401 == client.post("/change", base_url=SITE, headers=headers).status_code


def test_a_form_brings_the_token_of_a_template(auth):
    client, session = shop(auth).test_client(), signed_in_cookies(auth, "alice")
    for name, value in session.cookies.items():
        client.set_cookie(name, value, domain="app.example")
    token = client.get("/form", base_url=SITE).text

    def change(token):
        return client.post("/change", base_url=SITE, headers={"Origin": SITE, "X-CSRF-Token": token}).status_code

    assert (200, 403, 403) == (change(token), change("A" * len(token)), change(""))


def test_signed_in_works_with_the_test_client(auth):
    app = shop(auth)

    assert "bob" == app.test_client().post("/change", base_url=SITE, headers=signed_in(app, "bob")).text
