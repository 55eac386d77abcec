"""The configurations under which the rows of the table are asked."""

from collections.abc import Callable
from functools import cache

from memory_directory import MemoryDirectory
from safeconduct import Auth, Config
from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import RevocationStatus
from safeconduct.errors import Unavailable
from safeconduct.stores import MemoryStore
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, ISSUER, NOW, OWN_KEY, PARTNER, SECRETS_KEY, public

SITE = "https://app.example"
COOKIE = "__Host-safeconduct"

_RULES = [
    {"path": "/admin/{rest...}", "roles": ["admin"]},
    {"path": "/admin/audit", "scopes": ["audit"], "level": "explicit"},
    {"path": "/read", "scopes": ["read"]},
    {"path": "/write", "scopes": ["read", "write"]},
    {"path": "/either", "roles": ["admin", "auditor"]},
    {"path": "/both/{rest...}", "roles": ["admin", "owner"]},
    {"path": "/both/{name}", "roles": ["auditor"]},
    {"path": "/explicit", "level": "explicit"},
    {"path": "/multifactor", "level": "multifactor"},
    {"path": "/fresh", "max_age_seconds": 300},
    {"path": "/danger", "level": "explicit", "max_age_seconds": 300},
    {"path": "/items/{id}", "methods": ["GET"], "scopes": ["read"]},
    {"path": "/items/{id}", "methods": ["DELETE"], "roles": ["admin"]},
    {"path": "/files/private/{rest...}", "roles": ["admin"]},
    {"path": "/pages/{name}", "methods": ["POST"], "roles": ["admin"]},
    {"path": "/unsafe", "unsafe": True},
    {"path": "/a/{name}/c", "roles": ["admin"]},
    {"path": "/dir/{rest...}", "roles": ["admin"]},
    {"path": "/dir/{name}/{rest...}", "scopes": ["read"]},
]
_PUBLIC = [
    "/health",
    "GET /news",
    "/files/{rest...}",
    "/pages/{name}",
    "/a/b/c",
    "POST /hook",
    "/dir/open",
    "/signed/",
    "/caf\u00e9",
]
_FOREIGN = {"keys": {"keys": [public(FOREIGN_KEY)]}, "audience": AUDIENCE, "algorithms": ["ES256"]}
_TRUST = [
    {"issuer": IDP, **_FOREIGN},
    {
        "issuer": PARTNER,
        "remote_user": "partner:{sub}",
        "roles": {"boss": "admin"},
        "scopes": ["read"],
        "levels": {"gold": "explicit"},
        **_FOREIGN,
    },
]


def configuration(*, access=None, **fields):
    """Return the configuration that every setup varies."""
    usual = {
        "store": "memory://",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": {"keys": [OWN_KEY, SECRETS_KEY]},
        "external_url": SITE,
        "endpoints": {"enabled": False},
        "sources": ["bearer", "cookie", "basic", "subprotocol"],
        "csrf": {"trusted_origins": ["https://spa.example"]},
        "trust": _TRUST,
        # All drivers of a process send the rows with wrong passwords.
        "login": {f"failures_per_{whose}": 1_000_000 for whose in ("account", "network", "account_and_network")},
    }
    return Config(**usual | fields, access={"public": _PUBLIC, "rules": _RULES} | (access or {}))


def shared_store_configuration(url):
    """Return the configuration of a process that asks the store at *url* each time; its second key only verifies."""
    retired = FOREIGN_KEY | {"safeconduct_state": "retired"}
    return configuration(
        store={"url": url, "deadline_ms": 1000}, sources=["bearer"], trust=[], keys={"keys": [OWN_KEY, retired]},
        revocation={"consistency": "strict"},
    )  # fmt: skip


def now() -> float:
    """Return the time of every request of the table."""
    return float(NOW)


def custom_problem(error):
    """Return a custom body for an error."""
    return {"error": error.code, "message": error.detail}


class FailingStore:
    """A store whose every method raises the result of *what*."""

    def __init__(self, what: Callable[[], BaseException]) -> None:
        self.what = what
        self.sessions = self.opaque_tokens = self.view = self.bounded_view = None
        self.epochs = Epochs()

    async def ask_all(self, _questions):
        return {}

    async def ask(self, *_asked, **_named):
        raise self.what()

    begin_epoch = issue_time = revoke = mark_used = count_try = fail_try = give_back = ask

    async def close(self):
        pass

    def end(self):
        pass

    def blocking(self):
        return self

    native = blocking


class Suspension:
    """An awaitable that yields to the loop once."""

    def __await__(self):
        yield


class SuspendingStore(FailingStore):
    """A store that suspends, which is not allowed behind WSGI."""

    def __init__(self):
        super().__init__(Unavailable)

    async def ask(self, *_asked, **_named):
        await Suspension()
        return RevocationStatus(Epoch("e", 0, "new", 0), is_empty=False, is_revoked=False, now_ms=None)


def _ended():
    auth = _auth(configuration())
    auth.close()
    return auth


def _auth(config, **how):
    people = MemoryDirectory(alice="correct horse", renée="p\u00e4ss")
    return Auth(config, directory=people, clock=now, **how)


_MAKE = {
    "main": lambda: _auth(configuration()),
    "tolerant": lambda: _auth(configuration(access={"on_invalid": "anonymous"})),
    "open": lambda: _auth(configuration(access={"default": "anonymous"})),
    "preflights": lambda: _auth(configuration(access={"preflights": "pass"})),
    "sign-in": lambda: _auth(configuration(access={"sign_in_url": "/sign-in"})),
    "words": lambda: _auth(configuration(), problem_body=custom_problem),
    "bearer": lambda: _auth(configuration(sources=["bearer"])),
    "plain": lambda: _auth(configuration(basic={"allow_plain_http": True, "level": "explicit"})),
    "outage": lambda: _auth(configuration(), store=FailingStore(Unavailable)),
    "open-outage": lambda: _auth(configuration(access={"default": "anonymous"}), store=FailingStore(Unavailable)),
    "faulty": lambda: _auth(configuration(), store=FailingStore(lambda: KeyError("secret"))),
    "suspending": lambda: _auth(configuration(), store=SuspendingStore()),
    "ended": _ended,
    "no-store": lambda: _auth(configuration(store="none")),
    "life": lambda: _auth(configuration(endpoints={"enabled": True})),
    "forgetful": lambda: _auth(configuration(tokens={"remembered": 0})),
}
SETUPS = tuple(_MAKE)


@cache
def auth_for(name) -> Auth:
    """Return the ``Auth`` of a setup, one for each process."""
    auth = _MAKE[name]()
    if name != "ended" and isinstance(auth._container.stores, MemoryStore):
        auth.sessions.revoke_token("revoked")
    return auth
