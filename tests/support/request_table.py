"""The table of requests: every row, and the comparison of a response with its row."""

import json

import pytest

import rows_access
import rows_credentials
import rows_endpoints
import rows_identity
import rows_responses
from app_client import SentRequest


def check_row(driver, row):
    """Send *row* through *driver* and compare everything that the row specifies."""
    seen = driver.ask(row.setup, SentRequest.of(row))

    if row.name in driver.deviations:
        status, who, _ = driver.deviations[row.name]
        assert (status, who) == (seen.status, seen.report and seen.report["who"])
        return
    assert row.status == seen.status
    report = seen.report
    assert row.who == (report and report["who"])
    assert row.challenge == _challenges(driver, row, seen)
    for name, value in row.fields.items():
        assert value == (", ".join(seen.values(name)) or None), name
    if row.method == "HEAD":
        assert b"" == seen.body
        return
    if row.code is not None and row.setup != "words":
        _check_problem(row, seen)
    _check_seen(row, seen, report)


def _challenges(driver, row, seen):
    found = seen.values("www-authenticate")
    is_joined = "joined-challenges" in driver.offers and found == (", ".join(row.challenge),)
    return row.challenge if is_joined else found


def _check_problem(row, seen):
    problem = json.loads(seen.body)
    assert (row.code, row.status) == (problem["code"], problem["status"])
    assert ("application/problem+json",) == seen.values("content-type")
    assert ("no-store",) == seen.values("cache-control")
    assert {"type", "title", "status", "detail", "code"} <= problem.keys()


def _check_seen(row, seen, report):
    if not row.seen:
        return
    found = json.loads(seen.body) if report is None else report
    if "streamed" in row.seen:
        found = found | {"streamed": [json.loads(line) for line in seen.body.splitlines()]}
    assert row.seen == {name: found[name] for name in row.seen}


ROWS = (
    *rows_access.ROWS,
    *rows_credentials.ROWS,
    *rows_responses.ROWS,
    *rows_identity.ROWS,
    *rows_endpoints.ROWS,
)


def cases_of(drivers):
    """Return *drivers* by name, and a case for each of them and each row that makes sense for it."""
    cases = [
        pytest.param(driver.name, row, id=f"{driver.name}-{row.name}")
        for driver in drivers
        for row in ROWS
        if row.needs <= driver.offers
    ]
    return {driver.name: driver for driver in drivers}, cases


def closing(drivers):
    """Return a fixture's function that closes *drivers* in the end."""

    def close():
        yield
        for driver in drivers.values():
            driver.close()

    return close
