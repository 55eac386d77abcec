"""Another process that revokes in the same store, and the questions about what it revoked."""

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_key
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS

ISSUER = "https://issuer.example"
LATER_MS = 1 << 52


def session(name):
    return revocation_key("session", ISSUER, name)


def token(name):
    return revocation_key("token", ISSUER, name)


def query(name, *, shard=0, issued_ms=1, ends_ms=LATER_MS):
    return RevocationQuery(shard, (token(name),), (session(name),), issued_ms, ends_ms)


def revoked_key(kid):
    return revocation_key("key", ISSUER, kid)


def signed_with(kid, *, shard=0, issued_ms=1):
    return RevocationQuery(shard, (token("any"), revoked_key(kid)), (), issued_ms, LATER_MS)


def revocations_of(stores, events):
    """Return what a request of this process checks revocations with."""
    return Revocations(
        stores.blocking(), shards=1, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, on_new_store="accept",
        announce=events.append, epochs=stores.blocking().epochs,
    )  # fmt: skip


class Writer:
    """Another process that writes to the same store."""

    def __init__(self, stores, shards=1):
        self.store = stores.blocking()
        for shard in range(shards):
            run_sync(self.store.begin_epoch(shard, reason="new", seen=None))

    def end(self, name, shard=0):
        return run_sync(
            self.store.revoke(shard, Revocation("session", session(name), (shard,), expires_ms=LATER_MS))
        )  # fmt: skip

    def revoke(self, name, shard=0, **ends):
        ends = ends or {"expires_ms": LATER_MS}
        return run_sync(self.store.revoke(shard, Revocation("token", token(name), (shard,), **ends)))

    def revoke_key(self, kid, shard=0):
        return run_sync(self.store.revoke(shard, Revocation("key", revoked_key(kid), (shard,))))
