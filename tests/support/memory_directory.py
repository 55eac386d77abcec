"""Directories that need no hash, and functions that call them in either world."""

import asyncio

from safeconduct._core.directory import Account
from safeconduct._core.run_sync import run_sync


class MemoryDirectory:
    """A blocking directory in memory that counts its calls."""

    def __init__(self, **passwords):
        self.passwords = passwords
        self.accounts = {name: Account(name, roles=["user"]) for name in passwords}
        self.checks = 0
        self.lookups = 0

    def check(self, username, password):
        self.checks += 1
        is_right = self.passwords.get(username) == password
        return self.accounts.get(username) if is_right else None

    def lookup(self, subject):
        self.lookups += 1
        return self.accounts.get(subject)


class AsyncMemoryDirectory(MemoryDirectory):
    """The same directory with the awaitable methods only."""

    check = None
    lookup = None

    async def acheck(self, username, password):
        await asyncio.sleep(0)
        return MemoryDirectory.check(self, username, password)

    async def alookup(self, subject):
        await asyncio.sleep(0)
        return MemoryDirectory.lookup(self, subject)


def run(world, coroutine):
    """Run *coroutine* as *world* does: without a loop, or in one."""
    return run_sync(coroutine) if world == "wsgi" else asyncio.run(coroutine)


async def check_password(people, username, password, *, key=None, network="192.0.2.1"):
    """Check a password as ``Passwords`` does, with a lock of its own or that of *key*."""
    async with people.lock(object() if key is None else key, network) as position:
        return await people.check(username, password, position)
