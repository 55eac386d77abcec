"""Revoke on the command line in a real store, effective for the next request."""

import time

import pytest

from client_tokens import client_claims, sign
from command_line import run, write_configuration
from safeconduct import Account, Auth
from safeconduct._core.receipt import RevocationReceipt
from safeconduct.cli.output import CommandFailed
from safeconduct.cli.revoke import _report
from safeconduct.config import Config

SESSION = "AAAA" * 6


def issued(*options):
    return run("token", "issue", "--subject", "alice", *options).out.strip()


def shown(token):
    return run("token", "show", token).json


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        ("token", lambda token: shown(token)["claims"]["jti"]),
        ("token", lambda token: token),
        ("subject", lambda _: "alice"),
        ("client", lambda _: "https://api.example.com"),
        ("key", lambda token: shown(token)["header"]["kid"]),
    ],
    ids=["token-id", "token", "subject", "client", "key"],
)
@pytest.mark.usefixtures("shared")
def test_what_was_issued_ends(kind, argument):
    """The next query in another process finds it revoked."""
    token = issued()
    assert 0 == run("token", "check", token).code

    ended = run("revoke", kind, argument(token), "--json")

    assert 0 == ended.code, ended.err
    assert (kind, 1, []) == (ended.json["revoked"], ended.json["shards"], ended.json["missed"])
    assert "RevokedToken" in run("token", "check", token).err


@pytest.mark.usefixtures("shared")
def test_an_unreadable_users_file_does_not_prevent_revoking(monkeypatch):
    """The command needs nothing but the store."""
    monkeypatch.setenv("SAFECONDUCT_LOGIN__USERS", "missing.json")

    assert 0 == run("revoke", "subject", "alice").code


@pytest.mark.usefixtures("shared")
def test_a_session_ends():
    """An id of another form is reported."""
    assert 0 == run("revoke", "session", SESSION).code
    assert 1 == run("revoke", "session", "no-session").code


@pytest.mark.usefixtures("shared")
def test_everything_ends_after_a_question():
    """An incomplete command changes nothing."""
    token = issued()

    assert 1 == run("revoke", "everything", stdin="n\n").code
    assert 0 == run("token", "check", token).code
    assert 0 == run("revoke", "everything", stdin="y\n").code
    assert 1 == run("token", "check", token).code


@pytest.mark.usefixtures("shared")
def test_everything_ends_without_a_question():
    """The JSON output has the cut-off."""
    ended = run("revoke", "everything", "--yes", "--issuer", "https://idp.example.com")

    assert 0 == ended.code
    assert "issued_until" in ended.out


@pytest.mark.usefixtures("shared")
def test_a_token_that_ended_before_is_no_error():
    """Revoking again is harmless."""
    token = issued()
    run("revoke", "token", token)

    ended = run("revoke", "token", "-", stdin=token)

    assert (0, "It was revoked already.\n") == (ended.code, ended.err)


@pytest.mark.usefixtures("shared")
def test_a_token_that_nobody_accepts_is_reported():
    """Without a shared store there is nothing to end."""
    ended = run("revoke", "token", issued()[:-4] + "AAAA")

    assert 1 == ended.code
    assert "BadSignature" in ended.err


@pytest.mark.usefixtures("shared")
def test_a_whole_token_takes_no_options():
    """A token says by itself what is needed to revoke it."""
    ended = run("revoke", "token", issued(), "--subject", "bob")

    assert 2 == ended.code
    assert "leave the options out" in ended.err


@pytest.mark.parametrize("store", ["memory://", "none"])
def test_a_store_that_nobody_else_sees_is_refused(folder, store):
    """A revocation that no server receives is a failure."""
    write_configuration(folder, store=store)

    ended = run("revoke", "subject", "alice")

    assert 2 == ended.code
    assert f"revoke needs a store that other processes see: store is {store}" in ended.err


def test_a_store_that_is_away_is_reported(folder):
    """A failed revocation does not look like a success."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    ended = run("revoke", "subject", "alice")

    assert 1 == ended.code
    assert "Error: Unavailable: " in ended.err


def test_a_revocation_that_nobody_asks_for_is_warned_of(folder, server):
    """The configuration refuses it."""
    write_configuration(folder, store=server.url, more='[safeconduct.revocation]\nconsistency = "none"')

    ended = run("revoke", "subject", "alice")

    assert 'revocation.consistency is "none"' in ended.err


def test_too_few_replicas_are_reported(folder, server):
    """The entry is written on this server alone and would be lost with it."""
    more = "[safeconduct.revocation]\nmin_replicas = 1\n[safeconduct.tokens]\naccess_lifetime_seconds = 60"
    write_configuration(folder, store=server.url, more=more)

    ended = run("revoke", "subject", "alice")

    assert 1 == ended.code
    assert "only 0 of 1 replicas" in ended.err
    assert "replicas      0" in ended.out
    assert 0 == run("revoke", "subject", "alice", "--min-replicas", "0").code


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("what", [("token", "an-id"), ("subject", "alice"), ("client", "shop"), ("key", "a-key")])
def test_a_command_may_demand_replicas(what):
    """None is connected."""
    ended = run("revoke", *what, "--min-replicas", "1", "--json")

    assert 1 == ended.code
    assert "only 0 of 1 replicas" in ended.err
    assert 0 == ended.json["replicas"]


@pytest.mark.usefixtures("shared")
def test_a_whole_token_that_too_few_replicas_have_is_revoked_by_its_id():
    """Once it is revoked, it is not checked any more, and so its id is not read."""
    token = issued()
    assert 1 == run("revoke", "token", token, "--min-replicas", "1").code

    again = run("revoke", "token", token, "--min-replicas", "1")

    assert 1 == again.code
    assert "revoke it by its id" in again.err
    assert 0 == run("revoke", "token", token).code


def test_signing_out_a_user_reports_too_few_replicas(folder, server):
    write_configuration(folder, store=server.url, more="[safeconduct.revocation]\nmin_replicas = 1")
    assert 0 == run("keys", "new", "--secrets").code

    ended = run("sessions", "end", "--subject", "alice")

    assert 1 == ended.code
    assert "TooFewReplicas: written, but only 0 of 1 replicas have it yet" in ended.err


def test_a_missed_shard_is_reported(capsys):
    """On the missed shards nothing is revoked."""
    with pytest.raises(CommandFailed, match="Not ended on 1 shards"):
        _report("client", RevocationReceipt(before_ms=1, shards=(0,), missed=(1,)), 0, as_json=True)

    assert '"missed"' in capsys.readouterr().out


def test_an_opaque_token_is_revoked_as_a_whole(shared, server):
    """An opaque token is looked up and revoked; other text is refused instead of being used as an id."""
    write_configuration(shared, store=server.url, more='[safeconduct.tokens]\nformat = "opaque"')
    assert 0 == run("keys", "new", "--secrets").code
    with Auth(Config.load()) as auth:
        token = auth.sessions.sign_in(Account("alice")).access_token
    assert "alice" == run("token", "check", token, "--json").json["subject"]

    ended = run("revoke", "token", token)

    assert 0 == ended.code, ended.err
    assert "RevokedToken" in run("token", "check", token).err
    assert 1 == run("revoke", "token", "A" * 88).code


@pytest.mark.usefixtures("shared")
def test_an_id_that_begins_with_a_dash_is_no_option():
    """One shard of 64 answers; a misspelt id is reported all the same."""
    assert 0 == run("revoke", "token", "-Exyz_0123456789-abcde").code
    assert 2 == run("revoke", "token", "--subjct", "alice", "-Exyz").code


@pytest.mark.parametrize("kind", ["client", "token"])
def test_a_client_that_signs_its_own_tokens_is_revoked(shared, server, kind, monkeypatch):
    """By its name, with all that it signs later; or one token, which need not have an id."""
    secret = "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe"
    entry = '[[safeconduct.clients]]\nclient_id = "reports"\nsecret = "env:REPORTS_SECRET"'
    write_configuration(shared, store=server.url, more=entry)
    monkeypatch.setenv("REPORTS_SECRET", secret)
    claims = client_claims(time.time(), "https://api.example.com")
    token, other = sign(claims, secret), sign({**claims, "extra": 1}, secret)
    assert "client:reports" == run("token", "check", token, "--json").json["subject"]

    ended = run("revoke", kind, "reports" if kind == "client" else token)

    assert 0 == ended.code, ended.err
    assert "RevokedToken" in run("token", "check", token).err
    assert (0 if kind == "token" else 1) == run("token", "check", other).code
