"""Events as plain values."""

import json

from safeconduct.events import BindingChanged, RequestRefused, ViewStale, to_mapping


def test_an_event_becomes_an_object_for_json():
    """Its class, the name of its level and its fields."""
    event = BindingChanged(subject="alice", session_id="s", changed=("network", "device"), is_refused=True)

    expected = {
        "event": "BindingChanged",
        "severity": "WARNING",
        "subject": "alice",
        "session_id": "s",
        "changed": ["network", "device"],
        "is_refused": True,
    }
    assert expected == to_mapping(event)


def test_a_number_that_json_does_not_have_becomes_none():
    """An age is infinite before the first load."""
    found = to_mapping(ViewStale(age_seconds=float("inf"), shards=2))

    assert found["age_seconds"] is None
    json.dumps(found, allow_nan=False)


def test_a_finite_number_stays():
    """An age in seconds."""
    assert 1.5 == to_mapping(ViewStale(age_seconds=1.5, shards=2))["age_seconds"]


def test_no_field_is_left_out():
    """Fields of the base class too."""
    event = RequestRefused(status=401, error="MissingCredential", reason="", method="GET")

    assert {"status", "error", "reason", "method"} <= to_mapping(event).keys()
