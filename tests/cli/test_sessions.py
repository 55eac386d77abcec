"""The logins of a user on the command line: listed and ended in a real store."""

import pytest

from command_line import run, write_configuration
from safeconduct import Account, Auth, Config, RequestOrigin
from safeconduct._core.run_sync import run_sync
from safeconduct.directories import CallableDirectory
from safeconduct.errors import RevokedToken


@pytest.fixture
def auth(shared):
    """Return what serves, as another process would."""
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
    """Each with its level, its times and where it began; nobody else's."""
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
    """For people, under the names of its columns."""
    tokens = signed_in(auth)

    listed = run("sessions", "list", "alice")

    header, row = listed.out.splitlines()
    assert ["session_id", "level", "remembered"] == header.split()[:3]
    assert [tokens.session_id, "explicit", "no"] == row.split()[:3]


@pytest.mark.usefixtures("shared")
def test_a_user_without_a_session_is_told():
    """An empty list is an answer, and what a pipe reads of it is JSON."""
    listed = run("sessions", "list", "alice", "--json")

    assert (0, [], "There is no open session.\n") == (listed.code, listed.json, listed.err)


def test_a_session_ends(auth):
    """The serving process refuses its token, another session lives, and the list no longer has it."""
    ended, kept = signed_in(auth), signed_in(auth)

    told = run("sessions", "end", ended.session_id, "--json")

    assert (0, "session", []) == (told.code, told.json["revoked"], told.json["missed"])
    assert [True, False] == [is_revoked(auth, ended), is_revoked(auth, kept)]
    assert [kept.session_id] == [row["session_id"] for row in run("sessions", "list", "alice", "--json").json]


def test_every_session_of_a_user_ends(auth):
    """Signed out everywhere; nobody else is, and a sign-in right after it counts."""
    ended, kept = [signed_in(auth), signed_in(auth, remember=True)], signed_in(auth, "bob")

    told = run("sessions", "end", "--subject", "alice", "--json")

    assert (0, {"signed_out": "alice"}) == (told.code, told.json)
    assert [True, True, False] == [is_revoked(auth, tokens) for tokens in (*ended, kept)]
    assert [] == run("sessions", "list", "alice", "--json").json
    assert not is_revoked(auth, signed_in(auth))


@pytest.mark.parametrize("arguments", [(), ("AAAA" * 6, "--subject", "alice"), ("",), ("--subject", "")], ids=str)
@pytest.mark.usefixtures("shared")
def test_one_thing_is_to_be_said(arguments):
    """Nothing ends by a slip: neither all where one was meant, nor one where all were."""
    ended = run("sessions", "end", *arguments)

    assert 2 == ended.code
    assert "Say either SESSION_ID or --subject." in ended.err


@pytest.mark.usefixtures("shared")
def test_an_id_of_another_form_is_told():
    """There is nothing to end."""
    ended = run("sessions", "end", "no-session")

    assert 1 == ended.code
    assert "NotFound" in ended.err


@pytest.mark.parametrize("arguments", [("list", "alice"), ("end", "AAAA" * 6), ("end", "--subject", "alice")], ids=str)
@pytest.mark.parametrize("store", ["memory://", "none"])
def test_a_store_that_nobody_else_sees_is_refused(folder, store, arguments):
    """Command line verbs that need a store refuse memory:// and none."""
    write_configuration(folder, store=store)

    refused = run("sessions", *arguments)

    assert 2 == refused.code
    assert f"sessions needs a store that other processes see: store is {store}" in refused.err


@pytest.mark.parametrize("arguments", [("list", "alice"), ("end", "--subject", "alice")], ids=str)
def test_a_store_that_is_away_is_told(folder, arguments):
    """Nothing was ended, and nobody believes it was; an unknown list is no empty one."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    refused = run("sessions", *arguments)

    assert (1, "") == (refused.code, refused.out)
    assert "Error: Unavailable: " in refused.err


def test_an_end_that_nobody_asks_for_is_warned_of(folder, server):
    """The sessions are gone, and the tokens that are out pass."""
    write_configuration(folder, store=server.url, more='[safeconduct.revocation]\nconsistency = "none"')

    ended = run("sessions", "end", "--subject", "alice")

    assert 0 == ended.code
    assert 'revocation.consistency is "none"' in ended.err
