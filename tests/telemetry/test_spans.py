"""Events in the spans of requests."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app_reports import ask_in
from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.events import SignedIn
from safeconduct.opentelemetry import OpenTelemetry


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider.get_tracer("tests")


def listener(**options):
    return OpenTelemetry(meter_provider=MeterProvider(), **options)


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a_refusal_is_an_event_of_the_span_of_its_request(spans, world):
    """An instrumentation around the application begins the span."""
    exporter, tracer = spans
    auth = Auth(configuration(), directory=MemoryDirectory(), listeners=[listener()])
    with tracer.start_as_current_span("GET /me"):
        assert 401 == ask_in(world, auth).status

    [span] = exporter.get_finished_spans()
    [event] = [event for event in span.events if event.name == "safeconduct.RequestRefused"]
    assert "MissingCredential" == event.attributes["safeconduct.error"]
    assert 401 == event.attributes["safeconduct.status"]


@pytest.mark.parametrize(
    ("options", "expected"), [({}, None), ({"shows_people": True}, "alice")], ids=["hidden", "shown"]
)
def test_who_it_was_is_shown_only_by_name(spans, options, expected):
    """More people read traces than audit trails."""
    exporter, tracer = spans
    with tracer.start_as_current_span("sign-in"):
        listener(**options)(SignedIn(subject="alice", session_id="s", level="explicit"))

    [span] = exporter.get_finished_spans()
    [event] = span.events
    assert expected == event.attributes.get("safeconduct.subject")
    assert "explicit" == event.attributes["safeconduct.level"]
    assert "safeconduct.issuer" not in event.attributes


def test_without_a_span_nothing_is_added():
    """As in a process without an SDK."""
    listener()(SignedIn(subject="alice", session_id="s", level="explicit"))
