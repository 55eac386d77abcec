"""A house of sessions that no store keeps, with a clock that is moved by hand; and refresh tokens of any shape."""

import json
from itertools import count

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from login_scene import ACCESS, LIMITS, SECRETS
from people import Folk, run
from safeconduct._core.bearer import principal_of
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.verbs import stateless_sessions
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import own_policy
from safeconduct._tokens.key_table import FixedKeys
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config, SessionConfig, TokenConfig
from safeconduct.directories import people_for
from safeconduct.stores.null import NullStore
from tokencraft import AUDIENCE, ISSUER, jwk_for, segment
from worlds import Clock

HEADER = {"alg": "dir", "enc": "A256GCM", "typ": "sc-rt+jwt", "kid": "refresh-1"}


class StaticFolk:
    """A directory that can't be asked again."""

    static = True

    def __init__(self, **passwords):
        self.passwords, self.roles = passwords, ["user"]

    def check(self, username, password):
        return Account(username, roles=self.roles) if self.passwords.get(username) == password else None


class StatelessHouse:
    """Everything that a sign-in needs where there is no store."""

    def __init__(
        self, *, world="wsgi", folk=None, keys=SECRETS, add_claims=None, has_directory=True,
        wire_format="jws", **sessions,
    ):  # fmt: skip
        self.world, self.clock, self.events, self.keys = world, Clock(), [], keys
        self.folk = Folk(alice="wonder", bob="bobby") if folk is None else folk
        self.config = Config(
            store="none", issuer=ISSUER, audience=AUDIENCE, keys="keys/",
            tokens=TokenConfig(access_lifetime_seconds=ACCESS, format=wire_format),
            sessions=SessionConfig(**sessions),
        )  # fmt: skip
        own = KeySet.of([jwk_for("ES256"), jwk_for("A256KW", "e1")], is_own=True)
        self.verifier = TokenVerifier([own_policy(self.config, FixedKeys(own.table))])
        numbers = count(1)
        draw = lambda size: next(numbers).to_bytes(size, "big")  # noqa: E731
        people = people_for(self.folk, world, LIMITS) if has_directory else None
        self.session_verbs = stateless_sessions(
            self.config, issuer=TokenIssuer(self.config, lambda: own, draw), keys=lambda: self.keys, people=people,
            passwords=self._passwords(people), add_claims=add_claims, clock=self.clock, announce=self.events.append,
            draw=draw,
        )  # fmt: skip

    def _passwords(self, people):
        if people is None:
            return None
        counters = NullStore(clock=self.clock, horizon_ms=0, leeway_ms=0)
        throttle = Throttle(
            counters, counters, LIMITS, key=b"k" * 32, events=ThrottleEvents(self.events.append, self.clock)
        )
        return Passwords(people, throttle, announce=self.events.append)

    def sign_in(self, name="alice", *, remember=True, origin=None, level="explicit", username=None):
        account = Account(name, roles=["user"], level=level)
        logins = self.session_verbs.logins
        return self.run(logins.sign_in(account, username=username or name, remember=remember, origin=origin))

    def refresh(self, tokens, **options):
        value = tokens if isinstance(tokens, str) else tokens.refresh_token.value
        return self.run(self.session_verbs.logins.refresh(value, **options))

    def step_up(self, tokens, password="wonder", **options):
        return self.run(self.session_verbs.step_ups.step_up(self.principal(tokens), password, **options))

    def principal(self, tokens):
        return principal_of(self.verifier.verify(tokens.access_token, now=self.clock()), "bearer")

    def run(self, coroutine):
        return run(self.world, coroutine)


def forged(claims, *, keys=SECRETS, label="refresh-jwe", **header):
    """Seal *claims*, an object or bytes, under our own key; a header member that is ... is left out."""
    members = {name: value for name, value in {**HEADER, **header}.items() if value is not ...}
    head = segment(json.dumps(members).encode())
    plain = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    sealed = AESGCM(keys.derive(label)).encrypt(b"i" * 12, plain, head)
    return b".".join((head, b"", segment(b"i" * 12), segment(sealed[:-16]), segment(sealed[-16:]))).decode()
