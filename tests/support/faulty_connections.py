"""Faults between a store and its server: proxies that delay or cut, refusing servers, slow connections."""

import contextlib
import re
import socket
import threading
from types import SimpleNamespace

from safeconduct.stores.redis import client
from safeconduct.stores.redis.connection import ConnectionBroken


class Proxy:
    """Forward bytes to *port*, with one thread each way; *gate* delays replies until it is set."""

    def __init__(self, port):
        self._target = port
        self.gate = threading.Event()
        self.gate.set()
        self.is_black_hole = False
        self.connections = 0
        self._strands = []
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [self._spawn(self._accept)]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def open_clients(self):
        """Wait until every client has closed its connection, and return those that did not within ten seconds."""
        for thread in self._threads[1:]:
            thread.join(10)
        return [thread for thread in self._threads[1:] if thread.is_alive()]

    def strand(self):
        """Leave every connection half-open, as after a silent crash of the host; new ones work."""
        for strand in self._strands:
            strand.set()

    def cut(self):
        """End every connection now."""
        for sock in self._sockets:
            _shut_down(sock)

    def stop(self):
        self.gate.set()
        _shut_down(self._listener)
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for sock in [*self._sockets, self._listener]:
            sock.close()

    def _spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(client)
            if self.is_black_hole:
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets.append(server)
            strand = threading.Event()
            self._strands.append(strand)
            self._threads += [
                self._spawn(_pump, client, server, None, strand),
                self._spawn(_pump, server, client, self.gate, strand),
            ]


def _pump(source, sink, gate, strand):
    try:
        while octets := source.recv(1 << 16):
            if gate is not None:
                gate.wait()
            if not strand.is_set():
                sink.sendall(octets)
    except OSError:
        pass
    _shut_down(sink)


def _shut_down(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class RefusingServer:
    """Answer every command with *error*."""

    def __init__(self, error):
        self.error = error
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [self._spawn(self._accept)]

    def stop(self):
        for sock in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in [*self._sockets, self._listener]:
            sock.close()

    def _spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            self._threads.append(self._spawn(self._refuse, sock))

    def _refuse(self, sock):
        try:
            # Our commands are short, except for the text of a script after NOSCRIPT.
            while octets := sock.recv(1 << 16):
                sock.sendall(f"-{self.error}\r\n".encode() * len(re.findall(rb"(?:^|\r\n)\*\d+\r\n", octets)))
        except OSError:
            return


class SlowConnections:
    """Wrap the real connections of a store, so that time passes only during commands."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.takes_seconds = 0.0
        #: The rest of the deadline at each exchange.
        self.granted = []
        monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: self.now))

    def around(self, wire_in_use):
        pool = wire_in_use._pool
        open_link = pool._new_connection
        pool._new_connection = lambda: _SlowConnection(open_link(), self)


class _SlowConnection:
    def __init__(self, link, times):
        self._link, self._times = link, times

    async def open(self, _seconds):
        await self._link.open(60)

    async def exchange(self, commands, seconds):
        times = self._times
        times.granted.append(round(seconds, 3))
        if times.takes_seconds > seconds:
            times.now += seconds
            raise ConnectionBroken("TimeoutError", is_final=True)
        times.now += times.takes_seconds
        return await self._link.exchange(commands, 60)

    def drop(self):
        self._link.drop()
