"""What outlives a request, or runs beside it, has the identity of that request or none, and never another's."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from a2wsgi import WSGIMiddleware
from flask import Flask, copy_current_request_context
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app_client import asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import auth_for
from mixed_apps import request_for, subject, subject_or_none
from safeconduct import current
from safeconduct.asgi import AuthMiddleware
from table_tokens import tokens

NAMES = {"alice": "alice", "admin": "root", "bob": "bob"}


def sent_by(name):
    """Return a request of a user of the table."""
    return request_for("/me", tokens()[name])


def behind(view, *, is_buffered=False):
    """Return a Starlette application with one view."""

    async def pass_on(request, call_next):
        return await call_next(request)

    app = Starlette(routes=[Route("/me", view)])
    if is_buffered:
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    app.add_middleware(AuthMiddleware, auth=auth_for("main"))
    return app


@pytest.mark.parametrize("is_buffered", [False, True], ids=["plain", "BaseHTTPMiddleware"])
def test_a_background_task_has_the_identity_of_its_request(is_buffered):
    seen = {}

    async def view(request):
        name = request.user.subject

        async def later():
            await asyncio.sleep(0)
            seen[name] = subject_or_none()

        return PlainTextResponse("", background=BackgroundTask(later))

    app = behind(view, is_buffered=is_buffered)

    async def everybody():
        await asyncio.gather(*(call_asgi(app, asgi_scope(sent_by(name))) for name in NAMES))

    asyncio.run(everybody())

    assert {name: name for name in NAMES.values()} == seen


def test_a_task_that_outlives_its_request_keeps_its_identity():
    """Another user's request is served while it runs, and later none."""
    seen, tasks = {}, []

    async def view(request):
        async def outlive(name, go_on):
            first = subject_or_none()
            await go_on.wait()
            seen[name] = [first, subject_or_none()]

        go_on = asyncio.Event()
        tasks.append((go_on, asyncio.create_task(outlive(request.user.subject, go_on))))
        return PlainTextResponse("")

    app = behind(view)

    async def everybody():
        for name in NAMES:
            await call_asgi(app, asgi_scope(sent_by(name)))
        assert subject_or_none() is None
        for go_on, task in tasks:
            go_on.set()
            await task

    asyncio.run(everybody())

    assert {name: [name, name] for name in NAMES.values()} == seen


def test_a_thread_has_no_identity_unless_it_is_given_the_context():
    """``asyncio.to_thread`` and ``copy_context`` hand it on; a bare thread or executor does not."""
    seen = {}
    executor = ThreadPoolExecutor(1)

    async def view(request):
        found, loop = [], asyncio.get_running_loop()
        thread = threading.Thread(target=lambda: found.append(subject_or_none()))
        thread.start()
        await loop.run_in_executor(None, thread.join)
        found.append(await loop.run_in_executor(executor, subject_or_none))
        found.append(await asyncio.to_thread(subject_or_none))
        found.append(await loop.run_in_executor(executor, contextvars.copy_context().run, subject_or_none))
        found.append(await loop.run_in_executor(executor, subject_or_none))
        seen[request.user.subject] = found
        return PlainTextResponse("")

    app = behind(view)
    for name in NAMES:
        asyncio.run(call_asgi(app, asgi_scope(sent_by(name))))
    executor.shutdown()

    assert {name: [None, None, name, name, None] for name in NAMES.values()} == seen


def test_a_copied_context_is_that_of_its_request():
    """A context that is run within another user's request has the identity of its own one."""
    contexts, seen = [], []

    def application(_environ, start_response):
        contexts.append(contextvars.copy_context())
        seen.append([context.run(subject_or_none) for context in contexts])
        seen.append(subject_or_none())
        start_response("200 OK", [])
        return [b""]

    wrapped = auth_for("main").wsgi(application)
    for name in ("alice", "admin"):
        call_wsgi(wrapped, wsgi_environ(sent_by(name)))

    assert [["alice"], "alice", ["alice", "root"], "root"] == seen
    assert subject_or_none() is None


def test_a_thread_with_the_request_of_flask_has_no_identity_without_the_context():
    """Flask's own way hands on its request alone."""
    app, seen = Flask("threads"), []

    @app.get("/me")
    def me():
        @copy_current_request_context
        def work():
            seen.append(subject_or_none())

        context = contextvars.copy_context()
        for target in (work, lambda: context.run(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        return subject()

    wrapped = auth_for("main").wsgi(app)

    assert b"alice" == call_wsgi(wrapped, wsgi_environ(sent_by("alice"))).body
    assert [None, "alice"] == seen


def test_a_generator_that_outlives_its_request_has_no_identity():
    """An application keeps the generator of one response and reads it in another: the reader's identity is seen."""
    kept = []

    def application(_environ, start_response):
        if not kept:
            kept.append(subject() for _ in iter(int, 1))
        start_response("200 OK", [])
        return [next(kept[0]).encode()]

    wrapped = auth_for("main").wsgi(application)

    assert b"alice" == call_wsgi(wrapped, wsgi_environ(sent_by("alice"))).body
    assert b"root" == call_wsgi(wrapped, wsgi_environ(sent_by("admin"))).body
    with pytest.raises(LookupError):
        next(kept[0])


def test_a_body_that_is_read_in_another_thread_keeps_its_identity():
    """A server may hand the body to another thread, which served somebody else before."""

    def application(_environ, start_response):
        start_response("200 OK", [])
        return (subject().encode() for _ in range(2))

    wrapped = auth_for("main").wsgi(application)
    with ThreadPoolExecutor(1) as thread:
        bodies = {name: iter(wrapped(wsgi_environ(sent_by(name)), lambda *_: None)) for name in NAMES}
        chunks = [(name, thread.submit(next, body).result()) for _ in range(2) for name, body in bodies.items()]

        assert thread.submit(subject_or_none).result() is None

    assert [(name, NAMES[name].encode()) for _ in range(2) for name in NAMES] == chunks


def test_a_thread_of_the_bridge_forgets_whom_it_served():
    """The bridge has one thread, which serves one user after another."""
    bridge = WSGIMiddleware(auth_for("main").wsgi(Flask("inner")), workers=1)

    async def everybody():
        loop, left = asyncio.get_running_loop(), []
        for name in NAMES:
            assert 404 == (await call_asgi(auth_for("main").asgi(bridge), asgi_scope(sent_by(name)))).status
            left.append(await loop.run_in_executor(bridge.executor, subject_or_none))
        return left

    assert [None] * len(NAMES) == asyncio.run(everybody())


def test_a_cancelled_request_leaves_no_identity_behind():
    """The client disconnects, and the server cancels the task; its loop goes on with others."""
    auth = auth_for("main")

    async def cancel():
        begun = asyncio.Event()

        async def application(_scope, _receive, _send):
            begun.set()
            await asyncio.Event().wait()

        wrapped = auth.asgi(application)
        task = asyncio.ensure_future(wrapped(asgi_scope(sent_by("alice")), None, None))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return subject_or_none()

    assert asyncio.run(cancel()) is None
    with pytest.raises(LookupError):
        current()
