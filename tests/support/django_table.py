"""The drivers of the request table for Django: the application of ``app_reports``, behind WSGI and ASGI."""

import asyncio

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import re_path

from app_client import asgi_messages, asgi_scope, call_asgi
from app_reports import asgi_fields, needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from django_site import handler
from in_process_drivers import ASGI_OFFERS, GUARDS, WSGI_OFFERS, Asgi, Wsgi
from safeconduct import principal

#: Django reads the whole body before it calls anything, and ends a request whose body breaks off.
_WHOLE_BODIES = frozenset({"breaks"})


def answer(request):
    """Answer with what the application has seen."""
    fields = asgi_fields(request.scope) if hasattr(request, "scope") else wsgi_fields(request.META)
    return HttpResponse(headers=fields)


@needs_read_scope
async def read_awaited(request):
    """Answer in the event loop."""
    return answer(request)


@needs_read_scope
def read(request):
    """Answer in a thread."""
    return answer(request)


@needs_fresh_proof
def danger(request):
    """Answer a principal with a fresh proof."""
    return answer(request)


def require_principal(request):
    """Answer a principal."""
    assert principal() is request.principal
    return answer(request)


def streamed(request):
    """Answer from a generator."""
    lines = (subject_line() for _ in range(2 if request.method != "HEAD" else 0))
    return StreamingHttpResponse(lines, headers=answer(request).headers)


async def streamed_awaited(request):
    """Answer from an asynchronous generator."""

    async def lines():
        for _ in range(2 if request.method != "HEAD" else 0):
            await asyncio.sleep(0)
            yield subject_line()

    return StreamingHttpResponse(lines(), headers=answer(request).headers)


def patterns(*, is_async):
    """Return the routes of the application."""

    async def answer_awaited(request):
        return await sync_to_async(answer)(request)

    return (
        re_path(r"^guarded/async$", read_awaited),
        re_path(r"^guarded/sync$", read),
        re_path(r"^guarded/danger$", danger),
        re_path(r"^guarded/principal$", require_principal),
        re_path(r"^streamed$", streamed_awaited if is_async else streamed),
        re_path(r"^", answer_awaited if is_async else answer),
    )


class ConnectedAsgi(Asgi):
    """An ASGI application whose client stays: Django ends a request when its client has gone."""

    def ask(self, name, request):
        """Send a request, and stay until there is a response."""
        return self._runner.run(self._stay(self.application(name), request))

    async def _stay(self, application, request):
        messages = asgi_messages(request)[::-1]

        async def connected(scope, _receive, send):
            async def receive():
                if not messages:
                    await asyncio.Event().wait()
                return messages.pop()

            await application(scope, receive, send)

        return await call_asgi(connected, asgi_scope(request))


def drivers():
    """Create the drivers of Django."""
    return [
        Wsgi(
            "django",
            lambda auth: handler("wsgi", patterns(is_async=False), SAFECONDUCT_AUTH=auth),
            WSGI_OFFERS | GUARDS,
        ),
        ConnectedAsgi(
            "django asgi",
            lambda auth: handler("asgi", patterns(is_async=True), SAFECONDUCT_AUTH=auth),
            (ASGI_OFFERS | GUARDS) - _WHOLE_BODIES,
        ),
    ]
