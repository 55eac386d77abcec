"""Use a store first in several threads and loops at once, in a process that has not loaded the driver."""

import asyncio
import sys
import threading

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.events import Revoked

ASKING = 3


def main(url, consistency):
    """Print which shards were written, and every event that was heard."""
    # Threads take turns as often as possible, so that imports meet.
    sys.setswitchinterval(1e-6)
    config = login_configuration(
        store={"url": url, "deadline_ms": 60_000}, revocation={"consistency": consistency}
    )  # fmt: skip
    heard, answers = [], []
    auth = Auth(config, directory=MemoryDirectory(), listeners=[heard.append])
    barrier = threading.Barrier(2 * ASKING)
    blocking, awaitable = auth.sessions, auth.async_sessions

    def ask(number):
        barrier.wait()
        if number % 2:
            receipt = blocking.revoke_token(f"first {number}")
        else:
            receipt = asyncio.run(awaitable.revoke_token(f"first {number}"))
        answers.append(receipt.shards)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2 * ASKING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{answers} {[event for event in heard if not isinstance(event, Revoked)]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
