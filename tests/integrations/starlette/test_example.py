"""The example runs unchanged and protects what it says it protects."""

import importlib.util
import shutil
import sys

import pytest
from starlette.testclient import TestClient

from command_line import run, without_environment
from project_files import PROJECT

EXAMPLE = PROJECT / "examples" / "starlette"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return a test client of the example, with its configuration and keys, as its docstring has it."""
    monkeypatch.chdir(tmp_path)
    without_environment(monkeypatch)
    shutil.copy(EXAMPLE / "safeconduct.toml", tmp_path)
    assert 0 == run("keys", "new").code
    spec = importlib.util.spec_from_file_location("example_starlette", EXAMPLE / "app.py")
    module = importlib.util.module_from_spec(spec)
    # Litestar looks up the names in annotations there.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    with TestClient(module.create_app()) as opened:
        yield opened


def bearer(*options):
    token = run("token", "issue", "--subject", "alice", *options).out.strip()
    return {"Authorization": f"Bearer {token}"}


def test_rules_protect_the_routes(client):
    callers = ({}, bearer(), bearer("--role", "admin"))
    seen = {
        path: [client.get(path, headers=how).status_code for how in callers] for path in ("/public", "/me", "/admin")
    }

    assert {"/public": [200, 200, 200], "/me": [401, 200, 200], "/admin": [401, 403, 200]} == seen
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
