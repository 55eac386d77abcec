"""Requests of different users over one connection, as a proxy sends them, are independent of each other."""

from http.client import HTTPResponse

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

from mixed_apps import PREFIX, STEPS
from table_tokens import mint
from web_servers import WebServer

USERS = 60


@pytest.fixture(scope="module")
def users():
    """Return users with a token each; every tenth is anonymous."""
    names = [f"user-{number}" if number % 10 else None for number in range(USERS)]
    return [(name, name and mint(name)) for name in names]


def paths():
    """Yield the path of the mounted application and of the one around it in turns."""
    while True:
        yield PREFIX + "/me"
        yield "/me"


@pytest.mark.parametrize(
    ("kind", "factory"),
    [
        ("uvicorn", "served_mixed"),
        ("hypercorn", "served_mixed"),
        ("gunicorn gthread", "served_dispatcher"),
    ],
)
def test_requests_on_a_kept_connection_are_of_their_own_users(kind, factory, users):
    server = WebServer(kind, f"mixed_apps:{factory}")
    try:
        with server.connect() as sock:
            for (name, token), path in zip(users, paths(), strict=False):
                field = f"Authorization: Bearer {token}\r\n" if token else ""
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: app.example\r\n{field}\r\n".encode())
                status, body = read(sock)
                assert (200, [name] * (STEPS + 1)) == (status, body.split()) if name else status == 401
    finally:
        server.close()


def read(sock):
    """Read one response from a connection that stays open."""
    response = HTTPResponse(sock)
    response.begin()
    return response.status, response.read().decode()


def test_pipelined_requests_are_of_their_own_users(users):
    """All requests are sent before the first response is read."""
    server = WebServer("uvicorn", "mixed_apps:served_mixed")
    known = [(name, token) for name, token in users if name]
    try:
        with server.connect() as sock:
            lines = [
                f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: {connection}\r\n\r\n"
                for (_, token), path, connection in zip(
                    known, paths(), ["keep-alive"] * (len(known) - 1) + ["close"], strict=False
                )
            ]
            sock.sendall("".join(lines).encode())
            received = b"".join(iter(lambda: sock.recv(65536), b""))
    finally:
        server.close()

    said = [line for line in received.decode().splitlines() if line.startswith("user-")]
    assert [name for name, _ in known for _ in range(STEPS + 1)] == said


def test_streams_of_one_http2_connection_are_of_their_own_users(users):
    """The requests run at the same time, since all are sent before the first response is read."""
    server = WebServer("hypercorn", "mixed_apps:served_mixed")
    try:
        with server.connect() as sock:
            answers = multiplexed(sock, users)
    finally:
        server.close()

    assert [("200", [name] * (STEPS + 1)) if name else ("401", None) for name, _ in users] == [
        (status, body.decode().split() if status == "200" else None) for status, body in answers
    ]


def multiplexed(sock, users):
    """Send a request of each user on a stream of its own, and return status and body of each."""
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    streams = []
    for (_, token), path in zip(users, paths(), strict=False):
        fields = [(":method", "GET"), (":authority", "app.example"), (":scheme", "http"), (":path", path)]
        streams.append(connection.get_next_available_stream_id())
        credential = [("authorization", f"Bearer {token}")] if token else []
        connection.send_headers(streams[-1], fields + credential, end_stream=True)
    sock.sendall(connection.data_to_send())
    statuses, bodies, ended = {}, dict.fromkeys(streams, b""), set()
    while len(ended) < len(streams):
        for event in connection.receive_data(sock.recv(65536)):
            match event:
                case ResponseReceived():
                    statuses[event.stream_id] = dict(event.headers)[":status"]
                case DataReceived():
                    bodies[event.stream_id] += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    ended.add(event.stream_id)
        sock.sendall(connection.data_to_send())
    return [(statuses[stream], bodies[stream]) for stream in streams]
