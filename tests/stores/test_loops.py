"""Leave no connection behind when an event loop ends, however it ends."""

import asyncio
import gc
import threading
from pathlib import Path

import pytest

from app_reports import AsgiReport
from faulty_connections import Proxy
from login_site import login_configuration, stores_of
from login_stack import ManualTime
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import question
from table_tokens import mint

LOOPS = 300
FEW = 2


def begin(store):
    return store.begin_epoch(0, reason="new", seen=None)


def ask(store):
    return store.ask(question())


def clients(server):
    """Return the number of clients, without the one that asks."""
    return server.say("CLIENT", "LIST", "TYPE", "normal").count(" addr=") - 1


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def by_run(coroutine_of, store):
    asyncio.run(coroutine_of(store))


def by_close(coroutine_of, store):
    """End a loop without any cleanup."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(coroutine_of(store))
    loop.close()


def by_thread(coroutine_of, store):
    thread = threading.Thread(target=by_close, args=(coroutine_of, store))
    thread.start()
    thread.join()


ENDINGS = pytest.mark.parametrize("end", [by_run, by_close, by_thread])


@ENDINGS
def test_e5_loops_that_ended_leave_few_connections(server, open_stores, end):
    """Three hundred loops leave at most two connections and descriptors, and no warnings."""
    stores = open_stores(server.url)
    store = stores.native()
    by_run(begin, store)
    before, open_before = clients(server), descriptors()

    for _ in range(LOOPS):
        end(ask, store)
    gc.collect()

    assert clients(server) - before <= FEW
    assert descriptors() - open_before <= FEW
    stores.end()


def test_e5_a_loop_that_shuts_down_leaves_none(server, open_stores):
    """Its connections are closed within the loop, and not by the next one."""
    store = open_stores(server.url).native()

    by_run(begin, store)

    assert 0 == clients(server)


@ENDINGS
def test_e5_a_closed_store_has_no_connection(server, open_stores, end):
    """Closing also closes connections of ended loops and threads."""
    stores = open_stores(server.url)
    end(begin, stores.native())
    asyncio.run(_drain(stores.blocking().ask(question())))

    stores.end()
    gc.collect()

    assert 0 == clients(server)


async def _drain(coroutine):
    return await coroutine


def test_e5_a_loop_that_lives_closes_its_connections_when_the_store_ends(server, open_stores):
    """The loop's own thread closes them in its next iteration."""
    stores = open_stores(server.url)
    with asyncio.Runner() as runner:
        runner.run(begin(stores.native()))
        stores.end()
        runner.run(_drain(asyncio.sleep(0)))

        assert 0 == clients(server)
        with pytest.raises(Unavailable, match="closed"):
            runner.run(ask(stores.native()))


def test_e5_what_is_asked_while_a_loop_ends_leaves_nothing(server, open_stores):
    """A query in the cleanup of a generator is answered, and its connection is closed."""
    store = open_stores(server.url).native()
    answers = []

    async def stream():
        try:
            yield
        finally:
            answers.append(await ask(store))

    async def scenario():
        await begin(store)
        held.append(stream())
        await anext(held[0])

    held = []
    asyncio.run(scenario())

    assert [False] == [answer.is_revoked for answer in answers]
    assert 0 == clients(server)


# The garbage collector closes the coroutines within one another in any order, and Python may say so.
@pytest.mark.filterwarnings("ignore:.*coroutine object RedisStore.ask:pytest.PytestUnraisableExceptionWarning")
def test_e5_a_loop_that_is_closed_in_the_middle_of_a_question_leaves_nothing(server, open_stores):
    """The task never ends, and the next loop closes its connection all the same."""
    proxy = Proxy(server.port)
    store = open_stores(proxy.url).native()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin(store))
    proxy.gate.clear()
    task = loop.create_task(ask(store))
    for _ in range(5):
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    proxy.gate.set()
    task._log_destroy_pending = False

    by_run(ask, store)
    proxy.stop()
    # Here, and not in another test.
    del task, loop
    gc.collect()

    assert not proxy.open_clients()


def test_e5_a_process_that_forked_knows_no_loop(server, open_stores):
    """Inherited connections are neither closed nor counted by the child."""
    stores: RedisServer = open_stores(server.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin(stores.native()))
    stores.begin_process()

    loop.run_until_complete(stores.native().close())
    stores.end()

    assert 1 == clients(server)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert 0 == clients(server)


@pytest.fixture
def auth(server):
    """Return an ``Auth`` over the server, whose store has an epoch."""
    moment = ManualTime()
    stores = stores_of(server.kind, server, moment, print)
    auth = Auth(login_configuration(), directory=MemoryDirectory(alice="wonder"), store=stores, clock=moment.clock)
    auth.verify(mint())
    yield auth
    auth.close()
    assert 0 == clients(server)


def test_e5_async_views_of_flask_leave_few_connections(server, auth):
    """Flask runs each async view in a new loop."""
    flask = pytest.importorskip("flask", reason="Flask is not installed")
    pytest.importorskip("asgiref", reason="Flask has no async views without asgiref")
    application = flask.Flask("views")

    @application.get("/")
    async def view():
        return (await auth.async_verify(mint())).subject

    application.wsgi_app = auth.wsgi(application.wsgi_app)
    before, client = clients(server), application.test_client()

    answers = [client.get("/", headers={"authorization": f"Bearer {mint()}"}).text for _ in range(50)]

    assert ["alice"] * 50 == answers
    assert clients(server) - before <= FEW


def test_e5_test_clients_without_lifespan_leave_few_connections(server, auth):
    """Starlette's test client runs a loop for each request, without a shutdown."""
    testclient = pytest.importorskip("starlette.testclient", reason="Starlette is not installed")
    application = auth.asgi(AsgiReport())
    before = clients(server)

    answers = [
        testclient.TestClient(application).get("/", headers={"authorization": f"Bearer {mint()}"}).status_code
        for _ in range(50)
    ]

    assert [200] * 50 == answers
    assert clients(server) - before <= FEW


def test_e5_a_connection_that_was_lost_before_is_not_closed_twice(server, open_stores):
    """A connection that the loop saw end has no socket any more."""
    stores = open_stores(server.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin(stores.native()))
    [known] = stores._loops._by_loop.values()
    [link] = known.client._pool._connections
    # A reset, because the end of the stream would leave the socket open.
    link._connection._writer.transport.abort()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    stores.end()

    assert {} == stores._loops._by_loop
    assert 0 == clients(server)
