"""Check every row of the challenge corpus by the rows of the request table that show it."""

import json

import pytest

import corpora
from app_client import SentRequest
from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from drivers import in_process
from request_row import Row, bearer
from request_table import ROWS, check_row
from rows_credentials import BAD_TOKENS
from safeconduct import Auth, ConfigurationError
from safeconduct._http.challenges import Challenge

BY_NAME = {row.name: row for row in ROWS}
SHOWN_BY = {
    "www-authenticate-007": ["token-expired"],
    "www-authenticate-009": ["twice-different", "twice-basic"],
    "www-authenticate-010": ["scope-missing", "scopes-named-all"],
    "www-authenticate-011": ["outage-closed", "faulty-closed"],
    "www-authenticate-012": ["closed-by-default"],
    "www-authenticate-014": ["no-basic-for-scripts", "no-basic-for-browsers"],
    "www-authenticate-018": ["level-too-low", "level-and-age"],
    "www-authenticate-020": ["problem", "cookie"],
}
HERE = {f"www-authenticate-0{number}" for number in ("01", "02", "03", "04", "05", "13", "15")}
LATER = {"www-authenticate-016", "www-authenticate-017", "www-authenticate-019"}
ASGI = in_process()[0]


def test_every_row_of_the_catalogue_is_looked_at():
    """A row that is added to the corpus must be added here."""
    assert {row["id"] for row in corpora.cases("attacks/www-authenticate")} == SHOWN_BY.keys() | HERE | LATER


@pytest.mark.parametrize("name", [name for names in SHOWN_BY.values() for name in names])
def test_a_row_of_the_table_shows_it(name):
    """Each row of the corpus is shown by rows of the table."""
    check_row(ASGI, BY_NAME[name])


@pytest.mark.parametrize("world", WORLDS)
def test_a_realm_is_quoted(world):
    """www-authenticate-001: quotation marks and backslashes are escaped."""
    auth = Auth(configuration(audience='ex"am\\ple', sources=["bearer"]), clock=now)

    seen = ask_in(world, auth)

    assert ('Bearer realm="ex\\"am\\\\ple"',) == seen.values("www-authenticate")


@pytest.mark.parametrize("text", ['bad "alg"', "x\r\nSet-Cookie: a=b", "\u043f\u0430\u0440\u043e\u043b\u044c"])
def test_a_description_is_ascii_without_quotes_and_lines(text):
    """www-authenticate-002, -003, -004: the field stays one line of the characters of RFC 6750 §3."""
    written = Challenge("Bearer", (("error_description", text),)).to_header()

    value = written.removeprefix('Bearer error_description="').removesuffix('"')
    assert all(" " <= character <= "~" and character not in '"\\' for character in value)


def test_a_scope_out_of_its_grammar_is_refused():
    """www-authenticate-005: no rule can name such a scope."""
    with pytest.raises(ConfigurationError):
        configuration(access={"rules": [{"path": "/x", "scopes": ['a "b"']}]})


def test_no_401_goes_without_a_challenge():
    """www-authenticate-013: RFC 9110 §15.5.2."""
    assert [] == [row.name for row in ROWS if row.status == 401 and not row.challenge]


def test_whatever_is_wrong_with_a_token_gets_the_same_answer():
    """www-authenticate-015: the response does not tell why a token was refused (ASVS 16.5.1)."""
    rows = [Row(name="x", headers=bearer(name)) for name in BAD_TOKENS]

    answers = {
        (seen.status, seen.fields, seen.body) for seen in (ASGI.ask("main", SentRequest.of(row)) for row in rows)
    }

    assert len(answers) == 1
    [(_, _, body)] = answers
    assert json.loads(body)["code"] == "invalid_token"
