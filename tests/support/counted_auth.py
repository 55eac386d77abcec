"""An ``Auth`` that counts what it verifies and what it asks its store."""

from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.stores import MemoryStore


class CountingStore(MemoryStore):
    """A store that counts the queries that it gets."""

    __slots__ = ("queries",)

    def __init__(self):
        super().__init__(clock=now, horizon_ms=0, leeway_ms=0)
        self.queries = 0

    async def ask(self, question):
        """Count a query and answer it."""
        self.queries += 1
        return await super().ask(question)


def counted(**access):
    """Return an ``Auth`` without caches, with counters of its store queries and verifications."""
    store = CountingStore()
    auth = Auth(configuration(tokens={"remembered": 0}, **access), directory=MemoryDirectory(), clock=now, store=store)
    verify, proofs = auth._container.bearer.verify, []

    def count(token, *, now):
        proofs.append(token)
        return verify(token, now=now)

    auth._container.bearer.verify = count
    return auth, store, proofs
