"""Leave nothing half-done when clients go away, and mix up nothing between the loops and threads of one ``Auth``."""

import asyncio
import json
import random
import socket
import struct
import threading
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
import uvicorn

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import wsgi_application
from login_site import LoginClient
from proxied_site import sockets_to, until
from safeconduct.stores.redis.health import OPEN_SECONDS
from web_servers import raw_request, read_response

ABORTED = 40
OUTAGES = 8


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_words):
        """Say nothing."""


class _Threaded(ThreadingMixIn, WSGIServer):
    # Each request is waited for when the server is closed.
    daemon_threads = False
    request_queue_size = 128

    def handle_error(self, _request, _address):
        """Say nothing of clients that went away."""


def _over_tls(site):
    """Return the application as behind a proxy that ends TLS."""

    async def asgi(scope, receive, send):
        await site.application({**scope, "scheme": "https"}, receive, send)

    def wsgi(environ, start_response):
        return site.application({**environ, "wsgi.url_scheme": "https"}, start_response)

    return asgi if site.world == "asgi" else wsgi


@contextmanager
def serving(site):
    """Serve the application on a real socket, and return its address."""
    if site.world == "asgi":
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(_over_tls(site), lifespan="off", log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()
            listener.close()
        return
    with _Threaded(("127.0.0.1", 0), _Quiet) as server:
        server.set_app(_over_tls(site))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            thread.join()


def rotation(token):
    headers = (("host", b"app.example"), ("content-type", b"application/json"))
    return raw_request(
        SentRequest("POST", "/auth/refresh", headers, "https", json.dumps({"refresh_token": token}).encode())
    )


def look(login):
    headers = (("host", b"app.example"), ("authorization", b"Bearer " + login.access.encode()))
    return raw_request(SentRequest("GET", "/me", headers, "https"))


def send(address, octets):
    with socket.create_connection(address) as sock:
        sock.sendall(octets)
        return read_response(sock)


def abort(address, octets, *, with_reset):
    with socket.create_connection(address) as sock:
        sock.sendall(octets)
        if with_reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a11_clients_that_go_away_leave_nothing_half_done(site, proxy, other, note):
    """A rotation whose reply nobody read is repeated with the same token, and no connection is left."""
    chance, client, valid = random.Random(11), LoginClient(site), other.sign_in("bob")  # noqa: S311 - a seeded sample
    assert 200 == client.get_tokens(remember=True)
    token = client.tokens["refresh_token"]
    proxy.latency_seconds = 0.003

    with serving(site) as address:
        for number in range(ABORTED):
            octets = rotation(token) if number % 2 else look(valid)
            # Half of them are sent whole, and aborted while the store is asked.
            sent = len(octets) if chance.random() < 0.5 else chance.randrange(len(octets))
            abort(address, octets[:sent], with_reset=chance.random() < 0.5)
            if number % 10 == 9:
                response = send(address, rotation(token))
                assert 200 == response.status
                token = json.loads(response.body)["refresh_token"]
        assert 200 == send(address, look(valid)).status
        assert sockets_to(proxy.port) <= 2 * 4 + 1

    note(f"{ABORTED} requests aborted")
    [_] = other.auth.sessions.list("alice")
    assert 200 == client.refresh(token)


class Worker:
    """A loop or a thread that asks about the same tokens again and again, and notes every status."""

    def __init__(self, site, world, logins):
        self._site, self._logins = site, logins
        self.statuses = {login: [] for login in logins}
        self._is_over = threading.Event()
        if world == "asgi":
            self._application, self._ask = site.application, self._ask_in_loop
        else:
            self._application, self._ask = site._wsgi(site.auth.wsgi(wsgi_application)), self._ask_in_thread
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def has_been_served_since(self, count):
        """Say whether a valid token has passed after *count* requests."""
        return 200 in next(iter(self.statuses.values()))[count:]

    def count(self):
        """Return how often each token was asked about."""
        return len(next(iter(self.statuses.values())))

    def stop(self):
        self._is_over.set()
        self._thread.join()

    def _ask_in_loop(self):
        asyncio.run(self._ask_tasks())

    async def _ask_tasks(self):
        while not self._is_over.is_set():
            calls = [call_asgi(self._application, asgi_scope(_request(login))) for login in self._logins]
            self._note(await asyncio.gather(*calls))

    def _ask_in_thread(self):
        while not self._is_over.is_set():
            self._note([call_wsgi(self._application, wsgi_environ(_request(login))) for login in self._logins])

    def _note(self, responses):
        for login, response in zip(self._logins, responses, strict=True):
            assert response.status != 200 or login.subject == response.report["who"]
            self.statuses[login].append(response.status)
        self._is_over.wait(0.002)


def _request(login):
    headers = (("host", b"app.example"), ("authorization", b"Bearer " + login.access.encode()))
    return SentRequest("GET", "/me", headers, "https")


@pytest.mark.parametrize("world", ["asgi"])
def test_one_auth_in_many_loops_and_threads_survives_cuts(open_site, proxy, other, note):
    """Two loops and two threads share it while the store is cut, swallowed and healed."""
    site, valid, ended = open_site(proxy.url), other.sign_in("alice"), other.sign_in("bob")
    assert [200, 200] == [site.ask(valid), site.ask(ended)]
    other.end(ended)
    until(lambda: site.ask(ended) == 401)
    # Before the view is loaded, "serve" knows of no revocation.
    site.wait_for_view()
    workers = [Worker(site, world, [valid, ended]) for world in ("asgi", "wsgi") * 2]
    site.deadline_seconds = 0.1

    for number in range(OUTAGES):
        (proxy.refuse, proxy.swallow, proxy.strand, proxy.cut)[number % 4]()
        site.let_view_age()
        before = [worker.count() for worker in workers]
        until(lambda before=before: all(w.count() > count for w, count in zip(workers, before, strict=True)))
        proxy.heal()
        before = [worker.count() for worker in workers]
        for worker, count in zip(workers, before, strict=True):
            until(lambda worker=worker, count=count: _is_back(site, worker, count))
    for worker in workers:
        worker.stop()

    note(f"{sum(worker.count() for worker in workers)} rounds in 2 loops and 2 threads")
    assert {200} <= {status for worker in workers for status in worker.statuses[valid]} <= {200, 503}
    assert {status for worker in workers for status in worker.statuses[ended]} <= {401, 503}
    site.deadline_seconds = 20.0
    site.recover(valid)
    assert 401 == site.ask(ended)
    assert sockets_to(proxy.port) <= 3 * 4 + 1


def _is_back(site, worker, count):
    site.ticks.advance(seconds=OPEN_SECONDS)
    return worker.has_been_served_since(count)
