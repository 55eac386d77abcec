"""A throttle over memory, with a clock that is moved by hand."""

from memory_directory import run
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct.config import LoginConfig
from safeconduct.errors import TooManyAttempts
from safeconduct.stores.memory.store import MemoryStore
from worlds import Clock

KEY = b"k" * 32
HOME = "192.0.2.1"
AWAY = "198.51.100.1"
QUARTER_HOUR_SECONDS = 15 * 60


class MemoryThrottle:
    """A throttle over memory, and the events that it announced."""

    def __init__(self, world, *, key=KEY, **limits):
        self.world = world
        self.clock = Clock()
        self.memory = MemoryStore(clock=self.clock, horizon_ms=1000, leeway_ms=0)
        self.local = MemoryStore(clock=self.clock, horizon_ms=1000, leeway_ms=0)
        self.events = []
        self.throttle = Throttle(
            self.memory,
            self.local,
            LoginConfig(**limits),
            key=key,
            events=ThrottleEvents(self.events.append, self.clock),
        )

    def begin(self, username="alice", network=HOME, **options):
        return run(self.world, self.throttle.begin(username, network=network, **options))

    def succeed(self, counted):
        run(self.world, self.throttle.succeed(counted))

    def withdraw(self, counted):
        run(self.world, self.throttle.withdraw(counted))

    def is_blocked(self, *arguments, **options):
        try:
            self.withdraw(self.begin(*arguments, **options))
        except TooManyAttempts:
            return True
        return False

    def fail(self, times, *arguments, **options):
        for _ in range(times):
            run(self.world, self.throttle.fail(self.begin(*arguments, **options)))
