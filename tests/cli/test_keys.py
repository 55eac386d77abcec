"""Create, rotate, retire and list keys on the command line."""

import json

import pytest

from command_line import run, write_configuration


def listed():
    return {row["kid"]: row for row in run("keys", "list", "--json").json}


def kid_of(ended):
    return ended.json[0]["kid"]


def test_the_first_key_is_active_and_brings_the_secrets(folder):
    """One command creates a folder that an application can start with."""
    ended = run("keys", "new", "--json")

    assert 0 == ended.code
    assert [("ES256", "sig", "active"), ("HKDF", "derive", "active")] == [
        (row["algorithm"], row["use"], row["state"]) for row in ended.json
    ]
    assert {"safeconduct-secrets.json", f"{kid_of(ended)}.json"} == {file.name for file in (folder / "keys").iterdir()}
    assert [0o600, 0o600] == [file.stat().st_mode & 0o777 for file in (folder / "keys").iterdir()]


def test_a_second_key_waits():
    """A new key is published before it signs."""
    run("keys", "new")

    ended = run("keys", "new", "--json")

    assert ["next"] == [row["state"] for row in ended.json]


def test_keys_are_listed_in_the_order_in_which_they_were_made():
    """Even keys made within one second keep their order."""
    made = [kid_of(run("keys", "new", "--json")) for _ in range(4)]

    assert [*made, "safeconduct-secrets"] == list(listed())


def test_a_table_is_for_people():
    """The same rows are aligned."""
    ended = run("keys", "new", "--algorithm", "RS256")

    head, first, *_ = ended.out.splitlines()
    assert ["kid", "algorithm", "use", "state", "created"] == head.split()
    assert ["RS256", "sig", "active"] == first.split()[1:4]
    assert "wrote keys/" in ended.err


@pytest.mark.parametrize(
    ("options", "algorithm", "use"),
    [
        (["--algorithm", "HS256"], "HS256", "sig"),
        (["--algorithm", "EdDSA"], "EdDSA", "sig"),
        (["--algorithm", "Ed25519"], "Ed25519", "sig"),
        (["--algorithm", "ES512", "--use", "sig"], "ES512", "sig"),
        (["--algorithm", "ECDH-ES+A256KW"], "ECDH-ES+A256KW", "enc"),
        (["--use", "enc"], "A256KW", "enc"),
        (["--use", "sig"], "ES256", "sig"),
    ],
    ids=str,
)
def test_a_key_of_any_algorithm(options, algorithm, use):
    """Keys can be created for every algorithm that can sign our tokens."""
    made = run("keys", "new", *options, "--json").json[0]

    assert (algorithm, use, "active") == (made["algorithm"], made["use"], made["state"])


def test_the_state_can_be_named():
    """An option allows states to be set by hand."""
    assert "retired" == run("keys", "new", "--state", "retired", "--json").json[0]["state"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--algorithm", "none"], "--algorithm must be one of HS256"),
        (["--algorithm", "dir"], "--algorithm must be one of HS256"),
        (["--algorithm", "ES256", "--use", "enc"], "ES256 is of use sig, got --use enc."),
        (["--secrets", "--algorithm", "HS256"], "--secrets goes alone"),
        (["--secrets", "--state", "next"], "--secrets goes alone"),
    ],
    ids=str,
)
def test_what_cannot_be_is_reported(folder, options, message):
    """The command prints one sentence and writes nothing."""
    ended = run("keys", "new", *options)

    assert 2 == ended.code
    assert message in ended.err
    assert not (folder / "keys").exists()


def test_the_configuration_decides_where_and_what(folder):
    """``keys`` and ``tokens.algorithm`` are the defaults."""
    write_configuration(folder, more='[safeconduct.tokens]\nalgorithm = "RS256"')

    made = run("keys", "new", "--json").json[0]

    assert "RS256" == made["algorithm"]
    assert (folder / "keys" / f"{made['kid']}.json").exists()


def test_the_secrets_get_another_version():
    """An old version is kept, and listed as retired."""
    run("keys", "new")

    ended = run("keys", "new", "--secrets", "--json")

    assert ["safeconduct-secrets-2"] == [row["kid"] for row in ended.json]
    states = {kid: row["state"] for kid, row in listed().items() if kid.startswith("safeconduct-secrets")}
    assert {"safeconduct-secrets": "retired", "safeconduct-secrets-2": "active"} == states


def test_rotation_signs_with_the_next_and_retires_the_old():
    """Both changed keys are printed, with a warning if verifiers may not know the new key yet."""
    old = kid_of(run("keys", "new", "--json"))
    new = kid_of(run("keys", "new", "--json"))

    ended = run("keys", "rotate", "--json")

    assert {new: "active", old: "retired"} == {row["kid"]: row["state"] for row in ended.json}
    assert "younger than 300 seconds" in ended.err
    assert "active" == listed()[new]["state"]


def test_an_older_key_is_rotated_in_silence(folder):
    """After the wait there is no warning."""
    run("keys", "new")
    waiting = folder / "keys" / "20200101T000000Z-00000000.json"
    made = folder / "keys" / f"{kid_of(run('keys', 'new', '--json'))}.json"
    made.write_text(json.dumps({**json.loads(made.read_text()), "kid": waiting.stem}))
    made.rename(waiting)

    ended = run("keys", "rotate", waiting.stem)

    assert 0 == ended.code
    assert "Warning" not in ended.err


def test_rotation_without_a_next_key_is_reported():
    """The sentence says which command comes first."""
    run("keys", "new")

    ended = run("keys", "rotate")

    assert 2 == ended.code
    assert "No key waits as next" in ended.err


def test_a_key_retires():
    """A retired key no longer signs; the last active key cannot be retired."""
    first = kid_of(run("keys", "new", "--json"))
    second = kid_of(run("keys", "new", "--json"))

    assert [(second, "retired")] == [(r["kid"], r["state"]) for r in run("keys", "retire", second, "--json").json]
    assert 2 == run("keys", "retire", first).code
    assert 2 == run("keys", "retire", "unknown").code


def test_the_set_is_shown_without_secrets():
    """Only public halves are shown, and no symmetric keys."""
    run("keys", "new")
    run("keys", "new", "--algorithm", "HS256", "--state", "active")

    shown = run("keys", "jwks").json["keys"]

    assert ["ES256"] == [jwk["alg"] for jwk in shown]
    assert all("d" not in jwk and "k" not in jwk for jwk in shown)


def test_a_key_that_cannot_be_used_is_listed(folder):
    """A file without a key is listed with the reason; a kid that only looks like ours has no age."""
    run("keys", "new")
    (folder / "keys" / "20209999T000000Z-00000000.json").write_text("{}")

    row = listed()["20209999T000000Z-00000000"]

    assert row["state"].startswith("unusable: ")
    assert row["created"] is None


def test_keys_in_a_variable_can_be_listed_and_not_written(folder, monkeypatch):
    """Keys from ``env:NAME`` cannot be changed by the command."""
    run("keys", "new")
    documents = [json.loads(file.read_text()) for file in (folder / "keys").iterdir()]
    monkeypatch.setenv("MY_KEYS", json.dumps({"keys": documents}))

    assert 2 == len(run("keys", "list", "--folder", "env:MY_KEYS", "--json").json)
    assert 2 == run("keys", "new", "--folder", "env:MY_KEYS").code
    assert "no variable 'NONE'" in run("keys", "list", "--folder", "env:NONE").err


def test_a_missing_folder_is_reported():
    """A missing folder is an error that names it."""
    ended = run("keys", "list")

    assert 2 == ended.code
    assert "keys: cannot read 'keys'" in ended.err


def test_a_folder_without_keys_prints_nothing(folder):
    """An empty list prints no table."""
    (folder / "keys").mkdir()

    assert ("", 0) == (run("keys", "list").out, run("keys", "list").code)
    assert [] == run("keys", "list", "--json").json


def test_a_configuration_without_keys_leaves_the_default(folder):
    """A folder without our keys is filled by the first command."""
    (folder / "safeconduct.toml").write_text(
        '[safeconduct]\nstore = "memory://"\nsources = ["basic"]\n', encoding="utf-8"
    )

    assert 0 == run("keys", "new").code
    assert (folder / "keys").is_dir()
