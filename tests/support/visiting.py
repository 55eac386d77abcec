"""A visitor of the endpoints, in either world: with a jar of cookies, as a browser has, or with tokens of his own."""

import asyncio
import io
import json
from http.cookies import SimpleCookie

from applications import AsgiReport, wsgi_application
from calling import Asked, call_asgi, call_wsgi, environ_of, scope_of
from minting import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY
from people import Folk
from safeconduct import Auth, Config
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis_stores import RedisStores
from worlds import Clock

SITE = "https://app.example"
OWN_PAGE = (("origin", SITE),)
ACCESS, REFRESH, DEVICE = "__Host-safeconduct", "__Host-safeconduct-refresh", "__Host-safeconduct-device"
LIMITS = {f"failures_per_{whose}": 1000 for whose in ("account", "network", "account_and_network")}


def life_configuration(**fields):
    """Return a configuration under which a login has its whole life."""
    usual = {
        "store": "memory://",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": {"keys": [OWN_KEY, SECRETS_KEY]},
        "external_url": SITE,
        "sources": ["bearer", "cookie"],
        "login": LIMITS,
    }
    return Config(**usual | fields)


class Place:
    """An application with the whole life of a login, in one world, over one store, with a clock moved by hand."""

    def __init__(self, world="asgi", *, stores=None, clock=None, folk=None, app=None, add_claims=None, **fields):
        self.world, self.clock, self.events = world, clock or Clock(), []
        self.folk = folk or Folk(alice="wonder", bob="builder")
        config = life_configuration(**fields)
        self.auth = Auth(
            config, directory=self.folk, store=stores, clock=self.clock, listeners=[self.events.append],
            add_claims=add_claims,
        )  # fmt: skip
        if world == "asgi":
            self.application = self.auth.asgi(app or AsgiReport())
            self._runner = asyncio.Runner()
            self._runner.get_loop()
        else:
            self.application = self.auth.wsgi(app or wsgi_application)

    def ask(self, method, target, headers=(), body=b"", *, secure=True):
        """Ask once."""
        fields = tuple((name, value.encode("latin-1")) for name, value in headers)
        asked = Asked(method, target, (("host", b"app.example"), *fields), "https" if secure else "http")
        if self.world == "asgi":
            return self._runner.run(call_asgi(self.application, scope_of(asked), body))
        environ = environ_of(asked)
        kind = environ.pop("HTTP_CONTENT_TYPE", "")
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": kind}
        return call_wsgi(self.application, environ)

    def close(self):
        """Let go of the loop and of the store."""
        if self.world == "asgi":
            self._runner.run(self.auth.aclose())
            self._runner.close()
        self.auth.close()


def stores_of(kind, server, moment, announce):
    """Open the memory, or an emptied server, by the clock of *moment*; each knows one world's clock only."""
    if kind == "memory":
        return MemoryStore(clock=moment.clock, horizon_ms=86_400_000, leeway_ms=10_000)
    server.say("FLUSHALL")
    config = life_configuration(store={"url": server.socket_url, "deadline_ms": 5000})
    return RedisStores(
        config.store, config.revocation, horizon_ms=86_400_000, leeway_ms=10_000, announce=announce,
        shift_ms=moment.shift_ms,
    )  # fmt: skip


class Visitor:
    """Somebody with a jar; ``held`` is what he was given in bodies."""

    def __init__(self, place, *, page=OWN_PAGE):
        self.place, self.page = place, page
        self.jar, self.held, self.csrf = {}, {}, None
        self.seen = None

    def ask(self, method, target, *, said=None, headers=(), bearer=None, with_jar=True, body=b"", page=True):
        """Ask, keep the cookies that come, and return the status."""
        fields = list(headers)
        if with_jar and self.jar:
            fields.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
            fields += [("x-csrf-token", self.csrf)] if self.csrf and method != "GET" else []
            fields += self.page if page else ()
        if bearer is not None:
            fields.append(("authorization", f"Bearer {bearer}"))
        if said is not None:
            fields.append(("content-type", "application/json"))
            body = json.dumps(said).encode()
        self.seen = self.place.ask(method, target, fields, body)
        for line in self.seen.values("set-cookie"):
            self._keep(line)
        return self.seen.status

    @property
    def answer(self):
        """Return what the last answer's body says."""
        return json.loads(self.seen.body)

    def sign_in(self, name="alice", password="wonder", **more):
        """Sign in with cookies, as a page does."""
        said = {"username": name, "password": password, "cookies": True, **more}
        status = self.ask("POST", "/auth/login", said=said, headers=self.page if not self.jar else ())
        if status == 200:
            self.csrf = self.answer["csrf_token"]
        return status

    def take(self, name="alice", password="wonder", **more):
        """Sign in with tokens in the body, as a program does."""
        said = {"username": name, "password": password, **more}
        status = self.ask("POST", "/auth/login", said=said, with_jar=False)
        if status == 200:
            self.held = self.answer
        return status

    def refresh(self, token=None, **more):
        """Refresh with a token in the body and keep what comes."""
        said = {"refresh_token": token or self.held["refresh_token"], **more}
        status = self.ask("POST", "/auth/refresh", said=said, with_jar=False)
        if status == 200:
            self.held = self.answer
        return status

    def use(self, token=None):
        """Use an access token as any request does."""
        return self.ask("GET", "/me", bearer=token or self.held["access_token"], with_jar=False)

    def _keep(self, line):
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = morsel.value
