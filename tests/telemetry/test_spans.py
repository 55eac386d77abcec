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
from safeconduct.events import ApiKeyCreated, HandOverReused, HookFailed, RequestRefused, SignedIn, SignInFailed
from safeconduct.opentelemetry import OpenTelemetry
from safeconduct.testing import signed_in
from store_servers import KINDS, started_servers


def by_alice(auth):
    """Return the field of a request by alice."""
    return (("authorization", signed_in(auth, "alice")["Authorization"].encode()),)


@pytest.fixture(scope="session")
def servers():
    with started_servers() as start:
        yield start


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider.get_tracer("tests")


class Broken:
    """A tracer that raises where it is told to."""

    def __init__(self, where):
        self._where = where

    def __call__(self, _event):
        pass

    def span(self, _name):
        if self._where == "span":
            raise KeyError("span")
        return self

    def __enter__(self):
        if self._where == "enter":
            raise KeyError("enter")

    def __exit__(self, *_):
        if self._where == "exit":
            raise KeyError("exit")


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


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (SignedIn(subject="alice", session_id="secret", level="explicit"), "session_id"),
        (HandOverReused(issuer="i", subject="a", token_id="secret"), "token_id"),
        (ApiKeyCreated(subject="a", key_id="secret"), "key_id"),
        (SignInFailed(account="secret", scheme="login"), "account"),
        (RequestRefused(status=401, error="e", reason="", method="GET", path="secret"), "path"),
        (RequestRefused(status=401, error="e", reason="", method="GET", network="secret"), "network"),
        (RequestRefused(status=401, error="e", reason="", method="GET", request_id="secret"), "request_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_field_that_leads_to_a_person_is_in_a_trace(spans, event, name):
    """Unless it is asked for by name."""
    exporter, tracer = spans
    for options in ({}, {"shows_people": True}):
        with tracer.start_as_current_span("any"):
            listener(**options)(event)

    hidden, shown = [span.events[0].attributes for span in exporter.get_finished_spans()]
    assert "secret" not in hidden.values()
    assert "secret" == shown[f"safeconduct.{name}"]


def test_without_a_span_nothing_is_added():
    """As in a process without an SDK."""
    listener()(SignedIn(subject="alice", session_id="s", level="explicit"))


def traced(spans, **more):
    """Return an ``Auth`` whose spans go to *spans*."""
    exporter, _ = spans
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = OpenTelemetry(meter_provider=MeterProvider(), tracer_provider=provider)
    return Auth(configuration(**more), directory=MemoryDirectory(), listeners=[telemetry])


def names(spans):
    exporter, _ = spans
    found = [span.name for span in exporter.get_finished_spans()]
    exporter.clear()
    return found


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_what_takes_time_has_a_span_below_that_of_the_request(spans, world):
    """A credential that was proven on a route that is known takes the fast path, without a span."""
    exporter, tracer = spans
    auth = traced(spans)
    alice = by_alice(auth)
    with tracer.start_as_current_span("GET /me") as outer:
        assert 200 == ask_in(world, auth, headers=alice).status

    inner, whole = exporter.get_finished_spans()
    exporter.clear()
    assert ("safeconduct.authenticate", "GET /me") == (inner.name, whole.name)
    assert outer.get_span_context().span_id == inner.parent.span_id

    seen = []
    for _ in range(2):
        assert 200 == ask_in(world, auth, headers=alice).status
        seen.append(names(spans))
    assert [["safeconduct.authenticate"], []] == seen


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
@pytest.mark.parametrize("kind", KINDS)
def test_asking_the_store_has_a_span(spans, servers, world, kind):
    """The credential was proven before, and a revocation could have come since."""
    auth = traced(spans, store=servers(kind).url, revocation={"consistency": "strict"})
    alice = by_alice(auth)
    with auth:
        for _ in range(3):
            assert 200 == ask_in(world, auth, headers=alice).status

    assert "safeconduct.check_revocation" == names(spans)[-1]


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_our_endpoints_have_a_span(spans, world):
    """Also the one with the public keys."""
    assert 200 == ask_in(world, traced(spans), target="/.well-known/jwks.json").status

    assert ["safeconduct.serve_endpoint"] == names(spans)


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
@pytest.mark.parametrize("where", ["span", "enter", "exit"])
def test_a_tracer_that_raises_changes_no_decision(world, where):
    """It is a hook of the application; the event says that it failed."""
    events = []
    config = configuration()
    auth = Auth(config, directory=MemoryDirectory(), listeners=[events.append, Broken(where)])

    assert 401 == ask_in(world, auth).status
    assert 200 == ask_in(world, auth, headers=by_alice(auth)).status
    assert HookFailed(hook="tracer", error="KeyError") in events
