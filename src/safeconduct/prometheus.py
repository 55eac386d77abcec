"""Count events for Prometheus."""

from typing import Final

from safeconduct._core.wrapped_app import require_auth
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.measures import MEASURES, counts_of, store_state
from safeconduct.auth import Auth
from safeconduct.events import Event

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
except ImportError as missing:
    raise missing_extra("prometheus", missing) from None

_PREFIX: Final = "safeconduct_"


class PrometheusMetrics:
    """
    Count events, as a listener: ``Auth(config, listeners=[metrics])``.

    The counters are ``safeconduct_refusals_total`` and its like; ``safeconduct_store_available`` is 1 while the store
    answers, and ``safeconduct_view_age_seconds`` says how old the local view of the revocations is.  No label has a
    subject, a path or an address.

    Args:
        registry: Where the metrics are registered, once; default: the registry that ``prometheus_client`` serves.

    Raises:
        ValueError: If the registry has metrics of this name.
    """

    def __init__(self, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._counters = {
            each.name: Counter(_PREFIX + each.name, each.description, each.labels, registry=registry)
            for each in MEASURES
        }
        # With several processes, the store is available if it is so for all of them.
        self._store = Gauge(
            f"{_PREFIX}store_available", "Whether the store answers", registry=registry, multiprocess_mode="livemin"
        )
        self._store.set(1)

    def __call__(self, event: Event) -> None:
        """Count *event*."""
        for count in counts_of(event):
            counter = self._counters[count.name]
            (counter.labels(**count.labels) if count.labels else counter).inc(count.amount)
        is_available = store_state(event)
        if is_available is not None:
            self._store.set(is_available)

    def observe(self, auth: Auth) -> None:
        """
        Report how old the local view of *auth* is, at each scrape; there is nothing to report where none is kept.

        In the multi-process mode of ``prometheus_client``, which reads no values of live objects, this has no effect.

        Raises:
            ConfigurationError: If it is not an ``Auth``.
        """
        require_auth(auth, "wsgi")
        if auth.view_age_seconds is not None:
            gauge = Gauge(
                f"{_PREFIX}view_age_seconds", "How old the local view of the revocations is", registry=self._registry
            )
            gauge.set_function(lambda: auth.view_age_seconds or 0.0)
