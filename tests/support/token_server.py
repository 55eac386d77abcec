"""A real HTTP server with a token endpoint and a resource, which answer as a test wants; it records requests."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def token(self):
        """Return the bearer token, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    @property
    def form(self):
        """Return the fields of the body; none may be there twice."""
        pairs = parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


@dataclass
class CannedResponse:
    """An answer to be given."""

    status: int = 200
    body: object = b""
    headers: dict = field(default_factory=dict)

    @property
    def octets(self):
        """Return the body; anything but bytes is JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def token_answer(name, **more):
    """Return the answer of a token endpoint that gives the token *name*."""
    return CannedResponse(200, {"access_token": name, "token_type": "Bearer", "expires_in": 300} | more)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class TokenServer:
    """
    CannedResponse ``POST /token`` by ``tokens(number, asked)`` and everything else by ``resource(asked)``.

    ``asked`` holds every request; ``gate`` is waited for before a token is given.
    """

    def __init__(self):
        self.asked, self.gate, self._lock = [], threading.Event(), threading.Lock()
        self.gate.set()
        self.arrived = threading.Event()
        self.tokens = lambda number, _: token_answer(f"token-{number}")
        self.resource = lambda _: CannedResponse(200, b"resource")
        self._server = _Server(("127.0.0.1", 0), self._responder())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.token_url = f"{self.origin}/token"

    def asked_for(self, path):
        """Return the requests for *path*."""
        with self._lock:
            return [asked for asked in self.asked if asked.path.partition("?")[0] == path]

    @property
    def token_requests(self):
        """Return the token requests."""
        return self.asked_for("/token")

    def close(self):
        """Stop."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, asked):
        with self._lock:
            self.asked.append(asked)
            number = sum(each.path == "/token" for each in self.asked)
        if asked.path == "/token" and asked.method == "POST":
            self.arrived.set()
            self.gate.wait(30)
            return self.tokens(number, asked)
        return self.resource(asked)

    def _responder(server):  # noqa: N805 - `self` is the request below
        class Responder(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self._body(headers))
                answer = server._answer(asked)
                self.send_response(answer.status)
                for name, value in {"content-length": str(len(answer.octets)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.octets)

            def _body(self, headers):
                if headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(headers.get("content-length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = respond  # noqa: N815 - names of the library

            def log_message(self, *_):
                """Write nothing."""

        return Responder
