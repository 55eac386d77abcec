"""Check the Basic corpus against a real users file: exactly its users are let in."""

from base64 import b64decode

import pytest

from corpora import cases
from memory_directory import run
from safeconduct._core.basic import BasicCredentials
from safeconduct._core.passwords import Passwords
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._http.authorization import Basic, read_authorization
from safeconduct.config import BasicConfig, LoginConfig
from safeconduct.directories import Cost, UsersFile
from safeconduct.directories.adapters import adapt_directory
from safeconduct.errors import BadCredentials, InvalidToken
from safeconduct.stores.memory.store import MemoryStore
from worlds import Clock

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
ROWS = {row["id"]: row for row in cases("attacks/basic-credentials")}
REJECTED = {name: row for name, row in ROWS.items() if row["expect"] == "reject"}
MISTAKEN = {name: row for name, row in ROWS.items() if "must_not_equal_account" in row["expect"]}
# An empty name or password is valid (RFC 7617 §2), but no user of a users file has one.
KNOWN = {
    name: row
    for name, row in ROWS.items()
    if name not in REJECTED and name not in MISTAKEN and row["expect"]["user"] and row["expect"]["password"]
}


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request, tmp_path):
    """Return a function that writes users into a file and checks one header against it."""

    def prove(header, **users):
        file = UsersFile.create(tmp_path / "users.json", cost=CHEAP)
        for username, password in users.items():
            file.add(username, password)
        people = adapt_directory(file, request.param, LoginConfig())
        store = MemoryStore(clock=Clock(), horizon_ms=1000, leeway_ms=0)
        throttle = Throttle(
            store, store, LoginConfig(), key=b"k" * 32, events=ThrottleEvents(lambda _event: None, Clock())
        )
        passwords = Passwords(people, throttle, announce=lambda _event: None)
        pairs = BasicCredentials(passwords, BasicConfig(), realm="api", key=b"k" * 32, make=lambda pair: pair)
        try:
            credential = read_authorization([header])
            assert isinstance(credential, Basic)
            work = pairs.prove(credential.username, credential.password, network="192.0.2.1", now_ms=0, issued_ms=0)
            return run(request.param, work).account.subject
        finally:
            people.close()

    return prove


@pytest.mark.parametrize("row", MISTAKEN.values(), ids=list(MISTAKEN))
def test_a_name_that_looks_like_an_account_is_not_that_account(ask, row):
    """Fullwidth, upper case, case folding: each is another name, although the password is right (RFC 8265)."""
    account, password = row["expect"]["must_not_equal_account"], row["expect"]["password"]

    with pytest.raises(BadCredentials):
        ask(b64decode(row["header_b64"]), **{account: password})


@pytest.mark.parametrize("row", MISTAKEN.values(), ids=list(MISTAKEN))
def test_a_name_that_looks_like_an_account_may_be_an_account_of_its_own(ask, row):
    wanted = row["expect"]

    subject = ask(
        b64decode(row["header_b64"]),
        **{wanted["must_not_equal_account"]: wanted["password"], wanted["user"]: wanted["password"]},
    )

    assert wanted["user"] == subject


@pytest.mark.parametrize("row", KNOWN.values(), ids=list(KNOWN))
def test_a_user_is_let_in_by_exactly_what_they_typed(ask, row):
    """Case, normal form and length of a password matter, also beyond bcrypt's 72 bytes (ASVS 6.2.8)."""
    wanted = row["expect"]

    assert wanted["user"] == ask(b64decode(row["header_b64"]), **{wanted["user"]: wanted["password"]})


@pytest.mark.parametrize("row", KNOWN.values(), ids=list(KNOWN))
def test_a_password_that_is_one_letter_longer_is_another(ask, row):
    wanted = row["expect"]

    with pytest.raises(BadCredentials):
        ask(b64decode(row["header_b64"]), **{wanted["user"]: wanted["password"] + "x"})


@pytest.mark.parametrize("row", REJECTED.values(), ids=list(REJECTED))
def test_what_is_malformed_is_never_shown_to_the_directory(ask, row):
    with pytest.raises(InvalidToken):
        ask(b64decode(row["header_b64"]), alice="p")
