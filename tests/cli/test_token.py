"""Issue, show and verify tokens on the command line."""

import json
import secrets
import time

import jwt
import pytest

from command_line import run, write_configuration


def issued(*options):
    ended = run("token", "issue", "--subject", "alice", *options)
    assert 0 == ended.code, ended.err
    return ended.out.strip()


def claims_of(token):
    return run("token", "show", token).json["claims"]


@pytest.mark.usefixtures("configured")
def test_a_token_is_printed_alone():
    """``$(safeconduct token issue …)`` is a token; notes go to standard error."""
    ended = run("token", "issue", "--subject", "alice")

    assert 1 == len(ended.out.splitlines())
    assert 2 == ended.out.count(".")
    assert "Note: store is memory://" in ended.err


@pytest.mark.usefixtures("configured")
def test_options_become_claims():
    """Roles, scopes, client and lifetime are as requested."""
    token = issued("--role", "b", "--role", "a", "--scope", "read", "--client-id", "shop", "--lifetime", "60")

    claims = claims_of(token)
    assert ["a", "b"] == claims["roles"]
    assert ("alice", "read", "shop", 60) == (
        claims["sub"],
        claims["scope"],
        claims["client_id"],
        claims["exp"] - claims["iat"],
    )
    assert "auth_time" not in claims


@pytest.mark.parametrize("level", ["explicit", "multifactor"])
@pytest.mark.usefixtures("configured")
def test_a_high_level_was_proven_now(level):
    """Above level remembered, the token says when the user proved their password."""
    claims = claims_of(issued("--level", level))

    assert claims["iat"] == claims["auth_time"]
    assert f"urn:safeconduct:acr:{level}" == claims["acr"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--subject", "alice", "--lifetime", "86401"], "--lifetime must be at most 86400"),
        (["--subject", ""], "--subject must not be empty."),
        (["--subject", "alice", "--level", "anonymous"], "anonymous"),
        ([], "--subject"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("configured")
def test_what_cannot_be_issued_is_reported(options, message):
    """The command prints one sentence and no token, with status 2."""
    ended = run("token", "issue", *options)

    assert (2, "") == (ended.code, ended.out)
    assert message in ended.err


@pytest.mark.usefixtures("shared")
def test_where_there_is_a_store_its_clock_counts():
    """A token issued after a cut-off passes, one before it does not, whatever this machine's clock says."""
    before = issued()
    run("revoke", "subject", "alice")

    after = issued()

    assert 1 == run("token", "check", before).code
    assert 0 == run("token", "check", after).code


def test_without_a_store_the_clock_of_the_process_counts(folder):
    """``store = "none"`` has no clock of its own."""
    write_configuration(folder, store="none")

    ended = run("token", "issue", "--subject", "alice")

    assert (0, "") == (ended.code, ended.err)


@pytest.mark.usefixtures("configured")
def test_show_says_that_nothing_was_checked():
    """The command shows header and claims of any token, valid or not."""
    token = issued()

    ended = run("token", "show", "-", stdin=f"{token}\n")

    assert {"header", "claims"} == set(ended.json)
    assert "NOTHING WAS CHECKED" in ended.err


def test_show_of_an_encrypted_token_has_its_header_only(folder):
    """The claims can be read only with the key."""
    write_configuration(folder, more='[safeconduct.tokens]\nformat = "jwe"')
    run("keys", "new", "--use", "enc")
    token = issued()

    ended = run("token", "show", token)

    assert {"header"} == set(ended.json)
    assert "The claims are encrypted" in ended.err
    assert 0 == run("token", "check", token).code


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "e30.bnVsbA.", "\u00e9.b.c"], ids=ascii)
def test_show_of_no_token_is_reported(text):
    """Any other text is answered with one sentence."""
    ended = run("token", "show", text)

    assert (2, "") == (ended.code, ended.out)
    assert "Error: TOKEN " in ended.err


@pytest.mark.usefixtures("configured")
def test_check_says_who_it_is():
    """The command prints the principal that a request with this token has."""
    ended = run("token", "check", issued("--role", "admin"), "--json")

    assert 0 == ended.code
    assert (True, "alice", ["admin"]) == (ended.json["accepted"], ended.json["subject"], ended.json["roles"])
    assert "known to the serving process only" in ended.err


@pytest.mark.usefixtures("configured")
def test_check_is_printed_for_people():
    """The text output has one line for each member."""
    ended = run("token", "check", issued())

    assert ["accepted", "yes"] == ended.out.splitlines()[0].split()


@pytest.mark.usefixtures("configured")
def test_check_names_what_is_wrong():
    """The command shows the error's class and reason, which clients never see."""
    ended = run("token", "check", "a.b.c")

    assert (1, "") == (ended.code, ended.out)
    assert "Error: refused: MalformedToken: " in ended.err


@pytest.mark.usefixtures("configured")
def test_check_names_what_is_wrong_as_json():
    """The JSON output has the same."""
    ended = run("token", "check", issued()[:-4] + "AAAA", "--json")

    assert 1 == ended.code
    assert (False, "BadSignature") == (ended.json["accepted"], ended.json["error"])


def test_a_store_that_is_away_is_no_verdict(folder):
    """Whether it was revoked is unknown, so it is not accepted."""
    write_configuration(folder)
    token = issued()
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    ended = run("token", "check", token)

    assert 1 == ended.code
    assert "Unavailable" in ended.err
    assert 1 == run("token", "issue", "--subject", "alice").code


@pytest.mark.usefixtures("configured")
def test_a_steering_sequence_stays_text():
    """A subject cannot send control characters to the terminal."""
    token = run("token", "issue", "--subject", "a\x1b[2Jb").out.strip()

    assert "\x1b" not in run("token", "show", token).out
    assert "\x1b" not in run("token", "check", token).out
    assert "a\x1b[2Jb" == json.loads(run("token", "check", token, "--json").out)["subject"]


def test_an_opaque_token_is_not_issued_without_a_session(configured):
    """The command says so before it does anything, and names the alternative."""
    write_configuration(configured, more='[safeconduct.tokens]\nformat = "opaque"')

    ended = run("token", "issue", "--subject", "alice")

    assert (2, "") == (ended.code, ended.out)
    assert "an opaque token needs a session" in ended.err


@pytest.mark.usefixtures("configured")
def test_an_opaque_token_cannot_be_looked_into():
    ended = run("token", "show", "A" * 88)

    assert 2 == ended.code
    assert "is opaque and says nothing" in ended.err


@pytest.mark.parametrize("form", ["jws", "opaque"])
def test_a_token_for_another_server_says_who_acts(configured, form):
    """As ``auth.tokens.issue`` does; an opaque format is for our own audience."""
    write_configuration(
        configured, more=f'[safeconduct.tokens]\nformat = "{form}"\naudiences = ["https://billing.example"]'
    )

    claims = claims_of(issued("--audience", "https://billing.example", "--scope", "invoice:pay"))

    assert ("https://billing.example", "alice", "invoice:pay") == (claims["aud"], claims["sub"], claims["scope"])
    assert ({"sub": claims["iss"]}, "urn:safeconduct:acr:remembered") == (claims["act"], claims["acr"])
    assert not {"rn", "sid", "auth_time"} & claims.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--audience", "https://evil.example"], "--audience must be one of tokens.audiences"),
        (["--audience", "https://billing.example", "--level", "explicit"], "--level must be remembered"),
    ],
    ids=str,
)
def test_no_other_audience_and_no_proof_for_another_server(configured, options, message):
    write_configuration(configured, more='[safeconduct.tokens]\naudiences = ["https://billing.example"]')

    ended = run("token", "issue", "--subject", "alice", *options)

    assert (2, "") == (ended.code, ended.out)
    assert message in ended.err


@pytest.mark.usefixtures("configured")
def test_our_own_audience_may_be_named():
    own = claims_of(issued())["aud"]

    assert "act" not in claims_of(issued("--audience", own))


def test_r4_a_token_that_the_users_file_cut_off_is_refused(folder):
    """With ``login.cut_off = "cached"`` the users file is asked, as a server asks it."""
    write_configuration(folder, more='[safeconduct.login]\nusers = "users.json"\ncut_off = "cached"')
    assert 0 == run("users", "add", "alice", "--password-stdin", stdin="correct horse").code
    token = issued()
    accepted = run("token", "check", token)

    run("users", "cut-off", "alice")
    refused = run("token", "check", token)

    assert (0, 1) == (accepted.code, refused.code), accepted.err
    assert "the account is gone, disabled or cut off" in refused.err


def test_r4_a_directory_in_code_is_not_asked_for_the_cut_off(folder):
    """The command says what it could not check, instead of refusing every token."""
    write_configuration(folder, more='[safeconduct.login]\ncut_off = "cached"')

    ended = run("token", "check", issued())

    assert 0 == ended.code
    assert "the cut-off of the account is not checked" in ended.err


def test_a_token_for_another_audience_is_refused_by_that_reason(folder):
    """The response says no more than 401; the command names the claim."""
    key = secrets.token_urlsafe(32)
    write_configuration(folder)
    toml = (folder / "safeconduct.toml").read_text()
    (folder / "safeconduct.toml").write_text(
        toml + '[[safeconduct.clients]]\nclient_id = "reports"\nsecret = "env:SAFE_SECRET"\n'
    )
    now = int(time.time())
    claims = {"iss": "reports", "sub": "reports", "aud": "https://else.example.com", "iat": now, "exp": now + 60}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SAFE_SECRET", key)
        ended = run("token", "check", jwt.encode(claims, key, "HS256"))

    assert 1 == ended.code
    assert "refused: WrongAudience: aud does not name our audience" in ended.err
