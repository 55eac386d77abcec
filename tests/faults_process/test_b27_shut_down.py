"""Shut a server down while it answers requests (fault 27)."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

import pytest

from worker_processes import ServedWorkers, children_of, connections_of, fresh, wait_for

HELD = 3
WAYS = {
    "uvicorn": {"workers": 1},
    "gunicorn sync": {"workers": HELD, "PRELOAD": "1"},
    "gunicorn gthread": {"workers": 1, "THREADS": "8"},
}


@pytest.fixture
def waiting_point(tmp_path):
    """Return a socket at which requests to ``/held`` arrive, and wait until their connection is closed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "held"))
        listener.listen()
        listener.settimeout(60)
        yield listener


@pytest.mark.parametrize("kind", WAYS)
def test_b27_requests_in_flight_are_answered_and_the_process_ends(kind, auth, valkey, consistency, waiting_point):
    """They still use the store; then the workers are gone, with their followers and their connections."""
    served = ServedWorkers(
        kind, store_url=valkey.url, consistency=consistency, HELD_AT=waiting_point.getsockname(), **WAYS[kind]
    )
    names = [token_hex(8) for _ in range(HELD)]
    ended = [fresh(jti=jti) for jti in names]
    served.ask_all("/me", fresh())
    processes = {served.pid, *children_of(served.pid)}
    ports = {port for process in processes for port in connections_of(process, valkey.port)}

    with ThreadPoolExecutor(HELD) as clients:
        responses = [clients.submit(served.ask, f"/held?token={jti}", fresh()) for jti in names]
        arrived = [waiting_point.accept()[0] for _ in range(HELD)]
        os.kill(served.pid, signal.SIGTERM)
        for each in arrived:
            each.close()
        statuses = [response.result().status for response in responses]
    served.wait()

    assert [200] * HELD == statuses
    assert ports
    assert not any(Path(f"/proc/{process}").exists() for process in processes)
    wait_for(lambda: not any(f":{port} " in valkey.say("CLIENT", "LIST", "TYPE", "normal") for port in ports))
    for token in ended:
        with pytest.raises(Exception, match="revoked"):
            auth.verify(token)
    served.close()
