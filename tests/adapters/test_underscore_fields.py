"""Distrust ``X_Forwarded_For`` on WSGI servers that confuse it with ``X-Forwarded-For``."""

import threading
from http.client import HTTPConnection
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from hypercorn.app_wrappers import _build_environ

from app_client import SentRequest, call_wsgi, wsgi_environ
from app_reports import wsgi_application
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config
from safeconduct._http.environ import read_environ
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY

PROXY = "127.0.0.1"


@pytest.fixture
def application():
    config = Config(
        store="memory://",
        issuer=ISSUER,
        audience=AUDIENCE,
        keys={"keys": [OWN_KEY, SECRETS_KEY]},
        proxies={"trusted": [PROXY]},
    )
    with Auth(config, directory=MemoryDirectory(alice="wonder")) as auth:
        yield auth.wsgi(wsgi_application)


def guess(application, forwarded, server, password="no"):
    body = f"username=alice&password={password}".encode()
    headers = (("host", b"app.example"), ("content-type", b"application/x-www-form-urlencoded"))
    environ = wsgi_environ(SentRequest("POST", "/auth/login", headers, "https", body))
    environ |= {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": PROXY, **server}
    return call_wsgi(application, environ).status


@pytest.mark.parametrize("server", [{}, {"SERVER_SOFTWARE": "WSGIServer/0.2 CPython/3.11.7"}], ids=str)
def test_c9_a_client_does_not_choose_its_network_by_an_underscore(application, server):
    """Hypercorn gives no name for the peer, so the network is unknown."""
    statuses = [guess(application, f"198.51.100.1,6.6.6.{number}", server) for number in range(6)]

    assert [401] * 5 + [429] == statuses
    assert 200 == guess(application, "198.51.100.2", server, "wonder")


@pytest.mark.parametrize("name", ["gunicorn/23.0.0", "waitress", "Werkzeug/3.1.3", "gevent/24.2 Python/3.11"])
def test_c9_servers_that_drop_such_names_join_what_two_proxies_wrote(application, name):
    """HAProxy adds a line of its own."""
    server = {"SERVER_SOFTWARE": name}
    for number in range(5):
        assert 401 == guess(application, f"6.6.6.{number},198.51.100.1", server)

    assert 429 == guess(application, "198.51.100.1", server)
    assert 401 == guess(application, "198.51.100.2", server)


def test_c9_hypercorn_builds_such_an_environ():
    """This test fails if the server drops such fields one day, or names itself."""
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x_forwarded_for", b"6.6.6.6")]
    scope = {"method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "headers": headers}

    environ = _build_environ(scope, b"")

    assert "198.51.100.1,6.6.6.6" == environ["HTTP_X_FORWARDED_FOR"]
    assert read_environ(environ).merges_spellings


class _Silent(WSGIRequestHandler):
    def log_message(self, *_arguments):
        pass


def test_c9_wsgiref_builds_such_an_environ():
    seen = []

    def application(environ, start_response):
        seen.append(environ)
        start_response("204 No Content", [])
        return []

    with make_server(PROXY, 0, application, handler_class=_Silent) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        connection = HTTPConnection(*server.server_address)
        connection.request("GET", "/", headers={"X-Forwarded-For": "198.51.100.1", "X_Forwarded_For": "6.6.6.6"})
        assert 204 == connection.getresponse().status
        connection.close()
        serving.join()

    assert "198.51.100.1,6.6.6.6" == seen[0]["HTTP_X_FORWARDED_FOR"]
    assert read_environ(seen[0]).merges_spellings
