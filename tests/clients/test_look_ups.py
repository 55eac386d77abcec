"""Ask the application for a client: what is kept, what is shared, and what a failure of it does."""

import asyncio
import json
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from client_tokens import SECRET
from safeconduct import Client
from safeconduct._core.run_sync import run_sync
from safeconduct.directories import clients as module
from safeconduct.directories.async_clients import AwaitedClients, awaited
from safeconduct.directories.clients import BlockingClients
from safeconduct.errors import Unavailable

REPORTS = Client(client_id="reports", secret=SECRET, scopes=("read",))


class Functions:
    """Clients of one function."""

    def __init__(self, find):
        self.find = find


def key_file(path, key):
    """Write the public key of *key* as a JWK Set."""
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "alg": "ES256"}
    path.write_text(json.dumps({"keys": [jwk]}))


@pytest.mark.parametrize("place", ["configuration", "application"])
def test_a_key_file_is_read_again(make, tmp_path, place):
    """As ours is: what the removed key has signed is over, remembered or not, and the new key counts."""
    path, (old, new) = tmp_path / "reports.json", (generate_private_key(SECP256R1()) for _ in range(2))
    key_file(path, old)
    entry = Client(client_id="reports", keys=str(path))
    site = make(clients=[entry] if place == "configuration" else [], app_clients=Functions({"reports": entry}.get))
    tokens = [site.token(key=key, algorithm="ES256") for key in (old, new)]
    assert [site.status(token) for token in tokens * 2] == [200, 401] * 2

    key_file(path, new)
    run = run_sync if site.world == "wsgi" else site._runner.run
    parts = site.auth._wsgi if site.world == "wsgi" else site.auth._asgi
    run(parts.clients.find("reports")).keys.reload()
    site.clock.advance(seconds=1)

    assert [site.status(token) for token in tokens * 2] == [401, 200] * 2


def test_what_counts_once_needs_a_store(make):
    """The configuration says so of its own clients; of the application's it is known with the token."""
    entry = Client(client_id="reports", secret=SECRET, single_use=True)
    site = make(
        clients=[], app_clients=Functions({"reports": entry}.get), store="none", revocation={"consistency": "none"}
    )
    assert site.status(site.token(jti="a")) == 503


def test_who_waits_for_another_thread_does_not_wait_for_ever(monkeypatch):
    """503 after the deadline."""
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.01)
    began, end = threading.Event(), threading.Event()

    def find(_client_id):
        began.set()
        assert end.wait(30)
        return REPORTS

    clients, found = BlockingClients(Functions(find)), []
    thread = threading.Thread(target=lambda: found.append(run_sync(clients.find("reports", is_known=False))))
    thread.start()
    assert began.wait(30)
    with pytest.raises(Unavailable, match="in time"):
        run_sync(clients.find("reports", is_known=False))
    end.set()
    thread.join()
    assert found == [REPORTS]


def test_an_interrupt_is_no_answer():
    """It goes on where it came, and leaves no question open."""

    def interrupted(_client_id):
        raise KeyboardInterrupt

    clients = BlockingClients(Functions(interrupted))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_sync(clients.find("reports", is_known=False))
    assert not clients._flights


def test_a_request_that_is_cancelled_cancels_nobodys_question():
    """Another request waits for it too; a loop that ends ends it."""

    async def ask():
        began, go_on = asyncio.Event(), asyncio.Event()

        async def find(_client_id):
            began.set()
            await go_on.wait()
            return REPORTS

        clients = AwaitedClients(awaited(find))
        first, second = (asyncio.create_task(clients.find("reports", is_known=True)) for _ in range(2))
        await began.wait()
        first.cancel()
        go_on.set()
        assert await second == REPORTS
        go_on.clear()
        third = asyncio.create_task(clients.find("reports", is_known=True))
        await asyncio.sleep(0)
        [flight] = [task for flights in clients._flights.values() for task in flights.values()]
        flight.cancel()
        with pytest.raises(asyncio.CancelledError):
            await third
        assert not any(clients._flights.values())

    asyncio.run(ask())
