"""The audit trail: each event a line of JSON, in a file that only its owner reads."""

import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Account, Auth
from safeconduct.audit import AuditTrail, is_audited
from safeconduct.events import RequestRefused, SignedIn, TokenRefused
from safeconduct.testing import Clock

SIGNED_IN = SignedIn(subject="alice", session_id="s", level="explicit")
MISSING = RequestRefused(status=401, error="MissingCredential", reason="", method="GET")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


@pytest.fixture
def trail(path):
    trail = AuditTrail(path, clock=Clock(seconds=1_800_000_000.25))
    yield trail
    trail.close()


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_an_event_is_a_line_with_its_time(trail, path):
    """RFC 3339 in UTC, then the event and its fields."""
    trail(SIGNED_IN)

    [line] = lines(path)
    assert ["time", "event", "severity"] == list(line)[:3]
    assert ("2027-01-15T08:00:00.250Z", "SignedIn", "alice") == (line["time"], line["event"], line["subject"])


def test_nothing_in_a_field_begins_a_line(trail, path):
    """A line break in a subject is escaped (ASVS 16.4.1)."""
    trail(SignedIn(subject='a\n{"event":"Forged"}\u2028', session_id="s", level="explicit"))

    [line] = lines(path)
    assert 'a\n{"event":"Forged"}\u2028' == line["subject"]
    assert 1 == path.read_bytes().count(b"\n")


def test_the_file_is_for_its_owner_alone(trail, path):
    """Whatever the umask of the process is."""
    trail(SIGNED_IN)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_renamed_file_is_opened_anew(trail, path):
    """Logrotate needs no signal, and no line goes into the old file afterwards."""
    trail(SIGNED_IN)
    path.rename(path.with_suffix(".1"))

    trail(SIGNED_IN)

    assert 1 == len(lines(path))
    assert 1 == len(lines(path.with_suffix(".1")))
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_two_trails_append_to_one_file(trail, path):
    """As two processes do."""
    other = AuditTrail(path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: (trail, other)[number % 2](SIGNED_IN), range(400)))
    other.close()

    assert 400 == len(lines(path))


def test_a_request_without_a_credential_is_left_out_by_default(trail, path):
    """Anyone sends one who is not signed in; a bad credential is written."""
    trail(MISSING)
    trail(TokenRefused(status=401, error="BadSignature", reason="", method="GET", scheme="token"))

    assert ["BadSignature"] == [line["error"] for line in lines(path)]


def test_the_application_says_what_is_included(path):
    """Any predicate of events."""
    trail = AuditTrail(path, includes=lambda event: not is_audited(event))
    trail(MISSING)
    trail(SIGNED_IN)
    trail.close()

    assert ["MissingCredential"] == [line["error"] for line in lines(path)]


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path):
    """Before any request."""
    with pytest.raises(OSError, match="missing"):
        AuditTrail(tmp_path / "missing" / "audit.jsonl")


def test_a_line_that_cannot_be_written_is_logged_and_the_sign_in_goes_on(caplog):
    """A full disk must not sign anyone out, and must not be silent either."""
    trail = AuditTrail("/dev/full")
    config = configuration(endpoints={"enabled": True})

    with (
        caplog.at_level(logging.ERROR),
        Auth(config, directory=MemoryDirectory(alice="wonder"), listeners=[trail]) as auth,
    ):
        tokens = auth.sessions.sign_in(Account("alice"))

    assert tokens.access_token
    assert any("OSError" in record.getMessage() for record in caplog.records)
    with pytest.raises(OSError, match="No space"):
        trail.close()
