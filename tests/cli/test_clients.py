"""Draw the secret of a service on the command line."""

import re
import tomllib
from hashlib import sha256

import pytest

from command_line import run, write_configuration
from safeconduct import Config


def entry_of(ended):
    assert 0 == ended.code, ended.err
    [entry] = tomllib.loads(ended.out)["safeconduct"]["clients"]
    return entry


def secret_of(ended):
    [secret] = re.findall(r"^[A-Za-z0-9_-]{43}$", ended.err, re.MULTILINE)
    return secret


def test_the_entry_has_the_digest_and_the_secret_is_shown_once():
    """What goes into the file is no secret; 256 bits go to the service."""
    ended = run("clients", "new", "reports", "--scope", "read", "--audience", "https://billing.example.com")

    secret, entry = secret_of(ended), entry_of(ended)
    assert secret not in ended.out
    assert {
        "client_id": "reports",
        "secret": f"sha256:{sha256(secret.encode()).hexdigest()}",
        "scopes": ["read"],
        "audiences": ["https://billing.example.com"],
        "grants": ["client_credentials"],
    } == entry
    assert secret != secret_of(run("clients", "new", "reports"))


@pytest.mark.parametrize(
    ("client_id", "variable"),
    [("reports", "REPORTS_SECRET"), ("my-app.2", "MY_APP_2_SECRET"), ("1st", "CLIENT_1ST_SECRET")],
)
def test_a_client_that_signs_needs_the_secret_itself(client_id, variable):
    """The command says so, and names the environment variable."""
    ended = run("clients", "new", client_id, "--grant", "self_signed", "--grant", "client_credentials")

    assert f"env:{variable}" == entry_of(ended)["secret"]
    assert f"set {variable} to it" in ended.err
    assert 43 == len(secret_of(ended))


def test_the_entry_can_be_appended_to_the_configuration(folder):
    write_configuration(folder)
    path = folder / "safeconduct.toml"
    ended = run("clients", "new", 'a "b" \\c', "--role", "Prüfer")
    path.write_text(path.read_text("utf-8") + "\n" + ended.out, "utf-8")

    [client] = Config.load(path).clients

    assert ('a "b" \\c', ("Prüfer",)) == (client.client_id, client.roles)


def test_json_has_both():
    record = run("clients", "new", "reports", "--json").json

    assert 43 == len(record["secret"])
    assert record["client"]["secret"] == f"sha256:{sha256(record['secret'].encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["https://api.example.com"], "name of an issuer"),
        (["taken"], "another client"),
        ([" x"], "printable ASCII"),
        (["réports"], "printable ASCII"),
        (["x", "--scope", "a b"], "scopes"),
        (["x", "--grant", "password"], "--grant"),
    ],
    ids=str,
)
def test_what_no_configuration_accepts_is_refused(folder, arguments, message):
    """One sentence, status 2, and no secret is shown."""
    write_configuration(folder, more='[[safeconduct.clients]]\nclient_id = "taken"\nsecret = "env:X"')

    ended = run("clients", "new", *arguments)

    assert (2, "") == (ended.code, ended.out)
    assert message in ended.err
    assert "shown only now" not in ended.err
