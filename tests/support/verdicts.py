"""What is compared of an answer to a row of the table."""

import json

from calling import Asked


def check(driver, row):
    """Ask *row* through *driver* and compare everything that the row tells."""
    seen = driver.ask(row.stage, Asked.of(row))

    if row.name in driver.deviations:
        status, who, _ = driver.deviations[row.name]
        assert (status, who) == (seen.status, seen.report and seen.report["who"])
        return
    assert row.status == seen.status
    said = seen.report
    assert row.who == (said and said["who"])
    assert row.challenge == seen.values("www-authenticate")
    for name, value in row.fields.items():
        assert value == (", ".join(seen.values(name)) or None), name
    if row.method == "HEAD":
        assert b"" == seen.body
        return
    if row.code is not None and row.stage != "words":
        _check_problem(row, seen)
    _check_seen(row, seen, said)


def _check_problem(row, seen):
    problem = json.loads(seen.body)
    assert (row.code, row.status) == (problem["code"], problem["status"])
    assert ("application/problem+json",) == seen.values("content-type")
    assert ("no-store",) == seen.values("cache-control")
    assert {"type", "title", "status", "detail", "code"} <= problem.keys()


def _check_seen(row, seen, said):
    if not row.seen:
        return
    found = json.loads(seen.body) if said is None else said
    if "streamed" in row.seen:
        found = found | {"streamed": [json.loads(line) for line in seen.body.splitlines()]}
    assert row.seen == {name: found[name] for name in row.seen}
