"""Start afresh in a worker that was forked from a busy master process."""

import asyncio
import subprocess
import sys

from memory_directory import MemoryDirectory, check_password
from safeconduct._core.directory import QueuePosition
from safeconduct._core.run_sync import run_sync
from safeconduct.config import LoginConfig
from safeconduct.directories.adapters import adapt_directory
from safeconduct.directories.locks import _drop_all

FORK = """
import asyncio, os, threading
from safeconduct._core.run_sync import run_sync
from safeconduct._core.directory import Account
from safeconduct.config import LoginConfig
from safeconduct.directories import CallableDirectory
from safeconduct.directories.adapters import adapt_directory

hold, begun = threading.Event(), threading.Event()
def check(username, password):
    if username == "slow":
        begun.set()
        hold.wait()
    return Account(username)

login = LoginConfig(hashing_threads=1, hashing_queue=0)
directory = CallableDirectory(check)
inline, pooled = adapt_directory(directory, "wsgi", login), adapt_directory(directory, "asgi", login)
async def prove(people, name):
    async with people.lock(b"k", "here") as place:
        return await people.check(name, "p", place)

asyncio.run(prove(pooled, "alice"))
busy = threading.Thread(target=lambda: run_sync(prove(inline, "slow")))
busy.start()
begun.wait()
child = os.fork()
if child == 0:
    inline_answer = run_sync(prove(inline, "alice")).subject
    pooled_answer = asyncio.run(prove(pooled, "alice")).subject
    print(inline_answer, pooled_answer, flush=True)
    os._exit(0)
os.waitpid(child, 0)
hold.set()
busy.join()
"""


def test_a_child_neither_misses_a_place_nor_waits_for_threads_that_it_has_not():
    """The master's thread holds the only slot and the key while it forks; the pool's thread stays behind."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert "alice alice\n" == done.stdout
    assert "" == done.stderr


def test_what_is_dropped_in_a_child_is_created_again():
    """The same test within this process, where coverage is measured."""
    directory = MemoryDirectory(alice="wonder")
    inline, pooled = (adapt_directory(directory, world, LoginConfig(hashing_threads=1)) for world in ("wsgi", "asgi"))
    asyncio.run(check_password(pooled, "alice", "wonder"))
    inherited = pooled._checks._executor
    inline._queue.ask(QueuePosition(b"k", "here", 0), "slot", list)
    pooled._lookup_limit.acquire()

    _drop_all()

    assert run_sync(check_password(inline, "alice", "wonder"))
    assert asyncio.run(check_password(pooled, "alice", "wonder"))
    assert pooled._checks._executor is not inherited
    inherited.shutdown()
    pooled.close()
