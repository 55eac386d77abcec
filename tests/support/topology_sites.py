"""Applications over a group of servers, each in one world and with one consistency, and requests sent to them."""

import asyncio
import threading
import time
from collections import Counter

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from applications import AsgiReport, wsgi_application
from memory_directory import MemoryDirectory
from safeconduct import Account, Auth, Config
from safeconduct.testing import throw_away_keys
from server_groups import until

NAME = "https://api.example.com"
KEYS = throw_away_keys()
DEADLINE_MS = 1000
#: What a busy machine may add to a deadline; redis-py's defaults would add four to seven seconds.
SLACK_SECONDS = 2.0
KINDS_OF_SITE = [(world, consistency) for world in ("asgi", "wsgi") for consistency in ("strict", "bounded")]


class Site:
    """One process: an application behind an ``Auth``, in one world."""

    def __init__(self, url, world="wsgi", consistency="strict", *, shards=1, **revocation):
        self.world, self.consistency, self.events = world, consistency, []
        revocation = {"consistency": consistency, "staleness_seconds": 1.0} | revocation
        self.auth = Auth(
            Config(
                store={"url": url, "deadline_ms": DEADLINE_MS, "shards": shards, "pool_size": 4},
                issuer=NAME, audience=NAME, keys=KEYS, revocation=revocation,
            ),
            directory=MemoryDirectory(alice="wonder"),
            listeners=[self.events.append],
        )  # fmt: skip
        self._runner = asyncio.Runner() if world == "asgi" else None
        self._app = self.auth.asgi(AsgiReport()) if world == "asgi" else self.auth.wsgi(wsgi_application)

    @property
    def stores(self):
        """The store of this site."""
        return self.auth._container.store

    def sign_in(self, name="alice"):
        """Return a new access token; tries again while the store cannot be asked."""
        return until(lambda: self.tokens(name), "a sign-in").access_token

    def tokens(self, name="alice"):
        try:
            return self.auth.sessions.sign_in(Account(name))
        except Exception as error:
            if type(error).__name__ != "Unavailable":
                raise
            return None

    def status(self, token):
        """Send a request with *token* and return the status of its response."""
        request = SentRequest("GET", "/me", (("host", b"x"), ("authorization", f"Bearer {token}".encode())), "https")
        if self._runner is None:
            return call_wsgi(self._app, wsgi_environ(request)).status
        return self._runner.run(call_asgi(self._app, asgi_scope(request))).status

    def revoke(self, token):
        """Sign out, which ends the session of *token*."""
        self.auth.sessions.sign_out(token)

    def close(self):
        if self._runner is not None:
            self._runner.run(self.auth.aclose())
            self._runner.close()
        self.auth.close()


class Load:
    """Send requests with some tokens to a site, again and again, in a thread."""

    def __init__(self, site, **tokens):
        self.site, self.tokens = site, tokens
        #: How often each status was received, by the name of the token.
        self.seen = {name: Counter() for name in tokens}
        self.longest_seconds = 0.0
        self.failure = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def statuses(self, name):
        """Return what was received with a token by now."""
        return dict(self.seen[name])

    def until_served(self, name="valid"):
        """Wait until a request passes that is sent from now on."""
        before = self.seen[name][200]
        until(lambda: self.seen[name][200] > before + 1 or self.failure, "a request that passes")

    def stop(self):
        self._ended.set()
        self._thread.join(30)
        if self.failure is not None:
            raise self.failure

    def _run(self):
        try:
            while not self._ended.is_set():
                for name, token in self.tokens.items():
                    began_at = time.monotonic()
                    self.seen[name][self.site.status(token)] += 1
                    self.longest_seconds = max(self.longest_seconds, time.monotonic() - began_at)
                # The machine is small, and other processes have to do the failover.
                self._ended.wait(0.02)
        except Exception as error:  # noqa: BLE001 - raised again in the test's thread
            self.failure = error
