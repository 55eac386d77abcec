"""The application of ``app_reports`` in Quart, and its drivers of the request table."""

import asyncio

from quart import Quart, Response, request, stream_with_context

from app_reports import METHODS, asgi_fields, needs_fresh_proof, needs_read_scope, subject_line
from in_process_drivers import ASGI_OFFERS, GUARDS, Asgi
from safeconduct import principal
from safeconduct.quart import Safeconduct


def quart_application():
    """Return the application in Quart."""
    application = Quart("application")

    @needs_read_scope
    async def read_awaited():
        return answer()

    @needs_read_scope
    def read_in_a_thread():
        return answer()

    @needs_fresh_proof
    async def danger():
        return answer()

    async def require_principal():
        principal()
        return answer()

    async def stream():
        @stream_with_context
        async def lines():
            for _ in range(2):
                yield subject_line()

        return Response(lines(), headers=asgi_fields(request.scope))

    def answer(**_):
        return Response(headers=asgi_fields(request.scope))

    views = {"async": read_awaited, "sync": read_in_a_thread, "danger": danger, "principal": require_principal}
    for name, view in views.items():
        application.add_url_rule(f"/guarded/{name}", name, view)
    application.add_url_rule("/streamed", "stream", stream)
    everything = {"view_func": answer, "methods": METHODS, "provide_automatic_options": False}
    application.add_url_rule("/", "root", **everything)
    application.add_url_rule("/<path:path>", "path", **everything)
    application.asgi_app = _kept_open(application.asgi_app)
    return application


def _kept_open(app):
    """Call *app* as a server does whose client stays until it has the response: Quart ends with the connection."""

    async def call(scope, receive, send):
        is_answered = asyncio.Event()

        async def receive_or_wait():
            message = await receive()
            if message["type"] == "http.disconnect":
                await is_answered.wait()
            return message

        async def send_and_tell(message):
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                is_answered.set()

        await app(scope, receive_or_wait, send_and_tell)

    return call


def _by_extension(auth):
    application = quart_application()
    Safeconduct(auth).init_app(application)
    return application


def _by_line(auth):
    application = quart_application()
    application.asgi_app = auth.asgi(application.asgi_app)
    return application


def drivers():
    """Create the drivers of the request table for Quart."""
    return [
        Asgi("quart", _by_extension, ASGI_OFFERS | GUARDS),
        Asgi("bare quart", _by_line, ASGI_OFFERS),
    ]
