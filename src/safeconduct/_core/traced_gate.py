"""
Let a tracer follow what the gate does on the slow path.

A request that takes the fast path costs a few microseconds and has no span: nothing is asked and nothing is proven.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from safeconduct._core.decision import Decision, Passed, Recalled
from safeconduct._core.endpoints.routing import Body
from safeconduct._core.event_dispatcher import Tracer, report_failed_hook
from safeconduct._core.gate import Gate
from safeconduct._http.request import Reply, Request
from safeconduct.events import Event


def traced_gate(tracer: Tracer, announce: Callable[[Event], None]) -> type[Gate]:
    """
    Return a class of gates whose decisions *tracer* follows.

    Args:
        tracer: The hook of the application; where it raises, the request goes on without a span.
        announce: Is told that it raised.
    """

    @contextmanager
    def span(name: str) -> Generator[None, None, None]:
        def report(fault: Exception) -> None:
            report_failed_hook(announce, fault, hook="tracer")

        try:
            begun = tracer.span(name)
            begun.__enter__()
        except Exception as fault:  # noqa: BLE001 - a hook of the application; the decision must not depend on it
            report(fault)
            yield
            return
        try:
            yield
        finally:
            try:
                begun.__exit__(None, None, None)
            except Exception as fault:  # noqa: BLE001 - as above
                report(fault)

    class TracedGate(Gate):
        async def serve(self, request: Request, body: Body, query: bytes = b"") -> Reply:
            with span("safeconduct.serve_endpoint"):
                return await super().serve(request, body, query)

        async def confirm(self, recalled: Recalled) -> Decision | None:
            with span("safeconduct.check_revocation"):
                return await super().confirm(recalled)

        async def decide(self, request: Request, outer: Passed | None) -> Decision:
            with span("safeconduct.authenticate"):
                return await super().decide(request, outer)

    return TracedGate
