"""Faults between a store and its server: proxies that delay or cut, refusing servers, slow connections."""

import contextlib
import ctypes
import re
import socket
import struct
import threading
from types import SimpleNamespace

from safeconduct.stores.redis import calls, client
from safeconduct.stores.redis.connection import ConnectionBroken


class _Listener:
    """A TCP listener that calls *serve* with every connection, in a thread; it closes all sockets at the end."""

    def __init__(self, serve):
        self._serve = serve
        self.sockets = []
        self.port = 0
        self.threads = []
        self.open()

    def open(self):
        """Accept connections, again on the same port if it was closed."""
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self):
        """Refuse new connections."""
        _shut_down(self._socket)
        self._accepting.join(10)
        self._socket.close()

    def spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)

    def cut(self):
        """End every connection now."""
        for sock in self.sockets:
            _shut_down(sock)

    def stop(self):
        self.close()
        self.cut()
        for thread in self.threads:
            thread.join(10)
        for sock in self.sockets:
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
    """
    Forward bytes to *port*, with one thread each way, and do to replies what a bad network does.

    Attributes:
        gate: Replies wait until it is set.
        is_black_hole: Whether new connections are accepted and then ignored.
        latency_seconds: How long each reply takes longer.
        drip_seconds: How long each byte of a reply takes; 0 sends replies as they are.
        resets_after: After how many bytes the next reply, or each, ends in a reset; None for never.
        resets_once: Whether only the next reply is reset.
        refuses_with: The error that is the reply to every command; None for the server's replies.
        closes_slowly: Whether the client learns only after ``heal`` that the server closed a connection.
        connections: How many were accepted.
    """

    def __init__(self, port):
        self._target = port
        self.gate = threading.Event()
        self.gate.set()
        self.connections = 0
        self._strands = []
        self._healed = threading.Event()
        self._listener = None
        self._are_faults_over()
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

    def swallow(self):
        """Become a black hole for old and new connections."""
        self.is_black_hole = True
        self.strand()

    def refuse(self):
        """Refuse new connections and end the others."""
        self._is_refusing = True
        self._listener.close()
        self.cut()

    def heal(self):
        """End every fault; connections that were left half-open are cut."""
        self._healed.set()
        self._healed = threading.Event()
        if self._is_refusing:
            self._listener.open()
        self._are_faults_over()
        if any(strand.is_set() for strand in self._strands):
            self.cut()

    def stop(self):
        self.gate.set()
        self._healed.set()
        if self._is_refusing:
            self._listener.open()
        self._listener.stop()

    def _are_faults_over(self):
        self.is_black_hole = self._is_refusing = self.closes_slowly = self.resets_once = False
        self.latency_seconds = self.drip_seconds = 0
        self.resets_after = self.refuses_with = None
        self.gate.set()

    def _forward(self, sock):
        self.connections += 1
        if self.is_black_hole:
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            # Where the server is down, nothing listens.
            _reset(sock)
            return
        self._listener.sockets.append(server)
        strand = threading.Event()
        self._strands.append(strand)
        self._listener.spawn(self._pump, sock, server, strand, None)
        self._listener.spawn(self._pump, server, sock, strand, self._reply)

    def _pump(self, source, sink, strand, send):
        try:
            while octets := source.recv(1 << 16):
                if send is None and self.refuses_with is not None:
                    source.sendall(refusals(self.refuses_with, octets))
                elif send is None and not strand.is_set():
                    sink.sendall(octets)
                elif send is not None and not send(sink, octets, strand):
                    _shut_down(source)
                    return
        except OSError:
            pass
        if send is not None and self.closes_slowly:
            self._healed.wait()
        _shut_down(sink)

    def _reply(self, sink, octets, strand):
        """Send a part of a reply; False if the connection was reset instead."""
        self.gate.wait()
        if self.latency_seconds:
            self._healed.wait(self.latency_seconds)
        if strand.is_set():
            return True
        if self.resets_after is not None:
            sink.sendall(octets[: self.resets_after])
            if self.resets_once:
                self.resets_after = None
            _reset(sink)
            return False
        if self.drip_seconds:
            for octet in octets:
                sink.sendall(bytes([octet]))
                self._healed.wait(self.drip_seconds)
        else:
            sink.sendall(octets)
        return True


def _reset(sock):
    """End a connection by a reset; its descriptor stays open, because another thread may be reading from it."""
    # Python cannot connect a socket to nothing, which is how Linux resets one that is shared.
    ctypes.CDLL(None).connect(sock.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)


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
                sock.sendall(refusals(self.error, octets))


def refusals(error, octets):
    """Return *error* as the reply to each command that begins in *octets*."""
    return f"-{error}\r\n".encode() * len(re.findall(rb"(?:^|\r\n)\*\d+\r\n", octets))


class SlowConnections:
    """Wrap the real connections of a store, so that time passes only during commands."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.takes_seconds = 0.0
        #: The rest of the deadline at each exchange.
        self.granted = []
        for module in (client, calls):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))

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
