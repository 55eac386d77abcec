"""Faults between a store and its server: proxies that delay or cut, refusing servers, slow connections."""

import contextlib
import re
import socket
import threading
from types import SimpleNamespace

from safeconduct.stores.redis import client
from safeconduct.stores.redis.connection import ConnectionBroken


class _Listener:
    """A TCP listener that calls *serve* with every connection, in a thread; it closes all sockets at the end."""

    def __init__(self, serve):
        self._serve = serve
        self.sockets = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.threads = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)

    def cut(self):
        """End every connection now."""
        for sock in self.sockets:
            _shut_down(sock)

    def stop(self):
        _shut_down(self._socket)
        self.cut()
        for thread in [self._accepting, *self.threads]:
            thread.join(10)
        for sock in [*self.sockets, self._socket]:
            sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.sockets.append(sock)
            self._serve(sock)


class Proxy:
    """Forward bytes to *port*, with one thread each way; *gate* delays replies until it is set."""

    def __init__(self, port):
        self._target = port
        self.gate = threading.Event()
        self.gate.set()
        self.is_black_hole = False
        self.connections = 0
        self._strands = []
        self._listener = _Listener(self._forward)
        self.cut = self._listener.cut

    @property
    def url(self):
        return f"redis://127.0.0.1:{self._listener.port}"

    @property
    def port(self):
        return self._listener.port

    def open_clients(self):
        """Wait until every client has closed its connection, and return those that did not within ten seconds."""
        for thread in self._listener.threads:
            thread.join(10)
        return [thread for thread in self._listener.threads if thread.is_alive()]

    def strand(self):
        """Leave every connection half-open, as after a silent crash of the host; new ones work."""
        for strand in self._strands:
            strand.set()

    def stop(self):
        self.gate.set()
        self._listener.stop()

    def _forward(self, sock):
        self.connections += 1
        if self.is_black_hole:
            return
        server = socket.create_connection(("127.0.0.1", self._target))
        self._listener.sockets.append(server)
        strand = threading.Event()
        self._strands.append(strand)
        self._listener.spawn(_pump, sock, server, None, strand)
        self._listener.spawn(_pump, server, sock, self.gate, strand)


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
        self._listener = _Listener(lambda sock: self._listener.spawn(self._refuse, sock))
        self.stop = self._listener.stop

    @property
    def url(self):
        return f"redis://127.0.0.1:{self._listener.port}"

    def _refuse(self, sock):
        with contextlib.suppress(OSError):
            # Our commands are short, except for the text of a script after NOSCRIPT.
            while octets := sock.recv(1 << 16):
                sock.sendall(f"-{self.error}\r\n".encode() * len(re.findall(rb"(?:^|\r\n)\*\d+\r\n", octets)))


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
