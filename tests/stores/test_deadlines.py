"""Cover everything that a request asks of the store by one deadline."""

import asyncio
import socket
import threading
from types import SimpleNamespace

import pytest

from faulty_connections import SlowConnections
from safeconduct._core.budget import within_one_budget
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.stores.redis import connection_sync
from safeconduct.stores.redis.connection_sync import DeadlineSocket, seconds_until
from safeconduct.testing.store_contract.revocations import TOKEN, question
from store_servers import free_port

ADDRESSES = 6
ENDS_TOKEN = Revocation("token", TOKEN, (0,), 1 << 50)


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


async def wire_of(store):
    return store._clients.client()


@pytest.fixture
def slow(monkeypatch):
    return SlowConnections(monkeypatch)


@pytest.fixture
def world(enter, open_stores, server, slow):
    """Return a store with the usual deadline whose every command takes 100 ms."""
    world = enter(open_stores(server.url, deadline_ms=250))
    slow.around(world.run(wire_of(world.store)))
    begin(world)
    world.run(world.store.ask(question()))
    slow.takes_seconds = 0.1
    slow.granted.clear()
    return world


def test_e10_the_commands_of_a_request_share_one_deadline(world, slow):
    """Each step has the time that the earlier ones left, and the last is given up at the deadline."""

    @within_one_budget
    async def request():
        for _ in range(3):
            await world.store.ask(question())

    began = slow.now
    with pytest.raises(Unavailable, match="TimeoutError"):
        world.run(request())

    assert [0.25, 0.15, 0.05] == slow.granted
    assert 0.25 == pytest.approx(slow.now - began)


def test_e10_a_request_past_its_deadline_sends_no_command(world, slow):
    """A step without any time left is 503 at once, and the server is not blamed."""

    @within_one_budget
    async def request():
        with pytest.raises(Unavailable, match="TimeoutError"):
            await world.store.ask(question())
        await world.store.ask(question())

    slow.takes_seconds = 0.3
    with pytest.raises(Unavailable, match="took all of the store's deadline"):
        world.run(request())

    assert [0.25] == slow.granted


def test_e10_every_request_has_its_whole_deadline(world, slow):
    """A request has its full time, also after one that failed."""

    @within_one_budget
    async def request():
        await world.store.ask(question())
        await world.store.ask(question())
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            world.run(request())
    world.run(world.store.ask(question()))

    assert [0.25, 0.15] * 3 + [0.25] == slow.granted


def test_e10_what_happens_between_the_questions_costs_nothing(world, slow):
    """The time to hash a password is not counted."""

    @within_one_budget
    async def request():
        await world.store.ask(question())
        slow.now += 5
        await world.store.ask(question())

    world.run(request())

    assert [0.25, 0.15] == slow.granted


def test_e10_the_disk_is_waited_for_outside_of_the_deadline(enter, open_stores, fresh_server, slow):
    """After a revocation a request has the time that the revocation's command left."""
    fresh_server.keep_changes("always")
    world = enter(open_stores(fresh_server.url, deadline_ms=250))
    slow.around(world.run(wire_of(world.store)))
    begin(world)
    world.run(world.store.ask(question()))
    world.run(world.store.revoke(0, ENDS_TOKEN))
    slow.takes_seconds = 0.1
    slow.granted.clear()

    @within_one_budget
    async def request():
        await world.store.revoke(0, ENDS_TOKEN)
        await world.store.ask(question())

    world.run(request())

    first, disk, after = slow.granted
    assert (0.25, 0.15) == (first, after)
    assert disk > 1


def test_e10_a_step_within_a_request_has_no_deadline_of_its_own(world, slow):
    @within_one_budget
    async def step():
        await world.store.ask(question())

    @within_one_budget
    async def request():
        await step()
        await step()

    world.run(request())

    assert [0.25, 0.15] == slow.granted


def test_e10_what_outlives_its_request_has_deadlines_of_its_own(open_stores, server, slow):
    """A background task copies the request's context, but has a deadline of its own."""
    store = open_stores(server.url, deadline_ms=250).native()

    async def later(over):
        await over.wait()
        await within_one_budget(store.ask)(question())
        await store.ask(question())

    @within_one_budget
    async def request(over):
        await store.ask(question())
        return asyncio.create_task(later(over))

    async def scenario():
        slow.around(await wire_of(store))
        await store.begin_epoch(0, reason="new", seen=None)
        await store.ask(question())
        slow.takes_seconds = 0.2
        slow.granted.clear()
        over = asyncio.Event()
        task = await request(over)
        over.set()
        await task

    asyncio.run(scenario())

    assert [0.25] * 3 == slow.granted


def test_e10_requests_at_the_same_time_do_not_share_a_deadline(open_stores, server, slow):
    """Two tasks of one loop each have their full deadline."""
    store = open_stores(server.url, deadline_ms=250).native()

    @within_one_budget
    async def request():
        await store.ask(question())

    async def scenario():
        slow.around(await wire_of(store))
        await store.begin_epoch(0, reason="new", seen=None)
        await store.ask(question())
        slow.granted.clear()
        await asyncio.gather(request(), request())

    asyncio.run(scenario())

    assert 0.25 in slow.granted
    assert all(seconds == pytest.approx(0.25) for seconds in slow.granted)


class Clock:
    """A monotonic clock that advances with each reading."""

    def __init__(self, monkeypatch, *, step):
        self.now, self._step = 1000.0, step
        monkeypatch.setattr(connection_sync, "time", SimpleNamespace(monotonic=self.read))

    def read(self):
        self.now += self._step
        return self.now


def drip(listener):
    """Answer byte by byte without ever finishing; give up after many."""
    sock, _ = listener.accept()
    with sock:
        sock.recv(1 << 16)
        try:
            sock.sendall(b"+")
            for _ in range(100_000):
                sock.sendall(b"a")
        except OSError:
            return


def test_e9_a_reply_that_drips_ends_with_the_deadline(open_stores, monkeypatch):
    """This holds however many bytes arrive in time."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=drip, args=(listener,))
    thread.start()
    store = open_stores(f"redis://127.0.0.1:{listener.getsockname()[1]}", deadline_ms=20_000).blocking()
    Clock(monkeypatch, step=0.5)

    with pytest.raises(Unavailable, match="TimeoutError"):
        run_sync(store.ask(question()))
    thread.join()
    listener.close()


def test_e9_every_step_has_what_the_others_left():
    """The timeout is the rest of the deadline, after which nothing is left."""
    here, there = socket.socketpair()
    sock = DeadlineSocket(here, ends_at=0.0)
    sock.settimeout(5)

    for step in (lambda: sock.recv(1), lambda: sock.sendall(b"x")):
        with pytest.raises(TimeoutError):
            step()
    here.close()
    there.close()


class SilentSockets:
    """Sockets whose addresses do not answer, except *alive*; connecting takes the whole timeout."""

    AF_UNIX, AF_INET, SOCK_STREAM = socket.AF_UNIX, socket.AF_INET, socket.SOCK_STREAM
    IPPROTO_TCP, TCP_NODELAY = socket.IPPROTO_TCP, socket.TCP_NODELAY
    SOL_SOCKET, SO_KEEPALIVE = socket.SOL_SOCKET, socket.SO_KEEPALIVE

    def __init__(self, monkeypatch, places, alive=None):
        self.waits, self.clock = [], Clock(monkeypatch, step=0)
        self._addresses, self._alive = places, alive
        monkeypatch.setattr(connection_sync, "socket", self)

    def getaddrinfo(self, *_arguments, **_options):
        return [(self.AF_INET, self.SOCK_STREAM, 0, "", address) for address in self._addresses]

    def socket(self, *kind):
        return _Silent(socket.socket(*kind), self, self._alive)


class _Silent:
    def __init__(self, sock, sockets, alive):
        self._socket, self._sockets, self._alive = sock, sockets, alive

    def settimeout(self, seconds):
        self._seconds = seconds
        self._socket.settimeout(20)

    def connect(self, address):
        if address == self._alive:
            self._socket.connect(address)
            return
        self._sockets.waits.append(round(self._seconds, 6))
        self._sockets.clock.now += self._seconds
        raise TimeoutError

    def __getattr__(self, name):
        return getattr(self._socket, name)


def test_e9_all_addresses_of_a_host_share_the_deadline(open_stores, monkeypatch):
    """Six silent addresses take as long as one."""
    sockets = SilentSockets(monkeypatch, [("127.0.0.1", free_port())] * ADDRESSES)
    store = open_stores("redis://store.example", deadline_ms=6000).blocking()

    with pytest.raises(Unavailable, match="TimeoutError"):
        run_sync(store.ask(question()))

    assert ADDRESSES == len(sockets.waits)
    assert sum(sockets.waits) == pytest.approx(6, abs=0.01)


def test_e9_a_silent_address_leaves_time_for_the_next_one(open_stores, monkeypatch, server):
    alive = ("127.0.0.1", server.port)
    sockets = SilentSockets(monkeypatch, [("127.0.0.1", free_port()), alive], alive)
    store = open_stores("redis://store.example", deadline_ms=20_000).blocking()

    answer = run_sync(store.ask(question()))

    assert answer.is_empty
    assert 1 == len(sockets.waits)
    run_sync(store.close())


def test_e9_a_host_without_an_address_is_unavailable(open_stores, monkeypatch):
    SilentSockets(monkeypatch, [])

    with pytest.raises(Unavailable, match="ConnectionError"):
        run_sync(open_stores("redis://store.example").blocking().ask(question()))


def test_e9_no_time_is_left_after_the_deadline():
    """Zero would make a socket non-blocking, and a negative timeout is an error."""
    with pytest.raises(TimeoutError):
        seconds_until(0.0)
