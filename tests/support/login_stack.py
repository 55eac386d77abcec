"""Everything that a sign-in needs, with a store and without one: directory, throttle, keys and session verbs."""

import json
import time
from itertools import count

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memory_directory import MemoryDirectory, run
from safeconduct._core.bearer import principal_of
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_query
from safeconduct._core.sessions.stored import StoredSessions
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._wiring.sessions import session_context, stateless_sessions
from safeconduct.config import Config, LoginConfig, SessionConfig, TokenConfig
from safeconduct.directories.adapters import adapt_directory
from safeconduct.stores import MemoryStore
from safeconduct.stores.null import NullStore
from token_factory import AUDIENCE, ISSUER, issuer_for, jwk_for, own_verifier_for, segment
from worlds import Clock

HOME = "192.0.2.1"
LEEWAY_MS = 10_000
HORIZON_MS = 86_400_000
ACCESS = 900
GRACE = 10
SECRETS = DerivedKeys({1: b"1" * 32}, 1)
LIMITS = LoginConfig(failures_per_account_and_network=100)


class ManualTime:
    """The process's clock, and the shift that makes a server's clock show the same time."""

    def __init__(self):
        self.clock = Clock()

    def shift_ms(self):
        return int(self.clock() * 1000) - int(time.time() * 1000)


class LoginStack:
    """Everything that a sign-in needs, in one world, over one store."""

    def __init__(
        self,
        world,
        clock,
        *,
        directory=None,
        keys=SECRETS,
        add_claims=None,
        has_directory=True,
        issuer=ISSUER,
        first=1,
        **sessions,
    ):
        self.world, self.clock, self.events = world, clock, []
        self.keys = keys
        self.directory = MemoryDirectory(alice="wonder", bob="bobby") if directory is None else directory
        self.config = Config(
            store={"url": "memory://"}, issuer=issuer, audience=AUDIENCE, keys="keys/",
            tokens=TokenConfig(access_lifetime_seconds=ACCESS),
            sessions=SessionConfig(refresh_grace_seconds=GRACE, **sessions),
        )  # fmt: skip
        self.own = KeySet.of([jwk_for("ES256")], is_own=True)
        self.verifier = own_verifier_for(self.config, self.own)
        self.revocations = Revocations(
            world.store, shards=1, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS,
            on_new_store="accept", announce=self.events.append,
        )  # fmt: skip
        self._numbers = count(first)
        people = adapt_directory(self.directory, "wsgi", LIMITS) if has_directory else None
        context = session_context(
            self.config, issuer=issuer_for(self.config, lambda: self.own, self.draw), derived_keys=lambda: self.keys,
            directory=people, passwords=self._passwords(people, MemoryStore), add_claims=add_claims, clock=clock,
            announce=self.events.append, draw=self.draw,
        )  # fmt: skip
        self.session_verbs = StoredSessions(context, world.store.sessions, self.revocations)

    def _passwords(self, people, make_counters):
        if people is None:
            return None
        counters = make_counters(clock=self.clock, horizon_ms=0, leeway_ms=0)
        events = ThrottleEvents(self.events.append, self.clock)
        throttle = Throttle(counters, counters, LIMITS, key=b"k" * 32, events=events)
        return Passwords(people, throttle, announce=self.events.append)

    def draw(self, size):
        return next(self._numbers).to_bytes(size, "big")

    def sign_in(self, name="alice", *, remember=True, origin=None, level="explicit", username=None):
        account, username = Account(name, roles=["user"], level=level), username or name
        return self.run(self.session_verbs.sign_in(account, username=username, remember=remember, origin=origin))

    def refresh(self, tokens, **options):
        value = tokens if isinstance(tokens, str) else tokens.refresh_token.value
        return self.run(self.session_verbs.refresh(value, **options))

    def renew(self, tokens):
        return self.run(self.session_verbs.renew(self.principal(tokens)))

    def step_up(self, tokens, password="wonder", **options):
        return self.run(self.session_verbs.step_up(self.principal(tokens), password, **options))

    def principal(self, tokens):
        """Verify an access token without asking the store."""
        return principal_of(self.verifier.verify(tokens.access_token, now=self.clock()), "bearer")

    def use(self, tokens):
        """Verify an access token and ask the store, as a request does."""
        claims = self.verifier.verify(tokens.access_token, now=self.clock())
        question = revocation_query(
            issuer=claims.issuer, subject=claims.subject, token_id=claims.token_id, client_id=claims.client_id,
            kid=claims.kid, session_id=claims.session_id, issued_ms=claims.issued_ms,
            ends_ms=claims.expires_at * 1000 + LEEWAY_MS, is_own=True, shards=1,
        )  # fmt: skip
        self.run(self.revocations.check(question, now_ms=int(self.clock() * 1000)))
        return principal_of(claims, "bearer")

    def run(self, coroutine):
        return self.world.run(coroutine)


HEADER = {"alg": "dir", "enc": "A256GCM", "typ": "sc-rt+jwt", "kid": "refresh-1"}


class StaticDirectory:
    """A directory that cannot be asked again."""

    static = True

    def __init__(self, **passwords):
        self.passwords, self.roles = passwords, ["user"]

    def check(self, username, password):
        return Account(username, roles=self.roles) if self.passwords.get(username) == password else None


class StatelessLoginStack(LoginStack):
    """Everything that a sign-in needs where there is no store."""

    def __init__(
        self, *, world="wsgi", directory=None, keys=SECRETS, add_claims=None, has_directory=True,
        wire_format="jws", **sessions,
    ):  # fmt: skip
        self.world, self.clock, self.events, self.keys = world, Clock(), [], keys
        self.directory = MemoryDirectory(alice="wonder", bob="bobby") if directory is None else directory
        self.config = Config(
            store="none", issuer=ISSUER, audience=AUDIENCE, keys="keys/",
            tokens=TokenConfig(access_lifetime_seconds=ACCESS, format=wire_format),
            sessions=SessionConfig(**sessions),
        )  # fmt: skip
        self.own = KeySet.of([jwk_for("ES256"), jwk_for("A256KW", "e1")], is_own=True)
        self.verifier = own_verifier_for(self.config, self.own)
        self._numbers = count(1)
        people = adapt_directory(self.directory, world, LIMITS) if has_directory else None
        context = session_context(
            self.config, issuer=issuer_for(self.config, lambda: self.own, self.draw), derived_keys=lambda: self.keys,
            directory=people, passwords=self._passwords(people, NullStore), add_claims=add_claims, clock=self.clock,
            announce=self.events.append, draw=self.draw,
        )  # fmt: skip
        self.session_verbs = stateless_sessions(context, self.config)

    def run(self, coroutine):
        return run(self.world, coroutine)


def forged_refresh_token(claims, *, keys=SECRETS, label="refresh-jwe", **header):
    """Seal *claims*, an object or bytes, with our key; a header member that is ... is left out."""
    members = {name: value for name, value in {**HEADER, **header}.items() if value is not ...}
    head = segment(json.dumps(members).encode())
    plain = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    sealed = AESGCM(keys.derive(label)).encrypt(b"i" * 12, plain, head)
    return b".".join((head, b"", segment(b"i" * 12), segment(sealed[:-16]), segment(sealed[-16:]))).decode()
