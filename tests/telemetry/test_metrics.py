"""Counters and gauges, the same by Prometheus and OpenTelemetry; nothing that a caller chooses is a label."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

from app_client import SentRequest, call_wsgi, wsgi_environ
from app_reports import wsgi_application
from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._integrations.measures import MEASURES
from safeconduct.errors import ConfigurationError
from safeconduct.events import (
    ClientTokenIssued,
    Fault,
    HandOverReused,
    RefreshReused,
    RequestRefused,
    SessionEnded,
    SignedIn,
    StoreRecovered,
    StoreUnavailable,
    Throttled,
    TokenRefused,
    ViewCurrent,
)
from safeconduct.opentelemetry import OpenTelemetry
from safeconduct.prometheus import PrometheusMetrics


class Prometheus:
    """Read what ``PrometheusMetrics`` counts, in a registry of its own."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.listener = PrometheusMetrics(registry=self.registry)

    def counter(self, name, **labels):
        return self.registry.get_sample_value(f"safeconduct_{name}_total", labels)

    def gauge(self, name):
        return self.registry.get_sample_value(f"safeconduct_{name}")


class ByOpenTelemetry:
    """Read what ``OpenTelemetry`` counts, by a provider of its own."""

    def __init__(self):
        self._reader = InMemoryMetricReader()
        self.listener = OpenTelemetry(meter_provider=MeterProvider([self._reader]))

    def _points(self, name):
        data = self._reader.get_metrics_data()
        found = [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"safeconduct.{name}"
            for point in metric.data.data_points
        ]
        return {frozenset(point.attributes.items()): point.value for point in found}

    def counter(self, name, **labels):
        return self._points(name).get(frozenset(labels.items()))

    def gauge(self, name):
        return self._points({"store_available": "store.available", "view_age_seconds": "view.age"}[name]).get(
            frozenset()
        )


@pytest.fixture(params=[Prometheus, ByOpenTelemetry], ids=["prometheus", "opentelemetry"])
def backend(request):
    return request.param()


def test_refusals_are_counted_by_status_and_error(backend):
    """A subclass of the event counts as the event."""
    backend.listener(RequestRefused(status=403, error="InsufficientRights", reason="", method="GET"))
    for _ in range(2):
        backend.listener(TokenRefused(status=401, error="BadSignature", reason="", method="GET", scheme="token"))

    assert 1 == backend.counter("refusals", status="403", error="InsufficientRights")
    assert 2 == backend.counter("refusals", status="401", error="BadSignature")
    assert 2 == backend.counter("events", event="TokenRefused")


def test_an_event_may_stand_for_several(backend):
    """A throttle reports once in a while how many it refused."""
    backend.listener(Throttled(account="digest", retry_after_seconds=60, refused=41))

    assert 41 == backend.counter("throttled")
    assert 1 == backend.counter("events", event="Throttled")


def test_reuses_are_counted_by_event(backend):
    """Each kind of credential that was used twice."""
    backend.listener(RefreshReused(subject="alice", session_id="s"))
    backend.listener(HandOverReused(issuer="i", subject="alice", token_id="t"))

    assert 1 == backend.counter("reuses", event="RefreshReused")
    assert 1 == backend.counter("reuses", event="HandOverReused")


@pytest.mark.parametrize(
    ("event", "name", "labels"),
    [
        (SignedIn(subject="a", session_id="s", level="explicit"), "sign_ins", {"level": "explicit"}),
        (SessionEnded(subject="a", session_id="s", reason="signed_out"), "sessions_ended", {"reason": "signed_out"}),
        (Fault(where="gate", error="KeyError"), "faults", {"event": "Fault"}),
        (
            ClientTokenIssued(client_id="c", grant_type="client_credentials", subject="c", audience="a", scopes=()),
            "client_tokens",
            {"grant_type": "client_credentials"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_event_is_counted_under_its_name(backend, event, name, labels):
    """The labels are fields of the event."""
    backend.listener(event)

    assert 1 == backend.counter(name, **labels)


def test_the_store_is_available_until_an_event_says_otherwise(backend):
    """And again when it answers."""
    seen = [backend.gauge("store_available")]
    for event in StoreUnavailable(reason="away"), ViewCurrent(age_seconds=1, shards=1), StoreRecovered():
        backend.listener(event)
        seen.append(backend.gauge("store_available"))

    assert [1, 0, 0, 1] == seen


def test_no_label_can_be_chosen_by_a_caller():
    """Otherwise anyone could make the number of time series grow."""
    labels = {label for measure in MEASURES for label in measure.labels}

    assert {"error", "event", "grant_type", "kind", "level", "reason", "scheme", "status"} == labels


def test_many_refused_requests_make_one_time_series():
    """Whatever their paths, methods, addresses and tokens are."""
    backend = Prometheus()
    with Auth(configuration(), directory=MemoryDirectory(), listeners=[backend.listener]) as auth:
        application = auth.wsgi(wsgi_application)
        for number in range(200):
            headers = (("host", b"app.example"), ("authorization", f"Bearer a{number}.b.c".encode()))
            request = SentRequest(f"M{number}", f"/{number}", headers, "https")
            assert 401 == call_wsgi(application, wsgi_environ(request, REMOTE_ADDR=f"192.0.2.{number}")).status

    [metric] = [each for each in backend.registry.collect() if each.name == "safeconduct_refusals"]
    assert [200.0] == [sample.value for sample in metric.samples if sample.name.endswith("_total")]


def test_the_age_of_the_view_is_read_when_it_is_asked_for(backend):
    """It may change without an event."""
    ages = iter([0.5, 2.5])

    class Observed(Auth):
        view_age_seconds = property(lambda _: next(ages))

    auth = Observed(configuration(), directory=MemoryDirectory())
    if isinstance(backend, Prometheus):
        # It looks once whether there is a view at all.
        ages = iter([0.0, 0.5, 2.5])
    backend.listener.observe(auth)

    assert [0.5, 2.5] == [backend.gauge("view_age_seconds") for _ in range(2)]


def test_without_a_view_no_age_is_reported(backend):
    """A store in memory has none."""
    backend.listener.observe(Auth(configuration(), directory=MemoryDirectory()))

    assert backend.gauge("view_age_seconds") is None


@pytest.mark.parametrize("wrong", [None, Auth, configuration], ids=["none", "class", "function"])
def test_only_an_auth_can_be_observed(backend, wrong):
    """At once, with a sentence."""
    with pytest.raises(ConfigurationError, match="wanted an Auth"):
        backend.listener.observe(wrong)


def test_a_registry_takes_the_metrics_once():
    """Two would count one event twice under one name."""
    registry = CollectorRegistry()
    PrometheusMetrics(registry=registry)

    with pytest.raises(ValueError, match="Duplicated"):
        PrometheusMetrics(registry=registry)
