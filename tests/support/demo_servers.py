"""The demo in threads of this process with a clock moved by hand, as a process of its own, and in this process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import uvicorn
import werkzeug.serving

from safeconduct import Auth
from safeconduct.cli.demo import flask_app, starlette_app
from safeconduct.cli.demo.workspace import create_workspace
from safeconduct.cli.program import program
from worlds import Clock


class DemoSite:
    """The site of ``safeconduct demo``, with a ``clock`` that is moved by hand."""

    def __init__(self, framework, folder):
        self.clock = Clock()
        with socket.socket() as sock, contextlib.ExitStack() as stack:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            workspace = create_workspace(folder, url=self.url, store="memory://")
            self.passwords, self.config = workspace.passwords, workspace.config()
            self.auth = stack.enter_context(Auth(self.config, clock=self.clock))
            stack.enter_context(_SERVED[framework](self.auth, sock))
            self._stack = stack.pop_all()

    def close(self):
        """Stop serving."""
        self._stack.close()


@contextlib.contextmanager
def serving_asgi(app, sock):
    """Serve an ASGI application in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
    own = sock.dup()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [own]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        own.close()


@contextlib.contextmanager
def serving_wsgi(app, sock):
    """Serve a WSGI application in a thread."""
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, fd=sock.fileno(), request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(werkzeug.serving.WSGIRequestHandler):
    """Write no log."""

    def log(self, *_):
        pass


_SERVED = {
    "starlette": lambda auth, sock: serving_asgi(starlette_app.create_app(auth), sock),
    "flask": lambda auth, sock: serving_wsgi(flask_app.create_app(auth), sock),
}


class DemoProcess:
    """A demo that serves until it is stopped."""

    def __init__(self, *options, folder):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "safeconduct", "demo", "--json", "--port", "0", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**environ, "TMPDIR": str(folder)},
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1])
        self.shown = json.loads(line)

    @property
    def url(self):
        return self.shown["url"]

    def stop(self, number=signal.SIGTERM):
        """Stop it, and return its status and the rest of its output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def run_demo(*options, drive):
    """
    Run the demo in this process, where coverage is measured, while *drive* reads its output.

    *drive* gets a text file; when it returns, the demo is stopped.
    """
    reading, writing = os.pipe()
    failed = []

    def work():
        with os.fdopen(reading) as lines:
            try:
                drive(lines)
            except BaseException as error:  # noqa: BLE001 - told in the test's own thread
                failed.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work)
    with os.fdopen(writing, "w", buffering=1) as output, contextlib.redirect_stdout(output):
        thread.start()
        program(["demo", "--port", "0", *map(str, options)], standalone_mode=False)
    thread.join()
    if failed:
        raise failed[0]
