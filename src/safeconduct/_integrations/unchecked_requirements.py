"""Report the routes whose ``requires`` is not checked, once, before the first request of an application."""

import threading
from typing import Any, Final

from safeconduct import asgi, wsgi
from safeconduct._core.event_dispatcher import report_failed_hook
from safeconduct._core.gate import Gate
from safeconduct._integrations.app_inspection import inspect_application
from safeconduct._integrations.app_routes import WITHOUT_IT, unchecked_routes
from safeconduct.events import RequirementUnchecked

_REASON: Final = f"`requires` is not checked, because {WITHOUT_IT}"


def report_unchecked(app: object, gate: Gate) -> None:
    """Announce each route of *app* whose ``requires`` stands above the route decorator; a fault is only reported."""
    try:
        routes = unchecked_routes(inspect_application(app))
        # One for all methods of a route.
        found = dict.fromkeys((str(route.unchecked_view), route.path) for route in routes)
    except Exception as fault:  # noqa: BLE001 - what an application has as routes must not break its requests
        report_failed_hook(gate.announce, fault, hook="routes")
        return
    for view, path in found:
        gate.announce(RequirementUnchecked(view=view, route=path, reason=_REASON))


class UncheckedReport:
    """
    Report the unchecked routes of an application at the first call, and do nothing at any other.

    Args:
        gate: Its gate.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        # Taken by the first call, and never released: two threads may serve the first requests.
        self._turn = threading.Lock()

    def __call__(self, app: object) -> None:
        """Report the routes of *app*, if this is the first call."""
        if self._turn.acquire(blocking=False):
            report_unchecked(app, self._gate)


def report_at_first_call(middleware: asgi.AuthMiddleware | wsgi.AuthMiddleware, app: object, gate: Gate) -> None:
    """Report the unchecked routes of *app* when *middleware* first calls what it wraps; later calls cost nothing."""
    middleware.app = _FirstCall(middleware, app, UncheckedReport(gate))


class _FirstCall:
    """Stand in for what a middleware wraps until it is called."""

    def __init__(
        self, middleware: asgi.AuthMiddleware | wsgi.AuthMiddleware, app: object, report: UncheckedReport
    ) -> None:
        # Under this name, as in other middleware, the command line looks for what is wrapped.
        self.app: Any = middleware.app
        self._middleware = middleware
        self._inspected = app
        self._report = report

    def __call__(self, *arguments: Any) -> Any:
        """Put the application back into its place, report, and call it."""
        self._middleware.app = self.app
        self._report(self._inspected)
        return self.app(*arguments)
