"""A site that accepts API keys, and a script that sends one."""

from login_site import LoginSite
from memory_directory import AsyncMemoryDirectory, MemoryDirectory
from safeconduct import Account

SCOPES, ROLES = ("read", "write"), ("user", "admin")
SOURCES = ["bearer", "cookie", "api_key"]
ACCESS = {"rules": [
    {"path": "/read", "scopes": ["read"]}, {"path": "/admin", "roles": ["admin"]},
    {"path": "/recent", "level": "explicit"}, {"path": "/strict", "consistency": "strict"},
    {"path": "/unasked", "consistency": "none"},
]}  # fmt: skip


def people(world="wsgi", *, static=False):
    """Return a directory in which alice has every right and bob none."""
    kind = AsyncMemoryDirectory if world == "asgi" else MemoryDirectory
    directory = kind(alice="wonder", bob="builder")
    directory.accounts["alice"] = Account("alice", scopes=SCOPES, roles=ROLES, display_name="Alice")
    directory.static = static
    return directory


class ApiKeySite(LoginSite):
    """A site that accepts API keys, in one world."""

    def __init__(self, world="asgi", **fields):
        usual = {"sources": SOURCES, "access": ACCESS, "directory": people()}
        super().__init__(world, **usual | fields)

    def create(self, subject="alice", **fields):
        """Make a key, by default with everything that alice has."""
        usual = {"name": "ci", "scopes": SCOPES, "roles": ROLES} if subject == "alice" else {"name": "ci"}
        return self.auth.api_keys.create(subject, **usual | fields)

    def get(self, key, target="/me"):
        """Send a request with a key, and return its status."""
        text = key if isinstance(key, str) else key.key
        return self.request("GET", target, [("authorization", f"Bearer {text}")]).status

    def identity(self, key):
        """Return the principal of a key, as the application is told."""
        return self.auth.verify(key.key)

    def refused(self):
        """Return the class of the latest error that was announced."""
        return [event.error for event in self.events if hasattr(event, "error")][-1]
