"""An application with all endpoints, and a client of it that keeps cookies or tokens."""

import asyncio
import json
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from http.cookies import SimpleCookie

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import AsgiReport, wsgi_application
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config
from safeconduct._keys.loading import own_keys
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.server import RedisServer
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY
from worlds import Clock

SITE = "https://app.example"
OWN_PAGE = (("origin", SITE),)
ACCESS, REFRESH, DEVICE = "__Host-safeconduct", "__Host-safeconduct-refresh", "__Host-safeconduct-device"
LIMITS = {f"failures_per_{whose}": 1000 for whose in ("account", "network", "account_and_network")}


def login_configuration(**fields):
    """Return a configuration with all endpoints of a login."""
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


class LoginSite:
    """An application with all endpoints, in one world, over one store, with a clock moved by hand."""

    def __init__(
        self,
        world="asgi",
        *,
        stores=None,
        clock=None,
        directory=None,
        app=None,
        add_claims=None,
        app_clients=None,
        problem_page=None,
        **fields,
    ):
        self.world, self.clock, self.events = world, clock or Clock(), []
        self.directory = MemoryDirectory(alice="wonder", bob="builder") if directory is None else directory
        config = login_configuration(**fields)
        self.auth = Auth(
            config, directory=self.directory or None, store=stores, clock=self.clock, listeners=[self.events.append],
            add_claims=add_claims, clients=app_clients, problem_page=problem_page,
        )  # fmt: skip
        if world == "asgi":
            self.application = self.auth.asgi(app or AsgiReport())
            self._runner = asyncio.Runner()
            self._runner.get_loop()
        else:
            self.application = self.auth.wsgi(app or wsgi_application)

    def request(self, method, target, headers=(), body=b"", *, secure=True):
        """Send one request."""
        request = self._request(method, target, headers, body, secure=secure)
        if self.world == "asgi":
            return self._runner.run(call_asgi(self.application, asgi_scope(request), body))
        return call_wsgi(self.application, wsgi_environ(request))

    def request_all(self, requests, *, meanwhile=None):
        """Send all *requests* at once, each as ``ask`` does; call *meanwhile* when the first is answered."""
        if self.world == "asgi":
            return self._runner.run(self._request_all(requests, meanwhile))
        with ThreadPoolExecutor(len(requests)) as threads:
            futures = [threads.submit(self.request, *each) for each in requests]
            wait(futures, return_when=FIRST_COMPLETED)
            (meanwhile or dict)()
            return [future.result() for future in futures]

    async def _request_all(self, requests, meanwhile):
        tasks = [
            asyncio.create_task(call_asgi(self.application, asgi_scope(request), request.body))
            for request in (self._request(*each) for each in requests)
        ]
        await asyncio.wait(tasks, return_when=FIRST_COMPLETED)
        (meanwhile or dict)()
        return await asyncio.gather(*tasks)

    def _request(self, method, target, headers=(), body=b"", *, secure=True):
        fields = tuple((name, value.encode("latin-1")) for name, value in headers)
        return SentRequest(method, target, (("host", b"app.example"), *fields), "https" if secure else "http", body)

    def lose_secrets(self):
        """Remove the safeconduct-secrets key, as an operator may while the application serves."""
        less = login_configuration(keys={"keys": [OWN_KEY]}, sources=["bearer"])
        self.auth._container.keys = own_keys(less, self.events.append)

    def close(self):
        """Close the loop and the store."""
        if self.world == "asgi":
            self._runner.run(self.auth.aclose())
            self._runner.close()
        self.auth.close()


def stores_of(kind, server, moment, announce, *, by="socket_url"):
    """Open the memory, or an emptied server, with the clock of *moment*."""
    if kind == "memory":
        return MemoryStore(clock=moment.clock, horizon_ms=86_400_000, leeway_ms=10_000)
    server.say("FLUSHALL")
    return reopened(server, moment, announce, by=by)


def reopened(server, moment, announce, *, by="socket_url"):
    """Open a server with its data; the circuit breaker uses the clock of *moment*."""
    config = login_configuration(store={"url": getattr(server, by), "deadline_ms": 5000})
    return RedisServer(
        config.store, config.revocation, horizon_ms=86_400_000, leeway_ms=10_000, announce=announce,
        shift_ms=moment.shift_ms, monotonic=moment.clock,
    )  # fmt: skip


class LoginClient:
    """A client with a cookie jar; ``tokens`` is the last response with tokens in its body."""

    def __init__(self, site, *, page=OWN_PAGE):
        self.site, self.page = site, page
        self.cookies, self.tokens, self.csrf = {}, {}, None
        self.response = None

    def request(
        self, method, target, *, json_body=None, headers=(), bearer=None, with_cookies=True, body=b"", page=True
    ):
        """Send a request, keep the cookies of the response, and return its status."""
        fields = list(headers)
        if with_cookies and self.cookies:
            fields.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
            fields += [("x-csrf-token", self.csrf)] if self.csrf and method != "GET" else []
            fields += self.page if page else ()
        if bearer is not None:
            fields.append(("authorization", f"Bearer {bearer}"))
        if json_body is not None:
            fields.append(("content-type", "application/json"))
            body = json.dumps(json_body).encode()
        self.response = self.site.request(method, target, fields, body)
        for line in self.response.values("set-cookie"):
            self._keep(line)
        return self.response.status

    @property
    def json(self):
        """Return the JSON of the last response."""
        return json.loads(self.response.body)

    def sign_in(self, name="alice", password="wonder", **more):
        """Sign in with cookies, as a page does."""
        json_body = {"username": name, "password": password, "cookies": True, **more}
        status = self.request("POST", "/auth/login", json_body=json_body, headers=self.page if not self.cookies else ())
        if status == 200:
            self.csrf = self.json["csrf_token"]
        return status

    def get_tokens(self, name="alice", password="wonder", **more):
        """Sign in with tokens in the body, as a program does."""
        json_body = {"username": name, "password": password, **more}
        status = self.request("POST", "/auth/login", json_body=json_body, with_cookies=False)
        if status == 200:
            self.tokens = self.json
        return status

    def refresh(self, token=None, **more):
        """Refresh with a token in the body and keep what comes."""
        json_body = {"refresh_token": token or self.tokens["refresh_token"], **more}
        status = self.request("POST", "/auth/refresh", json_body=json_body, with_cookies=False)
        if status == 200:
            self.tokens = self.json
        return status

    def use(self, token=None):
        """Send a request with an access token."""
        return self.request("GET", "/me", bearer=token or self.tokens["access_token"], with_cookies=False)

    def _keep(self, line):
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
