"""
Applications whose requests leave work behind after their responses, each by the idiom of its framework.

Every request but ``/release`` reports its subject and leaves work; ``/release`` lets the work go on, waits for its end,
and reports what it saw.
"""

import asyncio
import contextvars
import json
import threading
from functools import partial

import falcon.asgi
from django.core.signals import request_finished
from django.http import HttpResponse
from django.urls import re_path
from fastapi import BackgroundTasks, FastAPI
from flask import Flask, Response
from litestar import Litestar, get
from litestar import Response as LitestarResponse
from litestar.background_tasks import BackgroundTask as LitestarTask
from quart import Quart
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from auth_setups import auth_for
from django_site import handler
from mixed_apps import subject, subject_or_none

RELEASE = "/release"


class LeftWork:
    """The work that requests left behind, and what it saw."""

    def __init__(self):
        #: Whose work it was, and the subject that it saw while later requests were served.
        self.seen = []
        #: The same of what the framework or the server calls after a response.
        self.called = []
        #: What receivers of a signal saw, who are not told whose request it was.
        self.signalled = []
        #: The subjects that code around the middleware saw, before and after each request.
        self.around = []

    def report(self):
        """Return what was recorded, as JSON."""
        lists = {name: seen for name, seen in vars(self).items() if not name.startswith("_")}
        return json.dumps(lists | {"who": subject()})


class AwaitedWork(LeftWork):
    """Work in an event loop."""

    def __init__(self):
        super().__init__()
        self._go, self._end, self._running = asyncio.Event(), asyncio.Condition(), 0

    def begin(self):
        """Return the subject, whose work is counted from now on."""
        self._running += 1
        return subject()

    async def after(self, whose):
        """See who is asking, and once more while a later request is served."""
        self.called.append([whose, subject_or_none()])
        await self._go.wait()
        self.seen.append([whose, subject_or_none()])
        async with self._end:
            self._running -= 1
            self._end.notify_all()

    async def release(self):
        """Let all work go on, and report when it has ended."""
        self._go.set()
        async with self._end:
            await self._end.wait_for(lambda: self._running == 0)
        return self.report()

    def around_middleware(self, app):
        """Return *app* below code that looks for an identity where there is none."""

        async def watched(scope, receive, send):
            self.around.append(subject_or_none())
            await app(scope, receive, send)
            self.around.append(subject_or_none())

        return watched


class ThreadedWork(LeftWork):
    """Work in threads that have the context of their request."""

    def __init__(self):
        super().__init__()
        self._go, self._threads = threading.Event(), []

    def begin(self):
        """Return the subject, whose thread runs from now on."""
        whose = subject()
        thread = threading.Thread(target=contextvars.copy_context().run, args=(self._after, whose))
        thread.start()
        self._threads.append(thread)
        return whose

    def _after(self, whose):
        self._go.wait()
        self.seen.append([whose, subject_or_none()])

    def closed(self, whose):
        """See who is asking when the server closes the body of *whose*."""
        self.called.append([whose, subject_or_none()])

    def release(self):
        """Let all work go on, and report when it has ended."""
        self._go.set()
        for thread in self._threads:
            thread.join()
        return self.report()

    def around_middleware(self, app):
        """Return *app* below code that looks for an identity where there is none."""

        def watched(environ, start_response):
            self.around.append(subject_or_none())
            body = app(environ, start_response)
            yield from body
            getattr(body, "close", bool)()
            self.around.append(subject_or_none())

        return watched


def _awaited(build):
    """Return a factory of the application that *build* makes of the work and an ``Auth``."""

    def factory():
        work = AwaitedWork()
        return work.around_middleware(build(work, auth_for("main")))

    return factory


def _threaded(build):
    def factory():
        work = ThreadedWork()
        return work.around_middleware(build(work, auth_for("main")))

    return factory


@_awaited
def starlette_background(work, auth):
    """Return Starlette with a ``BackgroundTask`` for each response."""

    async def view(request):
        if request.url.path == RELEASE:
            return PlainTextResponse(await work.release())
        whose = work.begin()
        return PlainTextResponse(whose, background=BackgroundTask(work.after, whose))

    return auth.asgi(Starlette(routes=[Route("/{path:path}", view)]))


@_awaited
def fastapi_background(work, auth):
    """Return FastAPI with a task of ``BackgroundTasks`` for each response."""
    app = FastAPI(openapi_url=None)

    @app.get(RELEASE)
    async def release():
        return PlainTextResponse(await work.release())

    @app.get("/me")
    @app.get("/health")
    async def view(tasks: BackgroundTasks):
        whose = work.begin()
        tasks.add_task(work.after, whose)
        return whose

    return auth.asgi(app)


@_awaited
def quart_background(work, auth):
    """Return Quart with ``add_background_task`` for each response."""
    app = Quart("background")

    @app.get("/<path:path>")
    async def view(path):
        if f"/{path}" == RELEASE:
            return await work.release()
        whose = work.begin()
        app.add_background_task(work.after, whose)
        return whose

    return auth.asgi(app)


@_awaited
def litestar_background(work, auth):
    """Return Litestar with a ``BackgroundTask`` for each response."""

    @get(["/me", "/health"])
    async def view() -> LitestarResponse[str]:
        whose = work.begin()
        return LitestarResponse(whose, background=LitestarTask(work.after, whose))

    @get(RELEASE)
    async def release() -> LitestarResponse[bytes]:
        return LitestarResponse((await work.release()).encode(), media_type="application/json")

    return auth.asgi(Litestar([view, release], openapi_config=None))


@_awaited
def falcon_background(work, auth):
    """Return Falcon with a callback that is scheduled for each response."""
    app = falcon.asgi.App()

    async def view(req, resp):
        if req.path == RELEASE:
            resp.text = await work.release()
            return
        resp.text = whose = work.begin()
        resp.schedule(partial(work.after, whose))

    app.add_sink(view, prefix="/")
    return auth.asgi(app)


def _signalled(work):
    """Record what receivers of Django's signal see after each response."""
    request_finished.connect(lambda **_signal: work.signalled.append(subject_or_none()), weak=False)


@_awaited
def django_asgi_background(work, auth):
    """Return Django behind ASGI, with a task for each response and a receiver of ``request_finished``."""
    tasks = []

    async def view(request):
        if request.path == RELEASE:
            return HttpResponse(await work.release())
        whose = work.begin()
        tasks.append(asyncio.create_task(work.after(whose)))
        return HttpResponse(whose)

    _signalled(work)
    return handler("asgi", [re_path("^", view)], SAFECONDUCT_AUTH=auth)


@_threaded
def django_background(work, auth):
    """Return Django behind WSGI, with a receiver of ``request_finished``."""

    def view(request):
        return HttpResponse(work.release() if request.path == RELEASE else work.begin())

    _signalled(work)
    return handler("wsgi", [re_path("^", view)], SAFECONDUCT_AUTH=auth)


@_threaded
def flask_background(work, auth):
    """Return Flask with ``call_on_close`` for each response."""
    app = Flask("background")

    @app.get("/<path:path>")
    def view(path):
        if f"/{path}" == RELEASE:
            return work.release()
        whose = work.begin()
        response = Response(whose)
        response.call_on_close(partial(work.closed, whose))
        return response

    return auth.wsgi(app)


@_threaded
def wsgi_background(work, auth):
    """Return an application whose bodies work in ``close``, as WSGI itself has it."""

    class Body(list):
        def close(self):
            work.closed(self[0].decode())

    def application(environ, start_response):
        start_response("200 OK", [])
        if environ["PATH_INFO"] == RELEASE:
            return [work.release().encode()]
        return Body([work.begin().encode()])

    return auth.wsgi(application)
