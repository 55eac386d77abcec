"""A server that answers every command with one error, for those which no real one can be brought to give at will."""

import contextlib
import re
import socket
import threading


class Refusing:
    """Refuse whatever comes with *error*, a line of the server's own words."""

    def __init__(self, error):
        self.error = error
        self._plugs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [self._spawn(self._accept)]

    def stop(self):
        for plug in [self._listener, *self._plugs]:
            with contextlib.suppress(OSError):
                plug.shutdown(socket.SHUT_RDWR)
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
                plug, _ = self._listener.accept()
            except OSError:
                return
            self._plugs.append(plug)
            self._threads.append(self._spawn(self._refuse, plug))

    def _refuse(self, plug):
        try:
            # A command of ours is short but for a script's text, which only NOSCRIPT asks for.
            while octets := plug.recv(1 << 16):
                plug.sendall(f"-{self.error}\r\n".encode() * len(re.findall(rb"(?:^|\r\n)\*\d+\r\n", octets)))
        except OSError:
            return
