"""Proxies in front of a server: one that never answers, one that delays and counts."""

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
        self._plugs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [self._spawn(self._accept)]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

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
            self._threads += [self._spawn(_pump, client, server, None), self._spawn(_pump, server, client, self.gate)]


def _pump(source, sink, gate):
    try:
        while octets := source.recv(1 << 16):
            if gate is not None:
                gate.wait()
            sink.sendall(octets)
    except OSError:
        pass
    _shut(sink)


def _shut(plug):
    with contextlib.suppress(OSError):
        plug.shutdown(socket.SHUT_RDWR)
