"""Report to OpenTelemetry: events in the current span and as metrics, and spans of what takes time."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Final

from safeconduct._core.wrapped_app import require_auth
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.measures import MEASURES, counts_of, store_state
from safeconduct.auth import Auth
from safeconduct.events import Event, to_mapping

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import TracerProvider
except ImportError as missing:
    raise missing_extra("otel", missing, module="opentelemetry") from None

_PREFIX: Final = "safeconduct."
#: Fields that say whose request it was; a trace is read by more people than an audit trail.
_PERSONAL: Final = frozenset(
    {"subject", "session_id", "token_id", "key_id", "account", "path", "network", "request_id"}
)


class OpenTelemetry:
    """
    Report events and spans, as a listener: ``Auth(config, listeners=[telemetry])``.

    Each event is added to the span of the request, if one is recorded, and counted: ``safeconduct.refusals`` and its
    like.  ``safeconduct.store.available`` is 1 while the store answers.  No label of a metric has a subject, a path or
    an address.  The spans are ``safeconduct.authenticate`` (a credential is proven), ``safeconduct.check_revocation``
    (the store is asked about one that was proven before) and ``safeconduct.serve_endpoint``.

    Args:
        meter_provider: Makes the instruments. Default: the global one.
        tracer_provider: Makes the spans. Default: the global one.
        shows_people: Whether the events of spans have the fields that identify a user, such as *subject*.
    """

    def __init__(
        self,
        *,
        meter_provider: MeterProvider | None = None,
        tracer_provider: TracerProvider | None = None,
        shows_people: bool = False,
    ) -> None:
        self._tracer = trace.get_tracer("safeconduct", tracer_provider=tracer_provider)
        self._meter = metrics.get_meter("safeconduct", meter_provider=meter_provider)
        self._counters = {
            each.name: self._meter.create_counter(_PREFIX + each.name, description=each.description)
            for each in MEASURES
        }
        self._hidden = frozenset[str]() if shows_people else _PERSONAL
        self._is_store_available = True
        self._meter.create_observable_gauge(
            f"{_PREFIX}store.available", [self._store], description="Whether the store answers"
        )

    def __call__(self, event: Event) -> None:
        """Report *event*."""
        span = trace.get_current_span()
        if span.is_recording():
            span.add_event(_PREFIX + type(event).__name__, self._attributes(event))
        for count in counts_of(event):
            self._counters[count.name].add(count.amount, count.labels)
        is_available = store_state(event)
        if is_available is not None:
            self._is_store_available = is_available

    def span(self, name: str) -> AbstractContextManager[object]:
        """Return a span, which is the current one while it is entered."""
        return self._tracer.start_as_current_span(name)

    def observe(self, auth: Auth) -> None:
        """
        Report how old the local view of *auth* is, as ``safeconduct.view.age``; nothing where none is kept.

        Raises:
            ConfigurationError: If it is not an ``Auth``.
        """
        require_auth(auth, "wsgi")

        def age(_options: CallbackOptions) -> Iterable[Observation]:
            seconds = auth.view_age_seconds
            return [] if seconds is None else [Observation(seconds)]

        description = "How old the local view of the revocations is"
        self._meter.create_observable_gauge(f"{_PREFIX}view.age", [age], unit="s", description=description)

    def _attributes(self, event: Event) -> dict[str, Any]:
        # An attribute is text, a number, or a list of such; never None.
        return {
            f"{_PREFIX}{name}": value
            for name, value in to_mapping(event).items()
            if value is not None and name not in self._hidden
        }

    def _store(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(self._is_store_available))]
