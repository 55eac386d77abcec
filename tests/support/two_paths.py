"""One application twice: on the fast path wherever that is possible, and on the slow path always."""

import asyncio

from app_client import SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from applications import AsgiReport, wsgi_application


class NotedFastPath:
    """A fast path that notes how many requests it let pass."""

    def __init__(self, fast_path):
        self._fast_path = fast_path
        self.takes_cookies = fast_path.takes_cookies
        self.passed = 0

    def recall(self, *request):
        passed = self._fast_path.recall(*request)
        self.passed += passed is not None
        return passed

    def recall_by_cookie(self, *request):
        passed, rest = self._fast_path.recall_by_cookie(*request)
        self.passed += passed is not None
        return passed, rest


class TwoPaths:
    """
    The two applications; everything but the path is the same: caches, store, clock.

    ``is_fast`` says of the last request whether the first one let it pass on the fast path.
    """

    def __init__(self, world, auth):
        self.world, self.auth, self.is_fast = world, auth, False
        gate = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()
        self._noted = None
        if gate.fast_path is not None:
            self._noted = gate.fast_path = NotedFastPath(gate.fast_path)
        self.quick = self._wrapped()
        gate.fast_path = None
        self.slow = self._wrapped()
        self._runner = asyncio.Runner() if world == "asgi" else None

    def ask(self, method="GET", target="/me", *fields, scheme="https", **more):
        """Send a request to both, and return both responses; fields are pairs of text and bytes."""
        request = SentRequest(method, target, (("host", b"app.example"), *fields), scheme)
        return self.send(request, **more)

    def send(self, request, **more):
        """Send *request* to both; *more* replaces entries of the scope or the environ."""
        slow = self.call(self.slow, request, **more)
        before = self._noted.passed if self._noted else 0
        quick = self.call(self.quick, request, **more)
        self.is_fast = self._noted is not None and self._noted.passed > before
        return quick, slow

    def agree(self, *request, **more):
        """Send a request to both, check that they answer the same, and return the answer."""
        quick, slow = self.ask(*request, **more)
        assert slow == quick, request
        assert not self.is_fast or quick.report is not None
        return quick

    def warm(self, *request, **more):
        """Send a request until both its route and its credential are remembered."""
        for _ in range(2):
            self.agree(*request, **more)

    def close(self):
        if self._runner is not None:
            self._runner.close()

    def call(self, application, request, **more):
        if self.world == "wsgi":
            return call_wsgi(application, wsgi_environ(request, **more))
        scope = asgi_scope(request, **more)
        return self._runner.run(call_asgi(application, scope, messages=asgi_messages(request)))

    def _wrapped(self):
        return self.auth.wsgi(wsgi_application) if self.world == "wsgi" else self.auth.asgi(AsgiReport())
