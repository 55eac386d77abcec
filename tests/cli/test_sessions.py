"""List and end a user's sessions on the command line, in a real store."""

import pytest

from command_line import run, write_configuration
from safeconduct import Account, Auth, Config, RequestOrigin
from safeconduct._core.run_sync import run_sync
from safeconduct.directories import CallableDirectory
from safeconduct.errors import RevokedToken


@pytest.fixture
def auth(shared):
    """Return an ``Auth`` that serves like another process."""
    nobody = CallableDirectory(lambda _username, _password: None)
    with Auth(Config.load(shared / "safeconduct.toml"), directory=nobody) as serving:
        yield serving
        run_sync(serving._container.store("wsgi").close())


def signed_in(auth, subject="alice", **options):
    return auth.sessions.sign_in(Account(subject), **options)


def is_revoked(auth, tokens):
    try:
        auth.verify(tokens.access_token)
    except RevokedToken:
        return True
    return False


def test_the_open_sessions_of_a_user_are_listed(auth):
    """Each session has its level, its times and its origin; sessions of others are not listed."""
    origin = RequestOrigin(device="a phone", network="192.0.2.0/24")
    remembered, short = signed_in(auth, remember=True, origin=origin), signed_in(auth)
    signed_in(auth, "bob")

    listed = run("sessions", "list", "alice", "--json")

    assert 0 == listed.code, listed.err
    rows = {row["session_id"]: row for row in listed.json}
    assert {remembered.session_id, short.session_id} == set(rows)
    assert [True, False] == [rows[tokens.session_id]["remembered"] for tokens in (remembered, short)]
    assert ["a phone", ""] == [rows[tokens.session_id]["device"] for tokens in (remembered, short)]
    assert {"explicit"} == {row["level"] for row in rows.values()}
    assert all(row["created"].endswith("+00:00") for row in rows.values())


def test_the_list_is_a_table(auth):
    """The table has headings for people."""
    tokens = signed_in(auth)

    listed = run("sessions", "list", "alice")

    header, row = listed.out.splitlines()
    assert ["session_id", "level", "remembered"] == header.split()[:3]
    assert [tokens.session_id, "explicit", "no"] == row.split()[:3]


@pytest.mark.usefixtures("shared")
def test_a_user_without_a_session_is_reported():
    """An empty list is a valid result, and JSON if requested."""
    listed = run("sessions", "list", "alice", "--json")

    assert (0, [], "There is no open session.\n") == (listed.code, listed.json, listed.err)


def test_a_session_ends(auth):
    """The serving process refuses its token, other sessions go on, and the list no longer has it."""
    ended, kept = signed_in(auth), signed_in(auth)

    result = run("sessions", "end", ended.session_id, "--json")

    assert (0, "session", []) == (result.code, result.json["revoked"], result.json["missed"])
    assert [True, False] == [is_revoked(auth, ended), is_revoked(auth, kept)]
    assert [kept.session_id] == [row["session_id"] for row in run("sessions", "list", "alice", "--json").json]


def test_every_session_of_a_user_ends(auth):
    """The user is signed out everywhere, nobody else is, and a new sign-in counts."""
    ended, kept = [signed_in(auth), signed_in(auth, remember=True)], signed_in(auth, "bob")

    result = run("sessions", "end", "--subject", "alice", "--json")

    assert (0, {"signed_out": "alice"}) == (result.code, result.json)
    assert [True, True, False] == [is_revoked(auth, tokens) for tokens in (*ended, kept)]
    assert [] == run("sessions", "list", "alice", "--json").json
    assert not is_revoked(auth, signed_in(auth))


@pytest.mark.parametrize("arguments", [(), ("AAAA" * 6, "--subject", "alice"), ("",), ("--subject", "")], ids=str)
@pytest.mark.usefixtures("shared")
def test_one_thing_is_to_be_said(arguments):
    """An ambiguous command ends nothing."""
    ended = run("sessions", "end", *arguments)

    assert 2 == ended.code
    assert "Say either SESSION_ID or --subject." in ended.err


@pytest.mark.usefixtures("shared")
def test_an_id_of_another_form_is_reported():
    """Without a shared store there is nothing to end."""
    ended = run("sessions", "end", "no-session")

    assert 1 == ended.code
    assert "NotFound" in ended.err


@pytest.mark.parametrize("arguments", [("list", "alice"), ("end", "AAAA" * 6), ("end", "--subject", "alice")], ids=str)
@pytest.mark.parametrize("store", ["memory://", "none"])
def test_a_store_that_nobody_else_sees_is_refused(folder, store, arguments):
    """Commands that need a store refuse memory:// and none."""
    write_configuration(folder, store=store)

    refused = run("sessions", *arguments)

    assert 2 == refused.code
    assert f"sessions needs a store that other processes see: store is {store}" in refused.err


@pytest.mark.parametrize("arguments", [("list", "alice"), ("end", "--subject", "alice")], ids=str)
def test_a_store_that_is_away_is_reported(folder, arguments):
    """A failure does not look like a success, and an unknown list not like an empty one."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    refused = run("sessions", *arguments)

    assert (1, "") == (refused.code, refused.out)
    assert "Error: Unavailable: " in refused.err


def test_an_end_that_nobody_asks_for_is_warned_of(folder, server):
    """The records are gone, and issued tokens still pass."""
    write_configuration(folder, store=server.url, more='[safeconduct.revocation]\nconsistency = "none"')

    ended = run("sessions", "end", "--subject", "alice")

    assert 0 == ended.code
    assert 'revocation.consistency is "none"' in ended.err
