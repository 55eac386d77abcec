"""Check a configuration and its files with ``safeconduct doctor``."""

import os
from datetime import UTC, datetime

import pytest

from command_line import finding_texts, findings, run, write_configuration
from safeconduct.cli.doctor.checks import check_configuration
from safeconduct.config import Config
from safeconduct.directories import Cost, UsersFile

PASSWORD = "correct horse"

UNSAFE = """
external_url = "http://localhost:8000"
sources = ["bearer", "basic", "cookie"]
[safeconduct.access]
default = "anonymous"
public = ["GET /health", "/{rest...}"]
[safeconduct.basic]
allow_plain_http = true
[safeconduct.cookies]
secure = false
access = "a"
refresh = "r"
device = "d"
"""


def test_unsafe_switches_are_warned_of(folder):
    """Each risky option is named, with its risk."""
    write_configuration(folder, more=UNSAFE)

    text = finding_texts("warn")

    for name in ("basic.allow_plain_http", "cookies.secure", "access.default", "external_url"):
        assert name in text
    assert "/{rest...} makes every path public" in text
    assert "directory: there is no users file" in text


def test_every_line_of_an_error_is_a_line(folder):
    """A wrong configuration is reported one field a line, below the checked file."""
    (folder / "safeconduct.toml").write_text("[safeconduct]\nissuers = 5", encoding="utf-8")

    first, *others = run("doctor").out.splitlines()

    assert "fail  configuration: wrong configuration in safeconduct.toml:" == first
    assert any(line.startswith("      issuers: ") for line in others)


def test_what_is_public_is_listed(folder):
    """An external URL with https is fine."""
    write_configuration(
        folder, more='external_url = "https://api.example.com"\n[safeconduct.access]\npublic = ["GET /health"]'
    )

    text = finding_texts("ok")

    assert "access.public: public paths: GET /health" in text
    assert "external_url: https://api.example.com" in text


@pytest.mark.parametrize("more", ['sources = ["basic"]', '[safeconduct.login]\nusers = "users.json"'])
def test_d8_a_directory_without_secrets_fails(folder, more):
    """Without them nobody could sign in."""
    write_configuration(folder, more=more)
    (folder / "keys" / "safeconduct-secrets.json").unlink()

    assert "safeconduct-secrets is missing, and passwords and sessions need it" in finding_texts("fail")


def test_d3_doctor_names_a_dangling_link_and_goes_on(configured):
    """A FIFO in place of the users file is named likewise."""
    (configured / "keys/odd.json").symlink_to("nowhere")
    write_configuration(configured, more='[safeconduct.login]\nusers = "users.json"')
    os.mkfifo(configured / "users.json")

    assert "odd cannot be used: No such file or directory" in finding_texts("warn")
    assert "cannot be read: NotRegularFile" in finding_texts("fail")


def test_d8_nobody_is_kept_from_ending_a_session_by_missing_secrets(folder, server):
    """A missing file that the command does not need does not stop it."""
    write_configuration(folder, store=server.url, more='sources = ["bearer", "basic"]')
    (folder / "keys" / "safeconduct-secrets.json").unlink()

    assert 0 == run("revoke", "subject", "alice").code
    (folder / "safeconduct.toml").write_text(f'[safeconduct]\nstore = "{server.url}"\nsources = ["basic"]')
    assert 0 == run("revoke", "subject", "alice", "--issuer", "https://idp.example").code


def test_missing_secrets_are_a_warning_otherwise(configured):
    """The secrets will be needed."""
    (configured / "keys" / "safeconduct-secrets.json").unlink()

    assert "safeconduct-secrets is missing" in finding_texts("warn")


def test_keys_that_nobody_can_use_fail(configured):
    """With an empty folder nothing can be issued."""
    for file in (configured / "keys").iterdir():
        file.unlink()

    text = finding_texts("fail")

    assert "start: keys: no usable key" in text
    assert "no active signing key" in text


def test_a_missing_folder_fails(configured):
    """A missing folder fails, too."""
    (configured / "keys").rename(configured / "elsewhere")

    assert "keys: keys: cannot read" in finding_texts("fail")


def test_a_key_that_cannot_be_used_is_a_warning(configured):
    """The other keys stay in use."""
    (configured / "keys" / "bad.json").write_text("{}")

    assert "keys: bad cannot be used" in finding_texts("warn")


def test_an_old_key_is_a_warning(configured):
    """An old key is a warning."""
    file = next(file for file in (configured / "keys").iterdir() if "secrets" not in file.name)
    fresh = file.read_text()
    old = f"{datetime.now(UTC).year - 2}0101T000000Z-00000000"
    (configured / "keys" / f"{old}.json").write_text(fresh.replace(file.stem, old))
    file.unlink()

    assert f"{old} is older than 365 days" in finding_texts("warn")


def test_permissions_are_looked_at(configured):
    """World-readable fails; group-readable is a warning."""
    first, second = sorted((configured / "keys").iterdir())
    first.chmod(0o644)
    second.chmod(0o640)

    assert f"{first.name} can be read or written by other users" in finding_texts("fail")
    assert f"{second.name} can be read by its group" in finding_texts("warn")


def test_an_open_folder_fails(configured):
    """Anyone who can write there chooses the keys."""
    (configured / "keys").chmod(0o777)

    assert "keys can be read or written by other users" in finding_texts("fail")


def test_a_single_file_of_keys_is_looked_at(configured):
    """A JWK Set in a file works as well as a folder."""
    file = next(file for file in (configured / "keys").iterdir() if "secrets" not in file.name)
    file.rename(configured / "set.json")
    os.environ["SAFECONDUCT_KEYS"] = "set.json"

    try:
        assert "keys: active: " in finding_texts("ok")
    finally:
        del os.environ["SAFECONDUCT_KEYS"]


def test_keys_in_a_variable_have_no_files(configured, monkeypatch):
    """Only whether they work can be checked."""
    file = next(file for file in (configured / "keys").iterdir() if "secrets" not in file.name)
    monkeypatch.setenv("MY_KEYS", file.read_text())
    monkeypatch.setenv("SAFECONDUCT_KEYS", "env:MY_KEYS")

    assert "tokens: the largest token" in finding_texts("ok")


def test_a_verifier_issues_nothing(folder):
    """Without keys no token's size is measured."""
    (folder / "safeconduct.toml").write_text(
        '[safeconduct]\nstore = "memory://"\nsources = ["basic"]\n[safeconduct.login]\nusers = "users.json"\n'
    )
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)

    text = finding_texts("ok")

    assert "tokens" not in text
    assert "users: 1 users in" in text


def test_a_users_file_that_cannot_be_read_fails(folder):
    """The finding says why, and that no application starts."""
    write_configuration(folder, more='[safeconduct.login]\nusers = "users.json"')
    assert "start: users must be a users file" in finding_texts("fail")
    assert "cannot be read: FileNotFoundError" in finding_texts("fail")

    assert ["`safeconduct users add NAME` creates it."] == remedies_of_users()

    (folder / "users.json").write_text("[]")
    assert "cannot be read: the file must hold an object" in finding_texts("fail")
    assert ["Correct it: nobody can sign in by it."] == remedies_of_users()


@pytest.mark.parametrize(
    ("weak", "named"), [(0, ""), (1, "user0"), (6, "user0, user1, user2, user3, user4, …")], ids=["none", "one", "six"]
)
def test_hashes_of_a_lower_cost_are_a_warning(folder, weak, named):
    """They stay as they are until their users sign in."""
    write_configuration(folder, more='[safeconduct.login]\nusers = "users.json"')
    run("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    cheap = UsersFile(folder / "users.json", cost=Cost(memory_kib=8, passes=1))
    for number in range(weak):
        cheap.add(f"user{number}", PASSWORD)

    texts = [text for verdict, subject, text, _ in findings() if (verdict, subject) == ("warn", "users")]

    assert ([f"hashes weaker than those that are written now: {named}"] if weak else []) == texts


def remedies_of_users():
    return [remedy for _, subject, _, remedy in findings() if subject == "users"]


def test_a_users_file_without_users_is_a_warning(folder):
    """Every sign-in would fail, which looks like wrong passwords."""
    write_configuration(folder, more='[safeconduct.login]\nusers = "users.json"')
    (folder / "users.json").write_text("{}")

    assert "users: there is no user in" in finding_texts("warn")


@pytest.mark.parametrize(
    ("more", "verdict", "message"),
    [
        ("", "warn", "servers limit the size of a header"),
        ('external_url = "https://a.example"\nsources = ["cookie"]', "fail", "no cookie holds more than 4096"),
    ],
    ids=["header", "cookie"],
)
def test_a_token_that_is_too_large_is_reported(folder, more, verdict, message):
    """It is measured for the user with the most roles and scopes."""
    write_configuration(folder, more=f'{more}\n[safeconduct.login]\nusers = "users.json"')
    roles = [option for number in range(300) for option in ("--role", f"a-rather-long-role-{number}")]
    run("users", "add", "alice", "--password-stdin", *roles, stdin=PASSWORD)

    assert message in finding_texts(verdict)


def test_a_configuration_in_code_is_looked_at_too():
    """Keys that are given inline have no files."""
    config = Config(store="none", sources=["basic"], access={"public": []})

    findings = list(check_configuration(config))

    assert "revocation.consistency" in {finding.subject for finding in findings}


@pytest.mark.parametrize(("more", "verdict"), [("", "ok"), ('external_url = "https://api.example.com"\n', "warn")])
def test_c2_a_proxy_that_is_not_named_is_asked_for(folder, more, verdict):
    """A site that is reached by https but names no proxy gets a warning."""
    write_configuration(folder, more=more)

    assert "proxies.trusted: no proxy is named: behind one, or behind a Unix socket" in finding_texts(verdict)


def test_c9_what_trusted_proxies_and_servers_must_do_is_reported(folder):
    """The finding names the servers, because this cannot be seen later."""
    write_configuration(folder, more='[safeconduct.proxies]\ntrusted = ["unix", "10.0.0.0/8"]')

    text = finding_texts("ok")

    assert "proxies.trusted: unix, 10.0.0.0/8: each must set or remove Forwarded" in text
    assert "granian's WSGI" in text
    assert "no proxy is named" not in text


CLIENTS = """
[[safeconduct.clients]]
client_id = "reports"
secret = "env:REPORTS_SECRET"
[[safeconduct.clients]]
client_id = "nightly"
secret = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
grants = ["client_credentials"]
"""


def test_clients_are_counted(folder, monkeypatch):
    """How many there are, how many sign tokens, and which of them cannot be used."""
    monkeypatch.setenv("REPORTS_SECRET", "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe")
    write_configuration(folder, more=CLIENTS)
    assert "clients: 2 of 2 clients are usable; 1 may sign their own tokens" in finding_texts("ok")

    monkeypatch.setenv("REPORTS_SECRET", "sixteen bytes or")
    assert "clients: 1 of 2 clients are usable" in finding_texts("ok")
    assert "clients: reports: a secret of 16 bytes, wanted 32 for HS256" in finding_texts("fail")
