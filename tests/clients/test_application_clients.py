"""Clients that the application knows: ``Auth(clients=…)``, in both worlds."""

import asyncio
import logging
import threading

import pytest

from client_tokens import OTHER_SECRET, SECRET, ClientSite
from safeconduct import Auth, Client, Config, ConfigurationError
from safeconduct._core import client_registry
from table_tokens import AUDIENCE, ISSUER


class Table:
    """Clients in a table that counts its look-ups."""

    def __init__(self, *clients):
        self.rows = {client.client_id: client for client in clients}
        self.asked, self.answer = [], None

    def find(self, client_id):
        self.asked.append(client_id)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer or self.rows.get(client_id)


class AsyncTable(Table):
    """The same, awaitable."""

    find = None

    async def afind(self, client_id):
        await asyncio.sleep(0)
        return Table.find(self, client_id)


def reports(**fields):
    return Client(**{"client_id": "reports", "secret": SECRET, "scopes": ("read",), **fields})


@pytest.fixture(params=["find", "afind"])
def table(request, world):
    if request.param == "afind" and world == "wsgi":
        pytest.skip("WSGI has no loop")
    return (Table if request.param == "find" else AsyncTable)(reports())


@pytest.fixture
def site(make, table):
    return make(app_clients=table, clients=[], access={"rules": [{"path": "/read", "scopes": ["read"]}]})


def test_a_client_is_asked_for_once_in_a_while(site, table):
    """Any number of its tokens costs one look-up in ``staleness_seconds``."""
    assert {site.status(site.token(extra=number)) for number in range(20)} == {200}
    assert table.asked == ["reports"]
    site.clock.advance(seconds=1)
    assert {site.status(site.token(extra=number)) for number in range(20)} == {200}
    assert table.asked == ["reports"] * 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (None, 401),
        ({"scopes": ("list",)}, 403),
        ({"secret": OTHER_SECRET}, 401),
        ({"secret": None, "keys": {"keys": []}}, 503),
        ({"grants": ("client_credentials",)}, 401),
        ({"secret": "sha256:" + "0" * 64, "grants": ("client_credentials",)}, 401),
        ({"secret": "sixteen bytes ok"}, 503),
        ({"secret": "env:SAFECONDUCT_NO_SUCH_VARIABLE"}, 503),
        ({}, 200),
    ],
)
def test_what_was_proven_ends_with_the_entry(site, table, change, status):
    """A client that is gone, narrower, or has another secret; a token that was remembered ends too, in time."""
    token = site.token()
    assert [site.status(token, "/read") for _ in range(3)] == [200] * 3
    table.rows.pop("reports")
    if change is not None:
        table.rows["reports"] = reports(**change)
    assert site.status(token, "/read") == 200
    site.clock.advance(seconds=1)
    assert [site.status(token, "/read") for _ in range(2)] == [status] * 2
    table.rows["reports"] = reports()
    site.clock.advance(seconds=1)
    assert [site.status(token, "/read") for _ in range(2)] == [200] * 2


def test_a_clock_that_is_set_back_prolongs_nothing(site, table):
    """What was asked later than now is asked again."""
    token = site.token(iat=int(site.clock()) - 250)
    assert [site.status(token) for _ in range(2)] == [200, 200]
    table.rows.clear()
    site.clock.advance(seconds=-100)
    assert site.status(token) == 401


@pytest.mark.parametrize("answer", [RuntimeError(SECRET), ConfigurationError("x"), "reports", Client(
    client_id="other", secret=SECRET
)], ids=["error", "configuration", "text", "other"])  # fmt: skip
def test_clients_that_fail_are_unavailable(site, table, answer, caplog):
    """503, never 401 and never a pass; no line above DEBUG has the secret; the next request asks again."""
    caplog.set_level(logging.INFO)
    token = site.token()
    assert site.status(token) == 200
    table.answer = answer
    site.clock.advance(seconds=1)
    assert [site.status(token) for _ in range(2)] == [503, 503]
    assert site.status(site.token(extra=1)) == 503
    assert SECRET not in caplog.text
    table.answer = None
    assert site.status(token) == 200


@pytest.mark.parametrize(
    "name", [ISSUER, AUDIENCE, "https://other.example", "x" * 129, " a", "ä", "a\n", "a\u2028", ""]
)
def test_a_name_that_no_client_has_is_not_asked_for(make, name):
    """Neither an issuer's nor an audience's, nor what can be no client_id."""
    table = Table(reports())
    site = make(app_clients=table, tokens={"audiences": ["https://other.example"]})
    assert site.status(site.token(client=name)) == 401
    assert table.asked == []


def test_a_configured_client_comes_first(make):
    """The application cannot replace it."""
    table = Table(reports(secret=OTHER_SECRET))
    site = make(app_clients=table)
    assert site.status(site.token()) == 200
    assert site.status(site.token(key=OTHER_SECRET)) == 401
    assert table.asked == []


def test_invented_names_cost_little_and_displace_nobody(site, table, monkeypatch):
    """One look-up for each, none for one that came before, no command, and a bounded memory."""
    monkeypatch.setattr(client_registry, "_UNKNOWN_NAMES", 50)
    memory = site.auth._container.clients._memory
    memory._unknown = client_registry.VerifiedCache(50)
    token = site.token()
    assert site.status(token) == 200
    for _ in range(2):
        for number in range(30):
            assert site.status(site.token(client=f"nobody{number}")) == 401
    assert len(table.asked) == 31
    for number in range(200):
        assert site.status(site.token(client=f"other{number}")) == 401
    assert len(memory._unknown.entries) <= 50
    assert site.status(site.token(extra=1)) == 200
    assert table.asked.count("reports") == 1


def test_an_unknown_name_becomes_a_client(site, table):
    """After ``staleness_seconds``."""
    table.rows.clear()
    assert site.status(site.token()) == 401
    table.rows["reports"] = reports()
    assert site.status(site.token()) == 401
    site.clock.advance(seconds=1)
    assert site.status(site.token()) == 200


class Gate:
    """Clients that answer once their gate is open."""

    def __init__(self, error=None):
        self.asked, self.error = 0, error
        self.is_open = threading.Event()

    def find(self, client_id):
        self.asked += 1
        assert self.is_open.wait(30)
        if self.error:
            raise self.error
        return reports(client_id=client_id)


@pytest.mark.parametrize(("error", "status"), [(None, 200), (RuntimeError("down"), 503)])
def test_requests_at_the_same_time_ask_once(make, error, status):
    """Single flight; an error is everyone's."""
    gate = Gate(error)
    site = make(app_clients=gate, clients=[])
    fields = [("authorization", f"Bearer {site.token()}")]
    memory = site.auth._container.clients._memory
    recall, arrived = memory.recall, []

    def counted(client_id):
        arrived.append(client_id)
        if len(arrived) == 6:
            gate.is_open.set()
        return recall(client_id)

    memory.recall = counted
    assert {response.status for response in site.request_all([("GET", "/", fields)] * 6)} == {status}
    if not error:
        # A thread may come between the end of the question and the note of its answer.
        assert gate.asked <= 2


def test_a_hanging_table_is_not_waited_for(world, monkeypatch):
    """The deadline of an event loop; behind WSGI, of the requests that wait for another's question."""
    if world == "wsgi":
        pytest.skip("a blocking call in the request's own thread cannot be stopped")
    from safeconduct.directories import async_clients  # noqa: PLC0415 - it imports asyncio

    monkeypatch.setattr(async_clients, "DEADLINE_SECONDS", 0.01)
    gate = Gate()
    site = ClientSite(world, app_clients=gate, clients=[])
    assert site.status(site.token()) == 503
    gate.is_open.set()
    site.close()


def test_too_many_names_at_once_are_unavailable(world, monkeypatch):
    """Known clients have a limit of their own."""
    from safeconduct.directories import client_answers  # noqa: PLC0415 - here alone

    monkeypatch.setattr(client_answers, "AT_ONCE", 1)
    gate = Gate()
    site = ClientSite(world, app_clients=gate, clients=[])
    requests = [("GET", "/", [("authorization", f"Bearer {site.token(client=name)}")]) for name in ("a", "b", "c")]
    statuses = [each.status for each in site.request_all(requests, meanwhile=gate.is_open.set)]
    assert {200, 503} == set(statuses)
    site.close()


@pytest.mark.parametrize("clients", [5, Table, object()])
def test_clients_must_be_an_object_with_find(clients):
    """Found when the ``Auth`` is made."""
    with pytest.raises(ConfigurationError, match="clients"):
        Auth(Config(store="memory://", issuer=ISSUER, audience=AUDIENCE, sources=["basic"]), clients=clients)


def test_clients_need_an_audience():
    """Nobody signs for nothing."""
    with pytest.raises(ConfigurationError, match="audience"):
        Auth(Config(store="memory://", sources=["basic"]), clients=Table())


class Misnamed:
    async def find(self, client_id):
        """Look like a blocking method."""


class NoMethod:
    find = "text"
    afind = staticmethod(print)


@pytest.mark.parametrize("clients", [Misnamed(), NoMethod()])
def test_a_wrong_method_is_found_before_the_first_request(make, world, clients):
    """A coroutine is no client."""
    with pytest.raises(ConfigurationError, match="find"):
        make(app_clients=clients).auth._container.clients.registry(world)


def test_an_awaitable_table_serves_no_wsgi(make):
    """And says so."""
    with pytest.raises(ConfigurationError, match="blocking find"):
        make(app_clients=AsyncTable()).auth._container.clients.registry("wsgi")
