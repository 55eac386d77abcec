"""Make, list and revoke API keys on the command line, in a real store."""

import json

import pytest

from command_line import run, write_configuration
from safeconduct import Auth, Config
from safeconduct._core.run_sync import run_sync
from safeconduct.directories import CallableDirectory, UsersFile
from safeconduct.errors import InvalidToken


@pytest.fixture
def accepting(shared, server):
    """Return a folder whose configuration accepts API keys."""
    write_configuration(shared, store=server.url)
    path = shared / "safeconduct.toml"
    path.write_text(
        path.read_text("utf-8").replace("[safeconduct]", '[safeconduct]\nsources = ["api_key"]', 1), "utf-8"
    )
    return shared


@pytest.fixture
def auth(accepting):
    """Return an ``Auth`` that serves like another process."""
    nobody = CallableDirectory(lambda _username, _password: None)
    with Auth(Config.load(accepting / "safeconduct.toml"), directory=nobody) as serving:
        yield serving
        run_sync(serving._container.store("wsgi").close())


def test_a_key_is_made_listed_and_revoked(auth):
    made = run("api-keys", "new", "alice", "--name", "nightly", "--scope", "read", "--role", "bot", "--json")

    assert 0 == made.code, made.err
    assert "only time" in made.err
    principal = auth.verify(made.json["key"])
    assert ("alice", {"read"}, {"bot"}) == (principal.subject, principal.scopes, principal.roles)

    listed = run("api-keys", "list", "alice", "--json")
    [row] = listed.json
    assert (made.json["key_id"], "nightly", ["read"], ["bot"]) == (
        row["key_id"], row["name"], row["scopes"], row["roles"]
    )  # fmt: skip
    assert row["last_used"].endswith("+00:00")
    assert made.json["key"] not in json.dumps(listed.json)

    assert 0 == run("api-keys", "revoke", "alice", row["key_id"]).code
    with pytest.raises(InvalidToken):
        auth.verify(made.json["key"])
    assert "There is no API key." in run("api-keys", "list", "alice").err


def test_the_key_of_another_user_is_not_revoked(auth):
    made = run("api-keys", "new", "alice", "--name", "nightly", "--json")

    refused = run("api-keys", "revoke", "bob", made.json["key_id"])

    assert (1, True) == (refused.code, "NotFound" in refused.err)
    assert auth.verify(made.json["key"])


def test_the_users_file_says_what_a_user_has(accepting):
    users = UsersFile.create(accepting / "users.json")
    users.add("alice", "a long pass phrase", roles=(), scopes=["read"])
    with (accepting / "safeconduct.toml").open("a") as file:
        file.write('\n[safeconduct.login]\nusers = "users.json"\n')

    assert 0 == run("api-keys", "new", "alice", "--name", "x", "--scope", "read").code
    for subject, scope, error in (("alice", "write", "InsufficientRights"), ("bob", "read", "NotFound")):
        refused = run("api-keys", "new", subject, "--name", "x", "--scope", scope)
        assert (1, True) == (refused.code, error in refused.err)


@pytest.mark.usefixtures("accepting")
@pytest.mark.parametrize("option", [("--name", "x" * 101), ("--name", "x", "--days", "0"), ()], ids=range(3))
def test_wrong_options_are_usage_errors(option):
    refused = run("api-keys", "new", "alice", *option)

    assert 2 == refused.code
    assert "Traceback" not in refused.err


@pytest.mark.usefixtures("configured")
def test_the_memory_of_this_process_is_no_store_for_it():
    refused = run("api-keys", "list", "alice")

    assert (2, True) == (refused.code, "other processes" in refused.err)


@pytest.mark.usefixtures("shared")
def test_a_source_that_is_off_is_pointed_out():
    made = run("api-keys", "new", "alice", "--name", "x")

    assert (0, True) == (made.code, "not among the sources" in made.err)
