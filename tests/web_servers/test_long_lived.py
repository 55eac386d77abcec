"""See from the client how real servers end long-lived connections."""

from http.client import HTTPResponse, IncompleteRead

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from open_connections import AFTER_EXPIRY_SECONDS
from table_tokens import LIFETIME_SECONDS, NOW, mint
from web_servers import WebServer

#: How far the clock of each server was moved.
PASSED_SECONDS = {}


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn", "granian asgi", "daphne", "gunicorn asgi"])
def server(request):
    served = WebServer(request.param, "served_long_lived:asgi")
    yield served
    served.close()


@pytest.fixture(scope="module", params=["gunicorn gthread", "gunicorn gevent", "waitress", "granian wsgi"])
def wsgi_server(request):
    served = WebServer(request.param, "served_long_lived:wsgi")
    yield served
    served.close()


class Life:
    """Tokens for the current time of a server, whose clock each test advances."""

    def __init__(self, served):
        self.served = served
        self.now = NOW + PASSED_SECONDS.get(served, 0)

    def token(self):
        return mint(iat=self.now, iat_ms=self.now * 1000, exp=self.now + LIFETIME_SECONDS)

    def later(self):
        PASSED_SECONDS[self.served] = PASSED_SECONDS.get(self.served, 0) + AFTER_EXPIRY_SECONDS
        self.get("/later").read()

    def get(self, path, *lines):
        """Send a request and return its response after reading only the head."""
        sock = self.served.connect()
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: app.example", *lines, "", ""]).encode())
        response = HTTPResponse(sock, method="GET")
        response.begin()
        sock.close()
        return response

    def begin(self, path):
        """Send a request with a token and return its response after reading the first half."""
        response = self.get(path, f"Authorization: Bearer {self.token()}")
        assert b"half\n\n" == response.read(6)
        return response

    def socket(self):
        host, port = self.served.address
        return connect(f"ws://{host}:{port}/live", additional_headers={"Authorization": f"Bearer {self.token()}"})


def test_a_socket_is_closed_with_a_code(server):
    """The close code is 4401, without a reason."""
    life = Life(server)
    with life.socket() as socket:
        socket.send("hello")
        assert "hello" == socket.recv()

        life.later()

        with pytest.raises(ConnectionClosedError) as caught:
            socket.recv()
    assert (4401, "") == (caught.value.rcvd.code, caught.value.rcvd.reason)


def test_streams_and_downloads(server):
    """An event stream ends normally, a long-lived response breaks, and a download is never cut."""
    life = Life(server)
    events, rows, download = (life.begin(path) for path in ("/events", "/rows", "/download"))

    life.later()

    assert b"" == events.read()
    if server.kind != "daphne":
        with pytest.raises(IncompleteRead):
            rows.read()
    life.get("/go").read()
    assert b"whole\n\n" == download.read()
    if server.kind == "daphne":
        # It sends nothing more, and leaves the connection open: the client's own time limit ends it.
        rows.fp.raw._sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            rows.fp.raw._sock.recv(1)


@pytest.mark.parametrize("path", ["/events", "/rows", "/download"])
def test_behind_wsgi_too(wsgi_server, path):
    """The credential is checked with the next chunk."""
    life = Life(wsgi_server)
    response = life.begin(path)

    life.later()
    life.get("/go").read()

    if path == "/rows":
        with pytest.raises((IncompleteRead, ConnectionResetError)):
            response.read()
    else:
        assert (b"" if path == "/events" else b"whole\n\n") == response.read()
