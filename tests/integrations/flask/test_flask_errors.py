"""An ``AuthError`` of a view is answered 401 or 403 with a challenge, by the application's own handlers if any."""

import sys
from importlib.util import find_spec, module_from_spec

import pytest
from flask import Blueprint, Flask, Response, jsonify, redirect
from flask.views import MethodView, View
from werkzeug.exceptions import HTTPException

from auth_setups import SITE, auth_for, configuration
from safeconduct import Auth, Config, current, requires
from safeconduct.errors import AuthError, ConfigurationError, MissingCredential, StepUpRequired
from safeconduct.flask import Safeconduct
from safeconduct.testing import signed_in, throw_away_keys
from table_tokens import tokens

MODES = {
    "production": {},
    "testing": {"TESTING": True},
    "debug": {"DEBUG": True},
    "trap": {"TRAP_HTTP_EXCEPTIONS": True, "TRAP_BAD_REQUEST_ERRORS": True},
    "propagate": {"PROPAGATE_EXCEPTIONS": True},
    "no propagation": {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False},
}

#: What a browser sends that goes to a page.
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}


def bearer(name="alice"):
    return {"Authorization": f"Bearer {tokens()[name]}"}


@requires(roles=["no such role"])
def closed():
    """Answer nobody."""


class Closed(MethodView):
    decorators = (requires(roles=["no such role"]),)

    def get(self):
        """Answer nobody."""


class ClosedView(View):
    @requires(roles=["no such role"])
    def dispatch_request(self):
        """Answer nobody."""


class ClosedGet(MethodView):
    init_every_request = False

    @requires(level="multifactor")
    def get(self):
        """Answer nobody."""


def application(**config):
    """Return a protected application without error handlers."""
    app = Flask("application")
    app.config.from_mapping(config)
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")
    for each in (app, outer, inner):
        each.add_url_rule("/closed", "closed", closed)
    app.add_url_rule("/class", view_func=Closed.as_view("class"))
    app.add_url_rule("/view", view_func=ClosedView.as_view("view"))
    app.add_url_rule("/step", view_func=ClosedGet.as_view("step"))
    # Of the public paths of this setup.
    app.add_url_rule("/health", "health", requires()(lambda: "known"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.after_request(stamped)
    Safeconduct(auth_for("main")).init_app(app)
    return app


def stamped(response):
    response.headers["X-Stamp"] = "seen"
    return response


def get(app, path, name="alice", **headers):
    return app.test_client().get(path, base_url=SITE, headers={**(bearer(name) if name else {}), **headers})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/closed", "/outer/closed", "/outer/inner/closed", "/class", "/view"])
def test_a_refusal_is_403_with_a_challenge_in_every_mode(mode, path):
    answer = get(application(**MODES[mode]), path)

    assert (403, "insufficient_rights") == (answer.status_code, answer.get_json(force=True)["code"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert ("no-store", "seen") == (answer.headers["Cache-Control"], answer.headers["X-Stamp"])


@pytest.mark.parametrize("mode", MODES)
def test_a_view_of_a_public_path_asks_for_a_credential(mode):
    answer = get(application(**MODES[mode]), "/health", name=None)

    assert (401, "missing_credential") == (answer.status_code, answer.get_json(force=True)["code"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "seen" == answer.headers["X-Stamp"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["before_request", "after_request"])
def test_a_hook_may_refuse(mode, place):
    app = application(**MODES[mode])
    getattr(app, place)(requires(roles=["no such role"])(lambda *_: None))

    answer = get(app, "/health")

    assert (403, "insufficient_rights") == (answer.status_code, answer.get_json(force=True)["code"])
    assert ("seen" if place == "before_request" else None) == answer.headers.get("X-Stamp")


def test_the_handler_of_the_status_sees_a_refusal_as_any_other_abort():
    app, seen = application(), []

    @app.errorhandler(403)
    def forbidden(error):
        seen.append(error)
        return jsonify(error=error.description), error.code

    @app.errorhandler(401)
    def unauthorized(error):
        return f"{error.name}: sign in", 401

    refused, unknown = get(app, "/outer/closed"), get(app, "/health", name=None)

    assert ({"error": "The credential does not permit this request."}, 403) == (refused.json, refused.status_code)
    assert "application/json" == refused.mimetype
    assert [403] == [error.code for error in seen]
    assert isinstance(seen[0].__cause__, AuthError)
    assert (401, "Unauthorized: sign in") == (unknown.status_code, unknown.text)
    for answer in (refused, unknown):
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert ("no-store", "seen") == (answer.headers["Cache-Control"], answer.headers["X-Stamp"])


def test_no_handler_keeps_a_person_from_the_sign_in_page():
    """The configuration says where they sign in."""
    app = Flask("application")
    app.add_url_rule("/health", "health", requires()(lambda: "known"))
    app.register_error_handler(401, lambda _: ("a page without a form", 401))
    access = {"public": ["/health"], "sign_in_url": "/sign-in"}
    Safeconduct(Auth(configuration(access=access, sources=["cookie"]))).init_app(app)

    answer = get(app, "/health", name=None, **NAVIGATION)

    assert (303, "/sign-in?next=/health") == (answer.status_code, answer.headers["Location"])


def test_the_page_of_a_handler_is_not_bound_by_the_policy_of_our_pages():
    """Our pages load nothing; a page of the application may have a style sheet."""
    app = application()
    app.register_error_handler(401, lambda _: ("<link rel=stylesheet href=/own.css>", 401))

    ours = get(application(), "/health", name=None, **NAVIGATION)
    theirs = get(app, "/health", name=None, **NAVIGATION)

    assert "default-src 'none'" in ours.headers["Content-Security-Policy"]
    assert "Content-Security-Policy" not in theirs.headers
    assert ("no-store", "DENY") == (theirs.headers["Cache-Control"], theirs.headers["X-Frame-Options"])


def test_the_handler_of_every_http_exception_changes_our_response():
    """As Flask's documentation has it: the response of the exception in another form."""
    app = application()

    @app.errorhandler(HTTPException)
    def as_json(error):
        response = error.get_response()
        response.data = app.json.dumps({"code": error.code})
        return response

    answer = get(app, "/closed")

    assert (403, {"code": 403}) == (answer.status_code, answer.get_json(force=True))
    assert 1 == len(answer.headers.getlist("WWW-Authenticate"))


def test_the_handler_of_the_class_goes_before_the_one_of_the_status():
    """A step-up and a sign-in are both 401, and two pages."""
    app = application()
    app.register_error_handler(401, lambda _: ("sign in", 401))
    app.register_error_handler(StepUpRequired, lambda error: (f"prove {error.level}", 401))

    step_up, missing = get(app, "/step"), get(app, "/health", name=None)

    assert ("prove multifactor", "sign in") == (step_up.text, missing.text)
    assert 'acr_values="' in step_up.headers["WWW-Authenticate"]


def test_the_handler_of_a_blueprint_answers_for_its_views_alone():
    app = Flask("application")
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.add_url_rule("/closed", "closed", closed)
    app.add_url_rule("/closed", "closed", closed)
    shop.register_error_handler(AuthError, lambda error: (f"shop: {error.code}", error.status))
    app.register_blueprint(shop)
    Safeconduct(auth_for("main")).init_app(app)

    assert "shop: insufficient_rights" == get(app, "/shop/closed").text
    assert "insufficient_rights" == get(app, "/closed").get_json(force=True)["code"]


def test_an_asynchronous_handler_is_awaited():
    app = application()

    @app.errorhandler(MissingCredential)
    async def unknown(_error):
        return redirect("/sign-in")

    answer = get(app, "/health", name=None)

    assert (302, "/sign-in") == (answer.status_code, answer.location)


@pytest.mark.parametrize("place", ["application", "blueprint"])
def test_a_handler_of_every_exception_makes_no_fault_of_a_refusal(place):
    app = Flask("application")
    shop = Blueprint("shop", __name__)
    shop.add_url_rule("/closed", "closed", closed)
    (app if place == "application" else shop).register_error_handler(Exception, lambda _: ("a fault", 500))
    app.register_blueprint(shop)
    Safeconduct(auth_for("main")).init_app(app)

    assert 403 == get(app, "/closed").status_code


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ["before", "after"])
def test_an_extension_that_makes_a_fault_of_every_exception_does_not_see_a_refusal(mode, order):
    """Flask-RESTful and Flask-RESTX replace these two methods, and answer 500 to what is not werkzeug's."""
    app = Flask("application")
    app.config.from_mapping(MODES[mode])

    def answer_fault(_error):
        return Response("a fault", 500)

    def install():
        app.handle_exception = app.handle_user_exception = answer_fault

    for step in (install, Safeconduct(auth_for("main")).init_app)[:: 1 if order == "before" else -1]:
        step() if step is install else step(app)
    app.add_url_rule("/closed", "closed", closed)

    assert 403 == get(app, "/closed").status_code


def test_other_exceptions_stay_as_they_are():
    app = application()
    app.add_url_rule("/fault", "fault", lambda: 1 / 0)
    app.register_error_handler(500, lambda error: (type(error.original_exception).__name__, 500))
    raising = application(TESTING=True)
    raising.add_url_rule("/fault", "fault", lambda: 1 / 0)

    assert "ZeroDivisionError" == get(app, "/fault").text
    with pytest.raises(ZeroDivisionError):
        get(raising, "/fault")


def test_one_refusal_is_reported_once():
    heard = []
    app = Flask("application")
    config = Config(issuer=SITE, audience=SITE, keys=throw_away_keys(), store="memory://")
    auth = Auth(config, listeners=[heard.append])
    Safeconduct(auth).init_app(app)
    app.add_url_rule("/closed", "closed", closed)
    app.register_error_handler(403, lambda _: ("no", 403))

    assert "no" == app.test_client().get("/closed", headers=signed_in(app, "alice")).text
    assert 1 == [type(event).__name__ for event in heard].count("RequestRefused")


def test_an_extension_is_installed_once():
    app = application()

    with pytest.raises(ConfigurationError, match="app: got an application that has this extension"):
        Safeconduct(auth_for("main")).init_app(app)


def test_an_extension_serves_several_applications():
    extension = Safeconduct(auth_for("main"))
    apps = [Flask("first"), Flask("second")]
    for app in apps:
        extension.init_app(app)
        app.add_url_rule("/me", "me", lambda: current().subject)

    assert ["alice", "alice"] == [get(app, "/me").text for app in apps]
    assert [401, 401] == [get(app, "/me", name=None).status_code for app in apps]


def test_the_error_for_a_forgotten_auth_shows_the_line():
    with pytest.raises(ConfigurationError, match=r"Safeconduct\(Auth\(Config\.load\(\)\)\)\.init_app\(app\)"):
        Safeconduct(Flask("application"))


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "flask", None)
    spec = find_spec("safeconduct.flask")

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[flask\]'"):
        spec.loader.exec_module(module_from_spec(spec))


def test_an_application_of_another_kind_is_refused():
    for wrong in (Flask, Flask("application").wsgi_app, None):
        with pytest.raises(ConfigurationError, match=r"^app: got .*Safeconduct\(auth, app\)"):
            Safeconduct(auth_for("main")).init_app(wrong)
