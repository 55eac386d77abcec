"""The example of Flask: people sign in by our pages, and scripts bring a token."""

import importlib.util
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from command_line import run, without_environment
from safeconduct.testing import signed_in

EXAMPLE = Path(__file__).parents[3] / "examples/flask"
SITE = "http://localhost:8000"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
OWN_FORM = {**NAVIGATION, "Origin": SITE}


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Return the application in a folder that was set up as its docstring has it."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    without_environment(monkeypatch)
    assert 0 == run("keys", "new").code
    assert 0 == run("users", "add", "alice", "--password-stdin", stdin="a long pass phrase").code
    spec = importlib.util.spec_from_file_location("example_of_flask", tmp_path / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app()


def posted(client, path, **form):
    return client.post(path, base_url=SITE, data=form, headers=OWN_FORM)


def visited(client, path):
    return client.get(path, base_url=SITE, headers=NAVIGATION)


def test_a_person_signs_in_adds_a_note_and_signs_out(app):
    client = app.test_client()

    sent_away = visited(client, "/notes")
    page = visited(client, sent_away.location)
    wrong = posted(client, "/auth/login", username="alice", password="a wrong pass phrase", next="/notes")
    right = posted(client, "/auth/login", username="alice", password="a long pass phrase", next="/notes")

    assert (303, "/auth/sign-in") == (sent_away.status_code, urlsplit(sent_away.location).path)
    assert (200, True) == (page.status_code, "Notes" in page.text)
    assert (303, True) == (wrong.status_code, "error=invalid_credentials" in wrong.location)
    assert (303, "/notes") == (right.status_code, urlsplit(right.location).path)
    assert 303 == posted(client, "/notes", text="buy <milk>").status_code
    notes = visited(client, "/notes").text
    assert ("Notes of alice" in notes, "buy &lt;milk&gt;" in notes, "Administration" in notes) == (True, True, False)
    assert 303 == posted(client, "/notes/delete").status_code
    assert "milk" not in visited(client, "/notes").text
    assert 303 == posted(client, "/auth/logout", next="/").status_code
    assert "Sign in" in visited(client, "/").text
    assert 303 == visited(client, "/notes").status_code


def test_a_form_on_another_site_is_refused(app):
    client = app.test_client()
    posted(client, "/auth/login", username="alice", password="a long pass phrase", next="/")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    assert 403 == client.post("/notes", base_url=SITE, data={"text": "x"}, headers=foreign).status_code
    assert "<li>" not in visited(client, "/notes").text


def test_a_script_brings_a_token(app):
    client, administrator = app.test_client(), signed_in(app, "alice", roles=["admin"])
    long_ago = signed_in(app, "alice", seconds_ago=301)

    assert 303 == client.post("/notes", base_url=SITE, data={"text": "milk"}, headers=administrator).status_code
    assert {"users_with_notes": 1} == client.get("/admin", base_url=SITE, headers=administrator).json
    assert [401, 403] == [
        client.get("/admin", base_url=SITE, headers=headers).status_code for headers in ({}, signed_in(app, "alice"))
    ]
    assert 401 == client.post("/notes/delete", base_url=SITE, headers=long_ago).status_code
