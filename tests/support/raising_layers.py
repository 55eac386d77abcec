"""Layers of a site that raise when a test says so: each call of an armed layer, and of no other, raises."""

from secrets import token_hex

from login_site import LoginSite, login_configuration
from memory_directory import MemoryDirectory
from safeconduct.stores.redis.server import RedisServer


class Faults:
    """Which layer raises what, and how often it did."""

    def __init__(self):
        self.layer, self.error, self.count = None, None, 0

    def arm(self, layer, error):
        """Let *layer* raise what *error* returns, from now on."""
        self.layer, self.error, self.count = layer, error, 0

    def meet(self, layer):
        """Raise if *layer* is armed."""
        if layer == self.layer:
            self.count += 1
            raise self.error()

    def before(self, layer, call):
        """Return *call*, which raises before it does anything if *layer* is armed."""

        def met(*arguments, **named):
            self.meet(layer)
            return call(*arguments, **named)

        return met


class RaisingPort:
    """
    A port, each method of which raises when its layer is armed.

    Args:
        port: The real one.
        faults: Which layer raises.
        layers: The layers of what it consists of, by attribute; None is the layer of its methods.
    """

    def __init__(self, port, faults, layers):
        self._port, self._faults, self._layers = port, faults, layers

    def __getattr__(self, name):
        found = getattr(self._port, name)
        if name in self._layers and found is not None:
            return RaisingPort(found, self._faults, {None: self._layers[name]})
        if callable(found) and name not in {"close", "end"}:
            return self._faults.before(self._layers[None], found)
        if not callable(found) and name != "epochs":
            self._faults.meet(self._layers[None])
        return found


_STORE = {None: "store", "sessions": "session store", "opaque_tokens": "token store", "bounded_view": "view"}
LAYERS = (*_STORE.values(), "clock", "directory", "add_claims", "keys")


class _RaisingProvider:
    def __init__(self, stores, faults):
        self._stores, self._faults = stores, faults
        self.end = stores.end

    def blocking(self):
        return RaisingPort(self._stores.blocking(), self._faults, _STORE)

    def native(self):
        return RaisingPort(self._stores.native(), self._faults, _STORE)


class RaisingSite(LoginSite):
    """A site over a server, each layer of which raises when it is armed."""

    def __init__(self, world, server, moment, consistency, **fields):
        faults = self.faults = Faults()
        directory = MemoryDirectory(alice="wonder")
        for name in ("check", "lookup"):
            setattr(directory, name, faults.before("directory", getattr(directory, name)))
        revocation = {"consistency": consistency, "staleness_seconds": 3600}
        # Its clock is moved, so that it shares nothing with the server's other users.
        store = {"url": server.socket_url, "deadline_ms": 20_000, "key_prefix": token_hex(8)}
        config = login_configuration(store=store, revocation=revocation)
        self.stores = RedisServer(
            config.store, config.revocation, horizon_ms=86_400_000, leeway_ms=10_000, announce=print,
            keeps_view=consistency == "bounded", shift_ms=moment.shift_ms, clock=moment.clock,
        )  # fmt: skip
        super().__init__(
            world, stores=_RaisingProvider(self.stores, faults), clock=faults.before("clock", moment.clock),
            directory=directory, add_claims=faults.before("add_claims", lambda _: {}), revocation=revocation, **fields,
        )  # fmt: skip
        container = self.auth._container
        container.keys = RaisingPort(container.keys, faults, {None: "keys"})
