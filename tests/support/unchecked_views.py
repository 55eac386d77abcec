"""Views that a framework got before ``requires`` did, and the events that say so."""

from safeconduct import Auth, Config, requires
from safeconduct.events import RequirementUnchecked
from safeconduct.testing import throw_away_keys

REASON = (
    "`requires` is not checked, because the framework got the function without it: put `requires` below the route "
    "decorator"
)


class Heard(list):
    """Every event of one ``Auth``, which lets anybody in."""

    def __init__(self, **access):
        super().__init__()
        config = Config(
            store="memory://",
            issuer="https://api.example.com",
            audience="https://api.example.com",
            keys=throw_away_keys(),
            access={"default": "anonymous", **access},
        )
        self.auth = Auth(config, listeners=[self.append])

    @property
    def unchecked(self):
        """The names of the views and the routes of the events, each of which is at ERROR and says what to do."""
        found = [event for event in self if isinstance(event, RequirementUnchecked)]
        assert {(40, REASON)} >= {(event.log_level, event.reason) for event in found}
        return [(event.view.rpartition(".")[2], event.route) for event in found]


def guard_in_vain(function):
    """Use ``requires`` as if it stood above the route decorator that returned *function*."""
    return requires(roles=["admin"])(function)
