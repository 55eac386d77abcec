"""Applications over a group of servers, each in one world and with one consistency, and requests sent to them."""

import asyncio
import json
import threading
import time
from base64 import urlsafe_b64decode
from collections import Counter
from itertools import count

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from app_reports import AsgiReport, wsgi_application
from memory_directory import MemoryDirectory
from safeconduct import Account, Auth, Config
from safeconduct._core.revocation_keys import shard_of
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

    def __init__(self, url, world="wsgi", consistency="strict", *, shards=1, tokens=None, sessions=None, **revocation):
        self.shards = shards
        self.world, self.consistency, self.events = world, consistency, []
        revocation = {"consistency": consistency, "staleness_seconds": 1.0} | revocation
        self.config = Config(
            store={"url": url, "deadline_ms": DEADLINE_MS, "shards": shards, "pool_size": 4},
            issuer=NAME, audience=NAME, keys=KEYS, revocation=revocation, tokens=tokens or {},
            sessions=sessions or {},
        )  # fmt: skip
        self.auth = Auth(
            self.config,
            directory=MemoryDirectory(alice="wonder"),
            listeners=[self.events.append],
        )  # fmt: skip
        self._runner = asyncio.Runner() if world == "asgi" else None
        self._app = self.auth.asgi(AsgiReport()) if world == "asgi" else self.auth.wsgi(wsgi_application)

    @property
    def stores(self):
        """The store of this site."""
        return self.auth._container.stores

    def sign_in(self, name="alice"):
        """Return a new access token; tries again while the store cannot be asked."""
        return until(lambda: self.tokens(name), "a sign-in").access_token

    def sign_in_on(self, shard):
        """Return a new access token whose session is on *shard*."""
        names = (f"user{number}" for number in count())
        return self.sign_in(next(name for name in names if shard_of(NAME, name, self.shards) == shard))

    def tokens_on(self, shard):
        """Sign in on *shard*, and return None if the store cannot be asked."""
        names = (f"user{number}" for number in count())
        return self.tokens(next(name for name in names if shard_of(NAME, name, self.shards) == shard))

    def is_answered_from_memory(self, token):
        """Say whether requests with *token* are answered from the local view."""
        view = self.stores.blocking().bounded_view
        self.status(token)
        version = view.version
        return version is view.version

    def pair_on(self, shard=0):
        """Return two access tokens on *shard*, the second of them revoked; all keys of the shard exist then."""
        kept, ended = self.sign_in_on(shard), self.sign_in_on(shard)
        self.revoke(ended)
        claims = json.loads(urlsafe_b64decode(ended.split(".")[1] + "=="))
        self.auth.sessions.revoke_token(claims["jti"], subject=claims["sub"])
        return kept, ended

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

    def log_in(self):
        """Sign in by password at the endpoint, and return whether that went well."""
        body = b"username=alice&password=wonder"
        form = (("host", b"x"), ("content-type", b"application/x-www-form-urlencoded"))
        request = SentRequest("POST", "/auth/login", form, "https", body)
        if self._runner is None:
            return 200 == call_wsgi(self._app, wsgi_environ(request)).status
        return 200 == self._runner.run(call_asgi(self._app, asgi_scope(request), body)).status

    def becomes_current(self, token, *, seconds=2):
        """Wait until requests with *token* are answered from the local view, and return False if that takes long."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if self.is_answered_from_memory(token):
                return True
            time.sleep(0.02)
        return False

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
