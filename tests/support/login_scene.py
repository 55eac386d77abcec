"""A whole house of sessions: directory, throttle, keys, store and verbs, with a clock that is moved by hand."""

import time
from itertools import count

from people import Folk
from safeconduct._core.bearer import principal_of
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import question_for
from safeconduct._core.sessions.rotation import RequestOrigin
from safeconduct._core.sessions.verbs import stored_sessions
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._keys.derivation import Secrets
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import own_policy
from safeconduct._tokens.key_table import FixedKeys
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config, LoginConfig, SessionConfig, TokenConfig
from safeconduct.directories import people_for
from safeconduct.stores import MemoryStore
from tokencraft import AUDIENCE, ISSUER, jwk_for
from worlds import Clock

HOME = "192.0.2.1"
LEEWAY_MS = 10_000
HORIZON_MS = 86_400_000
ACCESS = 900
GRACE = 10
SECRETS = Secrets({1: b"1" * 32}, 1)
LIMITS = LoginConfig(failures_per_account_and_network=100)


class Time:
    """The process's clock, and the shift that makes a server's clock stand where it stands."""

    def __init__(self):
        self.clock = Clock()

    def shift_ms(self):
        return int(self.clock() * 1000) - int(time.time() * 1000)


class House:
    """Everything that a sign-in needs, in one world."""

    def __init__(
        self,
        world,
        clock,
        *,
        folk=None,
        keys=SECRETS,
        add_claims=None,
        has_directory=True,
        issuer=ISSUER,
        first=1,
        **sessions,
    ):
        self.world, self.clock, self.events = world, clock, []
        self.keys = keys
        self.folk = Folk(alice="wonder", bob="bobby") if folk is None else folk
        self.config = Config(
            store={"url": "memory://"}, issuer=issuer, audience=AUDIENCE, keys="keys/",
            tokens=TokenConfig(access_lifetime_seconds=ACCESS),
            sessions=SessionConfig(refresh_grace_seconds=GRACE, **sessions),
        )  # fmt: skip
        self.own = KeySet.of([jwk_for("ES256")], is_own=True)
        self.verifier = TokenVerifier([own_policy(self.config, FixedKeys(self.own.table))])
        self.revocations = Revocations(
            world.store, shards=1, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, absolute_lifetime_ms=30 * 86_400_000,
            on_new_store="accept", announce=self.events.append,
        )  # fmt: skip
        self._numbers = count(first)
        people = people_for(self.folk, "wsgi", LIMITS) if has_directory else None
        self.session_verbs = stored_sessions(
            self.config, store=world.store.sessions, revocations=self.revocations,
            issuer=TokenIssuer(self.config, lambda: self.own, self.draw), keys=lambda: self.keys,
            people=people, passwords=self._passwords(people), add_claims=add_claims, clock=clock,
            announce=self.events.append, draw=self.draw,
        )  # fmt: skip

    def _passwords(self, people):
        if people is None:
            return None
        counters = MemoryStore(clock=self.clock, horizon_ms=0, leeway_ms=0)
        throttle = Throttle(
            counters, counters, LIMITS, key=b"k" * 32, events=ThrottleEvents(self.events.append, self.clock)
        )
        return Passwords(people, throttle, announce=self.events.append)

    def draw(self, size):
        return next(self._numbers).to_bytes(size, "big")

    def sign_in(self, name="alice", *, remember=True, origin=None, level="explicit"):
        account = Account(name, roles=["user"], level=level)
        return self.run(self.session_verbs.logins.sign_in(account, username=name, remember=remember, origin=origin))

    def refresh(self, tokens, **options):
        value = tokens if isinstance(tokens, str) else tokens.refresh_token.value
        return self.run(self.session_verbs.logins.refresh(value, **options))

    def renew(self, tokens):
        return self.run(self.session_verbs.logins.renew(self.principal(tokens)))

    def step_up(self, tokens, password="wonder", **options):
        return self.run(self.session_verbs.step_ups.step_up(self.principal(tokens), password, **options))

    def principal(self, tokens):
        """Prove an access token; whether it was ended is not asked."""
        return principal_of(self.verifier.verify(tokens.access_token, now=self.clock()), "bearer")

    def use(self, tokens):
        """Use an access token as a request does."""
        claims = self.verifier.verify(tokens.access_token, now=self.clock())
        question = question_for(
            issuer=claims.issuer, subject=claims.subject, token_id=claims.token_id, client_id=claims.client_id,
            kid=claims.kid, session_id=claims.session_id, issued_ms=claims.issued_ms,
            ends_ms=claims.expires_at * 1000 + LEEWAY_MS, is_own=True, shards=1,
        )  # fmt: skip
        self.run(self.revocations.check(question, now_ms=int(self.clock() * 1000)))
        return principal_of(claims, "bearer")

    def run(self, coroutine):
        return self.world.run(coroutine)

    @property
    def open_sessions(self):
        return self.session_verbs.open_sessions


__all__ = ["ACCESS", "GRACE", "HOME", "House", "RequestOrigin", "Time"]
