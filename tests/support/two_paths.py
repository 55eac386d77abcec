"""One application twice: on the fast path wherever that is possible, and on the slow path always."""

import asyncio

from app_client import SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import AsgiReport, wsgi_application


class NotedFastPath:
    """A fast path that notes how many requests it recognized."""

    def __init__(self, fast_path):
        self._fast_path = fast_path
        self.takes_cookies = fast_path.takes_cookies
        self.recognized = 0

    def recall(self, *request):
        recalled = self._fast_path.recall(*request)
        self.recognized += recalled is not None
        return recalled

    def recall_by_cookie(self, *request):
        recalled, rest = self._fast_path.recall_by_cookie(*request)
        self.recognized += recalled is not None
        return recalled, rest


class NoFastPath:
    """A fast path that recognizes nothing."""

    takes_cookies = True

    def recall(self, *_request):
        return None

    def recall_by_cookie(self, *_request):
        return None, None


class TwoPaths:
    """
    The two applications; everything but the path is the same: caches, store, clock.

    ``is_fast`` says of the last request whether the first one recognized it on the fast path.
    """

    def __init__(self, world, auth):
        self.world, self.auth, self.is_fast = world, auth, False
        gate = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()
        self._noted = gate.fast_path = NotedFastPath(gate.fast_path)
        self._quick = self._wrapped()
        gate.fast_path = NoFastPath()
        self._slow = self._wrapped()
        self._runner = asyncio.Runner() if world == "asgi" else None

    def ask(self, method="GET", target="/me", *fields, scheme="https", **more):
        """Send a request to both, and return both responses; fields are pairs of text and bytes."""
        request = SentRequest(method, target, (("host", b"app.example"), *fields), scheme)
        return self.send(request, **more)

    def send(self, request, **more):
        """Send *request* to both; *more* replaces entries of the scope or the environ."""
        slow = self._call(self._slow, request, **more)
        return self.send_to_one(request, **more), slow

    def send_to_one(self, request, **more):
        """Send *request* to the first application alone."""
        before = self._noted.recognized
        quick = self._call(self._quick, request, **more)
        self.is_fast = self._noted.recognized > before
        return quick

    def agree(self, *request, **more):
        """Send a request to both, check that they answer the same, and return the answer."""
        quick, slow = self.ask(*request, **more)
        assert slow == quick, request
        return quick

    def warm(self, *request, **more):
        """Send a request until its route and its credential are remembered, and return the answer."""
        for _ in range(2):
            seen = self.agree(*request, **more)
        return seen

    def close(self):
        if self._runner is not None:
            self._runner.close()

    def _call(self, application, request, **more):
        if self.world == "wsgi":
            return call_wsgi(application, wsgi_environ(request, **more))
        scope = asgi_scope(request, **more)
        return self._runner.run(call_asgi(application, scope, messages=asgi_messages(request)))

    def _wrapped(self):
        return self.auth.wsgi(wsgi_application) if self.world == "wsgi" else self.auth.asgi(AsgiReport())
