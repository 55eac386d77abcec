"""The demo in threads of this process, by a clock that is moved by hand."""

import contextlib
import socket
import threading

import uvicorn
import werkzeug.serving

from safeconduct import Auth
from safeconduct.cli.demo import flask_app, starlette_app
from safeconduct.cli.demo.workspace import create_workspace
from worlds import Clock


class DemoSite:
    """What ``safeconduct demo`` serves; ``clock`` goes only when it is told to."""

    def __init__(self, framework, folder):
        self.clock = Clock()
        with socket.socket() as plug, contextlib.ExitStack() as stack:
            plug.bind(("127.0.0.1", 0))
            plug.listen()
            self.url = f"http://127.0.0.1:{plug.getsockname()[1]}"
            house = create_workspace(folder, url=self.url, store="memory://")
            self.passwords, self.config = house.passwords, house.config()
            self.auth = stack.enter_context(Auth(self.config, clock=self.clock))
            stack.enter_context(_SERVED[framework](self.auth, plug))
            self._stack = stack.pop_all()

    def close(self):
        """Stop serving."""
        self._stack.close()


@contextlib.contextmanager
def _starlette(auth, plug):
    server = uvicorn.Server(
        uvicorn.Config(starlette_app.create_app(auth), log_level="warning", timeout_graceful_shutdown=5)
    )
    own = plug.dup()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [own]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        own.close()


@contextlib.contextmanager
def _flask(auth, plug):
    server = werkzeug.serving.make_server(
        "127.0.0.1", 0, flask_app.create_app(auth), threaded=True, fd=plug.fileno(), request_handler=_Silent
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(werkzeug.serving.WSGIRequestHandler):
    """Writes no log."""

    def log(self, *_):
        pass


_SERVED = {"starlette": _starlette, "flask": _flask}
