"""
Protect an ASGI application: read the scope, let the gate decide, then call the application or answer the request.

Pure ASGI, so that a context variable set here is seen in endpoints, in threads and in streamed bodies.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Final

from safeconduct._connections.response import SseDetector, WatchedResponse, mark_awaitable
from safeconduct._connections.watched_connection import WatchedConnection, outer_extend
from safeconduct._connections.websocket import WatchedSocket
from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed, Recalled, Refused
from safeconduct._core.gate import Gate, GateProvider
from safeconduct._core.wrapped_app import refuse_own_root_path, require_application, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.nesting import MOUNT, note_mount
from safeconduct._http.problems import close_code
from safeconduct._http.request import Reply, Request
from safeconduct._http.response_headers import as_private
from safeconduct._http.scope import (
    authorization_fields,
    body_of,
    credential_fields,
    hide_cookies,
    joined_cookies,
    read_scope,
    readable_again,
    without_subprotocol_token,
)
from safeconduct.errors import AuthError
from safeconduct.guard import PASSED

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_UNSUPPORTED_LOOP: Final = (
    "safeconduct.asgi runs on asyncio or uvloop only, and not on this event loop: start the server with asyncio"
)


class AuthMiddleware:
    """
    Let every HTTP request and every WebSocket handshake of *app* through the gate of *auth*.

    Puts the identity into ``scope["safeconduct"]`` and ``scope["user"]``, its scopes into ``scope["auth"]``.
    """

    @wants("auth.asgi(app), or app.add_middleware(AuthMiddleware, auth=auth)")
    def __init__(self, app: App, auth: GateProvider) -> None:
        require_auth(auth, "asgi")
        require_application(app, "asgi")
        refuse_own_root_path(app)
        self.app = app
        self.auth = auth
        self._gate = auth.asgi_gate()
        self._recall = self._gate.fast_path.recall
        self._recall_by_cookie = self._gate.fast_path.recall_by_cookie
        self._takes_cookies = self._gate.fast_path.takes_cookies
        # Where cookies are no source, none is hidden either.
        self._credential_fields = credential_fields if self._takes_cookies else authorization_fields
        self._hides_cookies = bool(self._gate.hidden_cookies)
        mark_awaitable(SseDetector.send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901 - see "in line"
        """Serve one connection; raise ``RuntimeError`` if its type is unknown: it must not pass unchecked."""
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        fields = scope["headers"]
        if fields.__class__ is not list:
            scope = readable_again(scope)
            fields = scope["headers"]
        credential, credentials, line, cookies = self._credential_fields(fields)
        # In line: this is what nearly every request costs.
        route = scope["method"], scope["path"], scope.get("root_path", ""), scope.get("raw_path")
        passed: Passed | Recalled | None = None
        rest: bytes | None = None
        if credentials == 1 and credential is not None:
            passed = self._recall(route, credential, scope)
        elif credentials == 0 and line is not None and self._takes_cookies:
            passed, rest = self._recall_by_cookie(route, line if cookies == 1 else joined_cookies(fields), scope)
        if not isinstance(passed, Passed):
            scope = readable_again(scope)
            passed = await self._confirm(passed, scope, receive, send)
            if passed is None:
                return
        detector = SseDetector(self._watch_stream, passed, scope, send)
        below = dict(scope)
        below["safeconduct"] = below["user"] = passed.identity
        below["auth"] = passed
        below["safeconduct.extend"] = detector.extend
        if cookies and self._hides_cookies and rest is not line:
            hide_cookies(below, self._gate.hidden_cookies, line if cookies == 1 else None, rest)
        # Only a browser that navigates is led to our endpoints, and that sends no `Authorization`.
        if not credentials and (MOUNT not in below or below[MOUNT][0] is not passed.owner):
            below[MOUNT] = passed.owner, route[2]
        before = PASSED.set(passed)
        try:
            await self.app(below, receive, detector.send)
        except Exception as error:  # noqa: BLE001 - errors that are not ours are raised again
            await self._fail(error, scope, send, detector.connection)
        finally:
            PASSED.reset(before)
            if detector.connection is not None:
                await detector.connection.release()

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _Handshake(self.app, self._gate, readable_again(scope), receive, send).serve()
        elif scope["type"] == "lifespan":
            self._gate.begin()
            await self._serve_lifespan(scope, receive, send)
        else:
            raise RuntimeError(f"safeconduct cannot judge a connection of type {scope['type']!r}")

    async def _confirm(self, recalled: Recalled | None, scope: Scope, receive: Receive, send: Send) -> Passed | None:
        """Ask about what was *recalled*, or take the slow path; answer, and return None, if the request ends here."""
        gate = self._gate
        # What an outer middleware asked is not asked again, which the slow path knows.
        if recalled is not None and gate.outer_passed(scope) is None and _runs_on_asyncio():
            decision = await gate.confirm(recalled)
            if isinstance(decision, Passed):
                return decision
            if decision is not None:
                await self._refuse(decision.error, scope, send)
                return None
        return await self._judge(scope, receive, send)

    async def _judge(self, scope: Scope, receive: Receive, send: Send) -> Passed | None:
        """Take the slow path; answer, and return None, if the request ends here."""
        gate, request = self._gate, read_scope(scope)
        if not _runs_on_asyncio():
            await self._refuse(gate.unsupported(_UNSUPPORTED_LOOP).error, scope, send)
            return None
        outer = gate.outer_passed(scope)
        if outer is None and gate.owns(request):
            reply = await gate.serve(request, body_of(receive), scope.get("query_string", b""))
            await _reply(send, reply, request.method)
            return None
        decision = await gate.decide(request, outer)
        if isinstance(decision, Refused):
            await self._refuse(decision.error, scope, send)
            return None
        watch = gate.watch(decision, request) if gate.has_long_lived and gate.watches(request) else None
        if watch is None:
            return decision
        await self._serve_long_lived(watch, decision, scope, receive, send)
        return None

    def _watch_stream(self, passed: Passed, scope: Scope, send: Send) -> WatchedConnection | None:
        watch = self._gate.watch(passed, read_scope(scope))
        if watch is None:
            return None
        through = as_private(send) if passed.is_by_cookie else send
        return WatchedResponse(self._gate, watch, through, outer=outer_extend(self._gate, scope)).connection

    async def _serve_long_lived(self, watch: Watch, passed: Passed, scope: Scope, receive: Receive, send: Send) -> None:
        # Imported here because it loads asyncio.
        from safeconduct._connections.monitor import serve_long_lived  # noqa: PLC0415 - see above

        through = as_private(send) if passed.is_by_cookie else send
        refuse, outer = partial(self._refuse, scope=scope, send=send), outer_extend(self._gate, scope)
        connection = WatchedResponse(self._gate, watch, through, outer=outer, refuse=refuse).connection
        below = _below(self._gate, scope, passed) | {"safeconduct.extend": connection.extend}
        before = PASSED.set(passed)
        try:
            await serve_long_lived(connection, self.app, below, receive)
        except Exception as error:  # noqa: BLE001 - errors that are not ours are raised again
            await self._fail(error, scope, send, connection)
        finally:
            PASSED.reset(before)
            await connection.release()

    async def _fail(self, error: Exception, scope: Scope, send: Send, connection: WatchedConnection | None) -> None:
        """Answer what ``requires`` or ``principal`` raised; raise any other error that does not follow from a cut."""
        if connection is not None and connection.explains(error):
            return
        if not isinstance(error, AuthError):
            raise error
        # If the response has begun, the server refuses a second start.
        if connection is None:
            await self._refuse(error, scope, send)
        else:
            await connection.finish(error)

    async def _refuse(self, error: AuthError, scope: Scope, send: Send) -> None:
        await _reply(send, self._gate.answer(error, read_scope(scope)), scope["method"])

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self._gate
        if not _runs_on_asyncio():
            gate.unsupported(_UNSUPPORTED_LOOP)
            await receive()
            await send({"type": "lifespan.startup.failed", "message": _UNSUPPORTED_LOOP})
            return

        async def send_and_close(message: Message) -> None:
            await send(message)
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await gate.release()

        await self.app(scope, receive, send_and_close)


class _Handshake:
    """Judge one WebSocket before it is accepted, and close it with a code if the application refuses it later."""

    def __init__(self, app: App, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_accepted = False
        self._echoes_bearer = False

    async def serve(self) -> None:
        """Judge the handshake, and call the application if it passes."""
        request = read_scope(self._scope)
        if _runs_on_asyncio():
            decision = await self._gate.decide(request, self._gate.outer_passed(self._scope))
        else:
            decision = self._gate.unsupported(_UNSUPPORTED_LOOP)
        if isinstance(decision, Refused):
            await self._receive()
            await self._deny(decision.error, request)
            return
        scope = _below(self._gate, self._scope, decision)
        if decision.auth_type == "subprotocol":
            self._echoes_bearer = True
            scope.update(without_subprotocol_token(scope))
        watch = self._gate.watch(decision, request)
        before = PASSED.set(decision)
        try:
            if watch is None:
                await self._app(scope, self._receive, self._pass_on)
            else:
                await self._serve_watched(watch, scope)
        except AuthError as error:
            await self._deny(error, request)
        finally:
            PASSED.reset(before)

    async def _serve_watched(self, watch: Watch, scope: Scope) -> None:
        deny = partial(self._deny, request=watch.request)
        outer = outer_extend(self._gate, self._scope)
        socket = WatchedSocket(self._gate, watch, self._receive, self._pass_on, deny=deny, outer=outer)
        connection = socket.connection
        try:
            await self._app({**scope, "safeconduct.extend": connection.extend}, socket.receive, connection.send)
        except AuthError as error:
            await connection.finish(error)
        except Exception as error:
            if not connection.explains(error):
                raise
        finally:
            await connection.release()

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self._is_accepted = True
            if self._echoes_bearer and not message.get("subprotocol"):
                # A browser that offered subprotocols fails the handshake if none is chosen (RFC 6455 §4.1).
                message = {**message, "subprotocol": "bearer"}
        await self._send(message)

    async def _deny(self, error: AuthError, request: Request) -> None:
        send, reply = self._send, self._gate.answer(error, request)
        if not self._is_accepted and "websocket.http.response" in (self._scope.get("extensions") or {}):
            await send({"type": "websocket.http.response.start", "status": reply.status, "headers": [*reply.fields]})
            await send({"type": "websocket.http.response.body", "body": reply.body})
            return
        await send({"type": "websocket.close", "code": close_code(error), "reason": ""})


def _runs_on_asyncio() -> bool:
    """Say whether an event loop of asyncio runs here; if asyncio was never loaded, none does."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - documented for loops


def _below(gate: Gate, scope: Scope, passed: Passed) -> dict[str, Any]:
    below = {**scope, "safeconduct": passed.identity, "user": passed.identity, "auth": passed}
    if gate.hidden_cookies:
        hide_cookies(below, gate.hidden_cookies)
    note_mount(below, passed.owner, scope.get("root_path", ""))
    return below


async def _reply(send: Send, reply: Reply, method: str) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.fields)})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body, "more_body": False})
