"""The examples run unchanged and protect what they say they protect."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from command_line import run, without_environment
from safeconduct import Auth, Config

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a folder with the examples' configuration and keys, as their docstrings have it."""
    monkeypatch.chdir(tmp_path)
    without_environment(monkeypatch)
    shutil.copy(EXAMPLES / "safeconduct.toml", tmp_path)
    assert 0 == run("keys", "new").code
    return tmp_path


def example(name):
    """Import one example."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bearer(*options):
    token = run("token", "issue", "--subject", "alice", *options).out.strip()
    return {"Authorization": f"Bearer {token}"}


def statuses(get):
    """Return the statuses for an anonymous caller, alice and an admin."""
    callers = ({}, bearer(), bearer("--role", "admin"))
    return {
        path: [get(path, headers=headers).status_code for headers in callers] for path in ("/public", "/me", "/admin")
    }


EXPECTED = {"/public": [200, 200, 200], "/me": [401, 200, 200], "/admin": [401, 403, 200]}


def test_the_starlette_example():
    """Rules protect the routes, and a WebSocket."""
    client = TestClient(example("starlette_app").create_app())

    assert EXPECTED == statuses(client.get)
    assert 403 == client.post("/payments", headers=bearer()).status_code
    assert 401 == client.post("/payments", headers=bearer("--scope", "pay")).status_code
    assert 200 == client.post("/payments", headers=bearer("--scope", "pay", "--level", "explicit")).status_code
    with client.websocket_connect("/ws", headers=bearer()) as sock:
        sock.send_text("hello")
        assert "alice: hello" == sock.receive_text()


def test_the_mixed_example():
    """Both middlewares protect the inner application, which sees the identity."""
    client = TestClient(example("mixed_app").create_app())

    assert {"/public": EXPECTED["/public"], "/me": EXPECTED["/me"], "/admin": EXPECTED["/admin"]} == statuses(
        lambda path, headers: client.get(f"/legacy{path}", headers=headers)
    )
    assert {"subject": "alice", "served_by": "Flask"} == client.get("/legacy/me", headers=bearer()).json()
    assert {"subject": "alice", "served_by": "Starlette"} == client.get("/me", headers=bearer()).json()


def test_the_mixed_example_proves_a_token_once():
    """The inner middleware reuses the proof of the outer one."""
    auth = Auth(Config.load())
    proven = []
    authenticator = auth._container.bearer
    verify = authenticator.verify
    # The real authenticator does the work that is counted.
    authenticator.verify = lambda token, now: proven.append(token) or verify(token, now=now)
    client = TestClient(example("mixed_app").create_app(auth))

    assert 200 == client.get("/legacy/me", headers=bearer()).status_code
    assert 1 == len(proven)
