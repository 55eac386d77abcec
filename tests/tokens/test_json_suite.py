"""Parse the files of JSONTestSuite as claims: accept and refuse what the suite says."""

import json
from base64 import b64decode

import pytest

import corpora
from safeconduct._tokens.reader import read_object
from safeconduct.errors import MalformedToken

CASES = [json.loads(line) for line in corpora.foreign("json-test-suite", "cases.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_case_is_read_or_malformed(case):
    """Each text is a member of an object; repeated members are valid JSON but refused here."""
    data = b'{"a":' + b64decode(case["b64"]) + b"}"

    try:
        read_object(data)
        actual = "accept"
    except MalformedToken:
        actual = "reject"

    if case["expect"] == "reject":
        assert "reject" == actual
    if case["expect"] == "accept":
        assert ("reject" if "duplicated" in case["name"] else "accept") == actual
