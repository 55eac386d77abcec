"""The example runs unchanged and protects what it says it protects."""

import pytest
from starlette.testclient import TestClient

from asgi_examples import bearer, opened_example, statuses_by_path


@pytest.fixture
def client(tmp_path, monkeypatch):
    with opened_example("starlette", TestClient, tmp_path, monkeypatch) as opened:
        yield opened


def test_rules_protect_the_routes(client):
    expected = {"/public": [200, 200, 200], "/me": [401, 200, 200], "/admin": [401, 403, 200]}

    assert expected == statuses_by_path(client)
    assert {"hello": "guest"} == client.get("/public").json()


def test_a_requirement_of_a_view_adds_to_them(client):
    assert 403 == client.post("/payments", headers=bearer()).status_code
    assert 401 == client.post("/payments", headers=bearer("--scope", "pay")).status_code
    strong = bearer("--scope", "pay", "--level", "explicit")
    assert {"paid_by": "alice"} == client.post("/payments", headers=strong).json()


def test_a_websocket_has_the_principal(client):
    with client.websocket_connect("/ws", headers=bearer()) as sock:
        sock.send_text("hello")
        assert "alice: hello" == sock.receive_text()
