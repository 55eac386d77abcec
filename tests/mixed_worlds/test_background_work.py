"""Work that goes on after a response of a real server has the identity of its request, and not of the next one."""

import json
from http.client import HTTPResponse

import pytest

from background_apps import RELEASE
from table_tokens import tokens
from web_servers import WebServer

#: Those who ask on one connection, one after another, and what each is called.  One is anonymous.
CALLERS = ("alice", "admin", None, "bob", "alice", None)
SUBJECTS = {"alice": "alice", "admin": "root", "bob": "bob", None: "anonymous"}
SERVERS = [
    ("uvicorn", "starlette"),
    ("uvicorn httptools", "fastapi"),
    ("hypercorn", "quart"),
    ("granian asgi", "litestar"),
    ("gunicorn asgi", "falcon"),
    ("daphne", "django_asgi"),
    ("gunicorn sync", "flask"),
    ("gunicorn gthread", "flask"),
    ("gunicorn gevent", "django"),
    ("waitress", "wsgi"),
    ("granian wsgi", "flask"),
]


@pytest.fixture(params=SERVERS, ids=" ".join)
def served(request):
    kind, name = request.param
    server = WebServer(kind, f"background_apps:{name}_background")
    yield name, server
    server.close()


class Connection:
    """A connection that is kept; where the server closes it, as gunicorn's sync worker does, the next one."""

    def __init__(self, served):
        self._served, self._sock = served, None

    def ask(self, name, path):
        """Send a request of the user *name* and return the body of the response."""
        self._sock = self._sock or self._served.connect()
        field = f"Authorization: Bearer {tokens()[name]}\r\n" if name else ""
        self._sock.sendall(f"GET {path} HTTP/1.1\r\nHost: app.example\r\n{field}\r\n".encode())
        response = HTTPResponse(self._sock)
        response.begin()
        body = response.read().decode()
        assert 200 == response.status
        if response.will_close:
            self.close()
        return body

    def close(self):
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def test_work_after_a_response_is_of_its_own_request(served):
    """The work of six requests goes on while a seventh is served; around the middleware there is no identity."""
    name, server = served
    connection = Connection(server)
    subjects = [SUBJECTS[caller] for caller in CALLERS]
    own = sorted([who, who] for who in subjects)

    said = [connection.ask(caller, "/me" if caller else "/health").strip('"') for caller in CALLERS]
    report = json.loads(connection.ask("admin", RELEASE))
    connection.close()

    assert subjects == said
    assert "root" == report["who"]
    assert own == sorted(report["seen"])
    # Django's own way is a signal, which tells of no request and is sent around its middlewares.
    assert ([] if name == "django" else own) == sorted(report["called"])
    # It is sent after the response, so that of the last request may still be to come.
    assert ({None} if name.startswith("django") else set()) == set(report["signalled"])
    assert {None} == set(report["around"])
