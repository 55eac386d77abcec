"""Refuse options that are not implemented, by name."""

import pytest

from minimal_config import TRUST, errors_of, minimal_fields
from safeconduct.config import Config
from safeconduct.config.cross_checks import NOT_IMPLEMENTED

BY_REFERENCE = {key: value for key, value in TRUST.items() if key != "keys"}

CASES = [
    (
        "clients[].jwks",
        "clients[0].jwks",
        {"clients": [{"client_id": "reports", "jwks": "https://r.example.com/jwks"}]},
    ),
    ("sources[]", "sources[1]", {"sources": ["bearer", "dpop"]}),
    ("trust[].jwks", "trust[0].jwks", {"trust": [{**BY_REFERENCE, "jwks": "https://idp.example.com/jwks"}]}),
    ("trust[].discovery", "trust[0].discovery", {"trust": [{**BY_REFERENCE, "discovery": True}]}),
]


@pytest.mark.parametrize(("row", "name", "fields"), CASES, ids=str)
def test_what_is_not_built_is_refused_by_name(row, name, fields):
    """An option that is not implemented is an error, never ignored."""
    assert row in {each.name for each in NOT_IMPLEMENTED}

    problems = errors_of(minimal_fields(**fields))

    assert {name} == set(problems)
    assert "which is not implemented yet" in problems[name]


def test_every_row_has_a_case():
    """Every row of the table has a test case."""
    assert {row.name for row in NOT_IMPLEMENTED} == {row for row, _, _ in CASES}


def test_it_is_reported_beside_wrong_fields():
    """Both problems are named at once, even in one section."""
    problems = errors_of(
        minimal_fields(revocation={"staleness_seconds": -1}, sources=["bearer", "dpop"], access={"rules": 5})
    )

    assert {"sources[1]", "access.rules", "revocation.staleness_seconds"} == set(problems)


def test_what_is_built_passes():
    """The other values of the same fields are accepted."""
    fields = minimal_fields(
        revocation={"min_replicas": 1, "consistency": "strict"},
        access={"rules": [{"path": "/", "unsafe": True, "long_lived": True}]},
        endpoints={"enabled": False},
        cookies={"mode": "off"},
    )

    assert isinstance(Config.from_mapping(fields), Config)
