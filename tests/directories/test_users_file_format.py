"""Parse and write the JSON of a users file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.directory import Account
from safeconduct.directories.argon2id import Cost, cost_of, unmatchable_hash
from safeconduct.directories.users_file_format import UnreadableUsers, UserRecord, name_problem, read_users, write_users

PHC = unmatchable_hash(Cost(memory_kib=8, passes=1, lanes=1))
MEMBERS = ("hash", "roles", "scopes", "display_name", "level", "subject", "disabled", "cut_off")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=3),
    max_leaves=4,
)
ALMOST = st.fixed_dictionaries({"hash": st.just(PHC)}, optional=dict.fromkeys(MEMBERS[1:], JSON))
WORDS = st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name_problem(name) is None)


def test_a_hash_is_enough():
    """The subject is the name, and the password proves an explicit sign-in."""
    records = read_users(json.dumps({"alice": {"hash": PHC}}))

    assert {"alice": UserRecord(Account("alice"), PHC, cost_of(PHC))} == records


def test_every_member_counts():
    member = {
        "hash": PHC,
        "roles": ["boss"],
        "scopes": ["read", "write"],
        "display_name": "Alice",
        "level": "multifactor",
        "subject": "4711",
        "disabled": True,
        "cut_off": 1767225600.5,
    }
    account = Account(
        "4711",
        roles=("boss",),
        scopes=("read", "write"),
        display_name="Alice",
        level="multifactor",
        disabled=True,
        cut_off=1767225600.5,
    )

    assert account == read_users(json.dumps({"alice": member}))["alice"].account


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ({}, "hash of 'alice' must be an Argon2id hash in PHC form"),
        ({"hash": 1}, "hash of 'alice' must be"),
        ({"hash": "wonder"}, "hash of 'alice' must be"),
        ({"hash": "$2b$12$wonder"}, "in PHC form: remove this user from the file, and add them again"),
        ({"hash": PHC, "roles": "boss"}, "roles of 'alice' must be a list of texts"),
        ({"hash": PHC, "roles": None}, "roles of 'alice' must be a list of texts"),
        ({"hash": PHC, "scopes": [1]}, "scopes of 'alice' must be a list of texts"),
        ({"hash": PHC, "scopes": [""]}, "scopes of 'alice' must be a list of texts"),
        ({"hash": PHC, "subject": ""}, "subject of 'alice' must be a text that is not empty"),
        ({"hash": PHC, "subject": 7}, "subject of 'alice' must be a text that is not empty"),
        ({"hash": PHC, "subject": "\ud800"}, "subject of 'alice' must be a text that is not empty"),
        ({"hash": PHC, "display_name": []}, "display_name of 'alice' must be a text that is not empty"),
        ({"hash": PHC, "level": "anonymous"}, "level of 'alice' must be one of remembered, explicit, multifactor"),
        ({"hash": PHC, "level": ["explicit"]}, "level of 'alice' must be one of"),
        ({"hash": PHC, "disabled": "false"}, "disabled of 'alice' must be true or false"),
        ({"hash": PHC, "disabled": 0}, "disabled of 'alice' must be true or false"),
        ({"hash": PHC, "cut_off": True}, "cut_off of 'alice' must be seconds since the epoch, or null"),
        ({"hash": PHC, "cut_off": -1}, "cut_off of 'alice' must be seconds since the epoch"),
        ({"hash": PHC, "cut_off": float("nan")}, "cut_off of 'alice' must be seconds since the epoch"),
        ({"hash": PHC, "cut_off": "2026-01-01"}, "cut_off of 'alice' must be seconds since the epoch"),
        ({"hash": PHC, "role": ["boss"]}, "'alice' must have no fields but cut_off, disabled, display_name, hash"),
        ([], "'alice' must be an object"),
    ],
    # The salt differs in every process, but the name of a test must not.
    ids=lambda value: str(value).replace(PHC, "PHC"),
)
def test_one_wrong_user_makes_the_file_unreadable(member, message):
    """A misspelt ``disabled`` would let a user in, so unknown members are errors."""
    with pytest.raises(UnreadableUsers) as caught:
        read_users(json.dumps({"bob": {"hash": PHC}, "alice": member}))

    assert message in str(caught.value)
    assert "wonder" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is not JSON"),
        ('{"alice": {"hash": "secret', "the file is not JSON"),
        ("[" * 100_000, "the file is not JSON"),
        ("1" * 5000, "the file is not JSON"),
        ("[]", "the file must hold an object"),
        (f'{{"alice": {{"hash": "{PHC}"}}, "alice": {{"hash": "{PHC}"}}}}', "a user or a field is in it twice"),
        (f'{{"alice": {{"hash": "{PHC}", "disabled": true, "disabled": false}}}}', "a user or a field is in it twice"),
        (f'{{"a": {{"hash": "{PHC}"}}, "b": {{"hash": "{PHC}", "subject": "a"}}}}', "two users have the same subject"),
        (f'{{"a:b": {{"hash": "{PHC}"}}}}', "the user name 'a:b' must have no colon"),
    ],
    ids=lambda value: value[:30],
)
def test_a_text_that_is_not_right_is_no_users_file(text, message):
    with pytest.raises(UnreadableUsers, match=message) as caught:
        read_users(text)

    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["alice", "n" * 1024, "us er", "\u30e6\u30fc\u30b6", "\uff41dmin", "Admin"], ids=ascii)
def test_a_name_that_basic_can_carry_is_right(name):
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "n" * 1025, "\xe9" * 513, "a:b", "a\nb", "\0", "a\x7f", "a\x85", "\ufeffalice", "\ud800"],
    ids=ascii,
)
def test_a_name_that_basic_cannot_carry_is_wrong(name):
    """A name has no colon, no control character (RFC 7617 §2), no byte order mark, and 1 to 1,024 bytes."""
    assert name_problem(name) is not None


@given(
    JSON
    | st.dictionaries(
        st.text(), st.fixed_dictionaries({"hash": st.just(PHC)}, optional=dict.fromkeys(MEMBERS[1:], JSON))
    )
)
def test_any_json_is_read_or_refused(value):
    """Reading raises nothing but ``UnreadableUsers``, and no user of a broken file counts."""
    try:
        records = read_users(json.dumps(value))
    except UnreadableUsers:
        return

    assert value.keys() == records.keys()


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        read_users(text)
    except UnreadableUsers:
        return


@given(
    st.dictionaries(
        NAMES,
        st.builds(
            Account,
            NAMES,
            roles=WORDS,
            scopes=WORDS,
            level=st.sampled_from(["remembered", "explicit", "multifactor"]),
            display_name=st.none() | st.text(min_size=1),
            disabled=st.booleans(),
            cut_off=st.none() | st.integers(0) | st.floats(0, 1e300),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read_back(accounts):
    """Writing and reading are inverse for any names."""
    unique = {account.subject: name for name, account in accounts.items()}
    records = {name: UserRecord(accounts[name], PHC, cost_of(PHC)) for name in unique.values()}

    assert records == read_users(write_users(records))


def test_a_hash_is_not_shown():
    assert PHC not in repr(UserRecord(Account("alice"), PHC, cost_of(PHC)))
