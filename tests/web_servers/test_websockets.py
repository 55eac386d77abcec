"""Use WebSockets over real servers: refused handshakes and the code of a late close."""

import socket

import pytest

from table_tokens import tokens
from web_servers import WebServer, read_response

_SWITCHED = 101


#: Servers that can send a whole response to a handshake, and servers that can only close it.
DENY, CLOSE = ("uvicorn", "hypercorn", "granian asgi"), ("daphne", "gunicorn asgi")


@pytest.fixture(scope="module", params=DENY + CLOSE)
def served(request):
    server = WebServer(request.param, "served_apps:sockets")
    server.denies = request.param in DENY
    yield server
    server.close()


def handshake(served, *fields, path="/me"):
    """Send a handshake, and return the response and the code of the close frame."""
    lines = [f"GET {path} HTTP/1.1", "Host: app.example", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *fields, "", ""]
    with served.connect() as sock:
        sock.sendall("\r\n".join(lines).encode())
        head = sock.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)
        if head.endswith(b"101"):
            return _SWITCHED, *_switched(sock)
        seen = read_response(sock)
        return seen.status, seen.fields, None


def _switched(sock):
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += sock.recv(1)
    fields = tuple(tuple(line.lower().split(": ", 1)) for line in octets.decode().split("\r\n")[1:-2])
    frame = b""
    while len(frame) < 4:
        frame += sock.recv(4 - len(frame))
    return fields, int.from_bytes(frame[2:], "big")


def bearer(name):
    """Return the header line that carries a token."""
    return f"Authorization: Bearer {tokens()[name]}"


def test_a_refused_handshake_is_answered(served):
    """Where the server has no denial response, it answers the close before the handshake with 403."""
    status, fields, _ = handshake(served)

    assert (401 if served.denies else 403) == status
    challenges = [value for name, value in fields if name == "www-authenticate"]
    assert served.denies == any(value.startswith("Bearer") for value in challenges)


def test_a_foreign_page_is_refused(served):
    cookie = f"Cookie: __Host-safeconduct={tokens()['alice']}"

    assert 403 == handshake(served, cookie, "Origin: https://evil.example")[0]
    assert _SWITCHED == handshake(served, cookie, "Origin: https://app.example")[0]


def test_a_good_one_is_switched(served):
    status, _, code = handshake(served, bearer("alice"))

    assert (_SWITCHED, 4000) == (status, code)


def test_a_late_refusal_has_its_code(served):
    """The close code is 4403: the requirement is not met."""
    status, _, code = handshake(served, bearer("alice"), path="/late")

    assert (_SWITCHED, 4403) == (status, code)


def test_only_the_word_of_a_subprotocol_comes_back(served):
    status, fields, _ = handshake(served, f"Sec-WebSocket-Protocol: bearer, {tokens()['alice']}")

    assert _SWITCHED == status
    assert ("sec-websocket-protocol", "bearer") in fields
