"""The Quart integration: errors of views and WebSockets, the identity wherever code of a request runs, wrong types."""

import asyncio
import sys
from importlib.util import find_spec, module_from_spec

import pytest
from quart import Blueprint, Quart, Response, g, render_template_string, stream_with_context, websocket
from quart.testing import WebsocketResponseError
from werkzeug.exceptions import HTTPException

from app_client import SentRequest, asgi_scope, call_asgi, socket_scope
from auth_setups import auth_for, configuration
from safeconduct import Auth, Config, allows, current, requires
from safeconduct.errors import AuthError, ConfigurationError, InsufficientRights, StepUpRequired
from safeconduct.guard import PASSED
from safeconduct.quart import Safeconduct, _escaped, _EscapingError
from safeconduct.testing import signed_in, throw_away_keys
from table_tokens import tokens

MODES = {
    "production": {},
    "testing": {"TESTING": True},
    "debug": {"DEBUG": True},
    "propagate": {"PROPAGATE_EXCEPTIONS": True},
}


@requires(roles=["no such role"])
async def closed():
    """Answer nobody."""


@requires(roles=["no such role"])
def closed_in_a_thread():
    """Answer nobody."""


def stamped(response):
    response.headers["X-Stamp"] = "seen"
    return response


def application(**config):
    app = Quart("application")
    app.config.from_mapping(config)
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")
    for each in (app, outer, inner):
        each.add_url_rule("/closed", "closed", closed)
    app.add_url_rule("/thread", "thread", closed_in_a_thread)
    app.add_url_rule("/step", "step", requires(level="multifactor")(closed))
    # Of the public paths of this setup.
    app.add_url_rule("/health", "health", requires()(closed))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.after_request(stamped)
    Safeconduct(auth_for("main")).init_app(app)
    return app


class Seen:
    """What a test client received."""

    def __init__(self, response, body):
        self.status, self.headers, self.text = response.status_code, response.headers, body


def get(app, path, name="alice"):
    async def ask():
        headers = {"Authorization": f"Bearer {tokens()[name]}"} if name else {}
        response = await app.test_client().get(path, headers=headers, scheme="https")
        return Seen(response, await response.get_data(as_text=True))

    return asyncio.run(ask())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/closed", "/thread", "/outer/closed", "/outer/inner/closed"])
def test_a_refusal_is_403_with_a_challenge_in_every_mode(mode, path):
    answer = get(application(**MODES[mode]), path)

    assert 403 == answer.status
    assert '"code":"insufficient_rights"' in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert ("no-store", "seen") == (answer.headers["Cache-Control"], answer.headers["X-Stamp"])
    assert [answer.headers["Content-Type"]] == answer.headers.getlist("Content-Type")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["before_request", "after_request"])
def test_a_hook_may_refuse(mode, place):
    app = Quart("application")
    app.config.from_mapping(MODES[mode])
    Safeconduct(auth_for("main"), app)
    getattr(app, place)(requires()(lambda *_: None))

    assert 401 == get(app, "/health", name=None).status


def test_the_handlers_of_the_application_make_the_answer():
    """The one for the class goes before the one for the status: a step-up and a sign-in are both 401."""
    app, seen = application(), []
    app.register_error_handler(403, lambda error: seen.append(error) or ({"error": error.description}, error.code))
    app.register_error_handler(401, lambda _: ("sign in", 401))

    @app.errorhandler(StepUpRequired)
    async def step_up(error):
        return f"prove {error.level}", 401

    refused, missing, step = get(app, "/closed"), get(app, "/health", name=None), get(app, "/step")

    assert (403, "application/json") == (refused.status, refused.headers["Content-Type"])
    assert isinstance(seen[0], HTTPException)
    assert isinstance(seen[0].__cause__, AuthError)
    assert ("sign in", "prove multifactor") == (missing.text, step.text)
    for answer in (refused, missing, step):
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert "seen" == answer.headers["X-Stamp"]


def test_a_handler_of_every_exception_makes_no_fault_of_a_refusal():
    app = Quart("application")
    shop = Blueprint("shop", __name__)
    shop.add_url_rule("/closed", "closed", closed)
    shop.register_error_handler(Exception, lambda _: ("a fault", 500))
    app.register_blueprint(shop)
    Safeconduct(auth_for("main")).init_app(app)

    assert 403 == get(app, "/closed").status


def test_other_exceptions_stay_as_they_are():
    app = application()
    app.add_url_rule("/fault", "fault", lambda: 1 / 0)
    app.register_error_handler(500, lambda error: (type(error.original_exception).__name__, 500))

    assert "ZeroDivisionError" == get(app, "/fault").text


def sockets(**config):
    app = Quart("application")
    app.config.from_mapping(config)

    @app.websocket("/early")
    @requires(roles=["no such role"])
    async def early():
        """Answer nobody."""

    @app.websocket("/late")
    async def late():
        await websocket.accept()
        await websocket.send(current().subject)
        requires(roles=["no such role"])(lambda: None)()

    @app.websocket("/fault")
    async def fault():
        raise ZeroDivisionError

    Safeconduct(auth_for("main")).init_app(app)
    return app


def opened(app, path, *, denial=True):
    headers = (("host", b"app.example"), ("authorization", f"Bearer {tokens()['alice']}".encode()))
    request = SentRequest("GET", path, headers, "https")

    async def connect():
        # The client stays until the socket is closed: Quart ends a view whose client has left.
        sent, coming, is_over = [], [{"type": "websocket.connect"}], asyncio.Event()

        async def receive():
            if not coming:
                await is_over.wait()
                return {"type": "websocket.disconnect", "code": 1000}
            return coming.pop()

        async def send(message):
            sent.append(message)
            if message["type"] in {"websocket.close", "websocket.http.response.body"}:
                is_over.set()

        await app(socket_scope(request, denial=denial), receive, send)
        return sent

    return asyncio.run(connect())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["view", "hook"])
def test_a_websocket_is_denied_before_it_is_accepted(mode, place):
    """By a whole response where the server can send one, else by its end."""
    app = sockets(**MODES[mode])
    if place == "hook":
        app.before_websocket(requires(roles=["no such role"])(lambda: None))
    path = "/early" if place == "view" else "/late"

    start, _ = opened(app, path)
    [close] = opened(app, path, denial=False)

    assert ("websocket.http.response.start", 403) == (start["type"], start["status"])
    assert b"www-authenticate" in dict(start["headers"])
    assert {"type": "websocket.close", "code": 4403, "reason": ""} == close


@pytest.mark.parametrize("mode", MODES)
def test_a_websocket_that_was_accepted_is_closed_with_a_code(mode):
    accept, text, close = opened(sockets(**MODES[mode]), "/late")

    assert ("websocket.accept", "alice") == (accept["type"], text["text"])
    assert ("websocket.close", 4403) == (close["type"], close["code"])


def test_another_fault_of_a_websocket_stays_one():
    """Since version 0.23 Quart raises it in a group."""
    with pytest.raises((ZeroDivisionError, ExceptionGroup)) as caught:
        opened(sockets(PROPAGATE_EXCEPTIONS=True), "/fault")

    assert [ZeroDivisionError] == [type(each) for each in getattr(caught.value, "exceptions", [caught.value])]


def test_a_refusal_in_a_group_of_faults_is_found():
    """A group may have groups in it."""
    refusal = InsufficientRights()
    assert refusal is _escaped(BaseExceptionGroup("a", [BaseExceptionGroup("b", [_EscapingError(refusal)])]))


def test_the_websocket_client_of_quart_is_refused_and_signed_in():
    app = sockets()

    async def connect(headers):
        async with app.test_client().websocket("/late", headers=headers, scheme="wss") as sock:
            return await sock.receive()

    # A throw-away issuer, since that of the table is another server.
    own = Quart("own")
    Safeconduct(Auth(_own_config())).init_app(own)

    @own.websocket("/me")
    async def me():
        await websocket.send(current().subject)

    async def connect_own():
        async with own.test_client().websocket("/me", headers=signed_in(own, "carol"), scheme="wss") as sock:
            return await sock.receive()

    with pytest.raises(WebsocketResponseError) as caught:
        asyncio.run(connect({}))

    assert 401 == caught.value.response.status_code
    assert "carol" == asyncio.run(connect_own())


def _own_config():
    return Config(issuer="https://a.example", audience="https://a.example", keys=throw_away_keys(), store="memory://")


def telling(heard):
    """Return an application whose views tell who is asking, in each place where their code may run."""
    app = Quart("application")
    Safeconduct(auth_for("main")).init_app(app)

    @app.route("/thread")
    def in_a_thread():
        return current().subject + g.principal.subject

    @app.route("/stream")
    async def streamed():
        @stream_with_context
        async def lines():
            for _ in range(2):
                await asyncio.sleep(0)
                yield f"{current().subject};{g.principal.subject};"

        return Response(lines())

    @app.route("/plain")
    async def streamed_without_context():
        async def lines():
            await asyncio.sleep(0)
            yield current().subject

        return Response(lines())

    @app.route("/task")
    async def task():
        async def later():
            heard.put_nowait(current().subject)

        app.add_background_task(later)
        return ""

    @app.route("/page")
    async def page():
        return await render_template_string(
            "{{ current_identity.subject }} {{ g.principal.subject }} {{ allows('GET', '/admin/') }}"
        )

    return app


def test_the_identity_is_known_wherever_code_of_a_request_runs():
    heard = asyncio.Queue()
    app = telling(heard)

    assert ["alicealice", "alice;alice;alice;alice;", "alice", "alice alice False"] == [
        get(app, path).text for path in ("/thread", "/stream", "/plain", "/page")
    ]

    async def background():
        await app.test_client().get("/task", headers={"Authorization": f"Bearer {tokens()['alice']}"}, scheme="https")
        return await heard.get()

    assert "alice" == asyncio.run(background())


def test_outside_of_a_request_the_caller_is_anonymous():
    app = application()

    async def seen():
        found = []
        async with app.test_request_context("/closed", headers={"Authorization": f"Bearer {tokens()['alice']}"}):
            found += [current().is_authenticated, g.principal.is_authenticated, allows("GET", "/closed")]
        async with app.app_context():
            found.append(current().is_authenticated)
        return found

    assert [False] * 4 == asyncio.run(seen())
    with pytest.raises(LookupError):
        current()


def test_an_application_without_the_extension_has_no_identity():
    async def ask():
        async with Quart("bare").app_context():
            return current()

    with pytest.raises(LookupError):
        asyncio.run(ask())


def test_a_task_without_the_context_variables_still_has_the_identity_of_its_request():
    """Only Quart's own context reaches it, as in a thread of ``copy_current_request_context``."""
    app = application()
    seen = []

    @app.before_request
    async def in_another_context():
        before = PASSED.set(None)
        seen.append(current())
        PASSED.reset(before)

    @app.before_websocket
    async def in_another_context_of_a_websocket():
        await in_another_context()

    @app.websocket("/ws")
    async def ws():
        await websocket.send("")

    get(app, "/closed")
    opened(app, "/ws")

    assert ["alice", "alice"] == [each.subject for each in seen]


def test_wrong_types_are_refused_at_once():
    auth = Auth(configuration())
    with pytest.raises(ConfigurationError, match=r"Safeconduct\(Auth\(Config\.load\(\)\)\)\.init_app\(app\)"):
        Safeconduct(Quart("application"))
    for wrong in (configuration(), {}, Auth, None):
        with pytest.raises(ConfigurationError, match=r"^auth: got"):
            Safeconduct(wrong)
    for wrong in (Quart, lambda: None, Quart("application").asgi_app):
        with pytest.raises(ConfigurationError, match=r"^app: got .*Safeconduct\(auth, app\)"):
            Safeconduct(auth).init_app(wrong)
    with pytest.raises(ConfigurationError, match="app: got an application that has this extension"):
        Safeconduct(auth_for("main")).init_app(application())


def test_below_a_prefix_rules_are_asked_about_the_path_below():
    app = Quart("application")
    Safeconduct(auth_for("main")).init_app(app)

    @app.route("/health")
    async def health():
        return await render_template_string("{{ allows('GET', '/shop/news') }}")

    async def ask():
        scope = asgi_scope(SentRequest("GET", "/shop/health", (("host", b"app.example"),), "https"), root_path="/shop")
        return await call_asgi(app, scope)

    assert "True" == asyncio.run(ask()).body.decode()


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "quart", None)
    spec = find_spec("safeconduct.quart")

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[quart\]'"):
        spec.loader.exec_module(module_from_spec(spec))
