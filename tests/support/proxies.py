"""Proxies in front of a server: one that never answers, one that delays and counts, one that leaves links half-open."""

import contextlib
import socket
import threading


class Proxy:
    """Pass bytes on to *port*, one thread each way; *gate* holds replies back until it is set."""

    def __init__(self, port):
        self._target = port
        self.gate = threading.Event()
        self.gate.set()
        self.is_black_hole = False
        self.connections = 0
        self._strands = []
        self._plugs = []
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
        """Leave every connection half-open, as a host does that goes away without a word; new ones are served."""
        for strand in self._strands:
            strand.set()

    def cut(self):
        """End every connection now."""
        for plug in self._plugs:
            _shut(plug)

    def stop(self):
        self.gate.set()
        _shut(self._listener)
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for plug in [*self._plugs, self._listener]:
            plug.close()

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
            self._plugs.append(client)
            if self.is_black_hole:
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._plugs.append(server)
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
    _shut(sink)


def _shut(plug):
    with contextlib.suppress(OSError):
        plug.shutdown(socket.SHUT_RDWR)
