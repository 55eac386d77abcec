"""Ask the worker processes of one served application, which are told apart by the field ``X-Process``."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from app_client import SentRequest
from table_tokens import mint
from web_servers import WebServer, raw_request

PATIENCE_SECONDS = 60
_AT_ONCE = 8


def fresh(subject="alice", **claims):
    """Mint a token that is younger than all earlier revocations, by the machine's clock."""
    iat_ms = int(time.time() * 1000) + 5
    return mint(subject, iat=iat_ms // 1000, iat_ms=iat_ms, exp=iat_ms // 1000 + 900, **{"jti": token_hex(8)} | claims)


def patiently(ask):
    """Yield what *ask* returns, again and again, until the patience of a test ends."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        yield ask()
        os.sched_yield()
    raise AssertionError("it never happened")


def wait_for(condition):
    """Wait until *condition* returns something true, and return it."""
    return next(result for result in patiently(condition) if result)


def children_of(pid):
    """Return the child processes of *pid* that run."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()}


def connections_of(pid, port):
    """Return the TCP connections to *port* that *pid* has open: the local port of each."""
    open_sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed meanwhile.
        with suppress(FileNotFoundError):
            open_sockets.add(str(descriptor.readlink()))
    rows = (line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:])
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if int(row[2].partition(":")[2], 16) == port and f"socket:[{row[9]}]" in open_sockets
    }


class ServedWorkers:
    """One application in several worker processes."""

    def __init__(self, kind, *, store_url, consistency, workers=4, module="served_processes", **environment):
        world = "asgi" if kind in {"gunicorn asgi", "uvicorn", "uvicorn workers"} else "wsgi"
        self.consistency, self.count = consistency, workers
        self._server = WebServer(
            kind, f"{module}:{world}", STORE_URL=store_url, CONSISTENCY=consistency, WORKERS=str(workers),
            **environment,
        )  # fmt: skip
        self._threads = ThreadPoolExecutor(_AT_ONCE)

    def ask(self, target="/me", token=None, *, method="GET", body=b"", **fields):
        """Send one request on a new connection, and return the response."""
        headers = [("host", b"app.example"), *((name, value.encode()) for name, value in fields.items())]
        headers += [("authorization", f"Bearer {token}".encode())] if token else []
        request = SentRequest(method, target, tuple(headers), "http", body)
        return self._server.say(raw_request(request), method=method)

    def ask_all(self, target="/me", token=None):
        """Send requests, many at once, until every worker has answered; return the last response of each."""
        answers = {}
        for some in patiently(lambda: list(self._threads.map(lambda _: self.ask(target, token), range(_AT_ONCE)))):
            answers |= {process_of(each): each for each in some}
            if len(answers) >= self.count:
                return answers
        raise AssertionError("unreachable")

    def statuses(self, token):
        """Return the status that each worker gives to a token."""
        return {process: response.status for process, response in self.ask_all("/me", token).items()}

    def connect(self):
        """Open a connection that a test keeps."""
        return self._server.connect()

    def wait(self):
        """Wait until the server has ended by itself."""
        self._server.wait()

    def close(self):
        """End the server."""
        self._threads.shutdown()
        self._server.close()

    @property
    def pid(self):
        """The process that was started: the parent of the workers, or the only worker."""
        return self._server._process.pid


def process_of(response):
    """Return the process that sent a response."""
    [process] = response.values("x-process")
    return int(process)


def report_of(response):
    """Return what the application reported."""
    return json.loads(response.body)
