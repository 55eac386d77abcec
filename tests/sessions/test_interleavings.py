"""
Random interleavings of everything that can happen to sessions, against a plain model of what must be true.

One chain is valid; no level rises without proof; nothing outlives its expiry; signed-out tokens never work; and no
honest caller that retries within the grace period is signed out.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from login_stack import ACCESS, GRACE, HORIZON_MS, LEEWAY_MS, LoginStack, ManualTime
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import InvalidToken, NotRenewable, ReusedRefreshToken, TooEarly
from safeconduct.principal import rank
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.server import RedisServer
from worlds import Blocking

HOUR = 3600
ABSOLUTE = 30 * 86400
SHORT = 12 * HOUR


@dataclass
class Login:
    """The model's knowledge of a session."""

    name: str
    began: float
    ends: float
    proven: float
    is_over: bool = False
    #: Every issued refresh token, the valid one last, each with the time of its issue.
    chain: list = field(default_factory=list)
    rotated: float = float("-inf")
    #: Every access token that was issued and not ended by a step-up.
    access: list = field(default_factory=list)
    renewed: float = float("-inf")
    renewals: int = 0
    #: The token that the last renewal used, and the one that it returned.
    renewal: tuple = (None, None)


class Sessions(RuleBasedStateMachine):
    """Drive one login stack over the store that ``stores`` returns."""

    def __init__(self):
        super().__init__()
        self.time = ManualTime()
        self.world = Blocking(self.stores(self.time))
        self.stack = LoginStack(self.world, self.time.clock)
        self.logins = []

    def teardown(self):
        self.world.close()

    @property
    def now(self):
        return self.time.clock()

    @initialize()
    def begin(self):
        self.sign_in("alice", remember=True)

    @rule(name=st.sampled_from(["alice", "bob"]), remember=st.booleans())
    def sign_in(self, name, *, remember):
        tokens = self.stack.sign_in(name, remember=remember)
        lifetime = ABSOLUTE if remember else SHORT
        login = Login(name, self.now, self.now + lifetime, self.now)
        self.logins.append(login)
        if remember:
            login.chain.append(tokens)
        self.take(login, tokens)

    @rule(seconds=st.sampled_from([0.1, 1, GRACE - 1, GRACE + 1, ACCESS / 2 + 1, ACCESS, HOUR, 86400, 8 * 86400]))
    def advance(self, seconds):
        self.time.clock.advance(seconds=seconds)

    @precondition(lambda self: self.chained())
    @rule(data=st.data(), back=st.integers(0, 3), extend=st.booleans())
    def refresh(self, data, back, *, extend):
        login = data.draw(st.sampled_from(self.chained()))
        presented = login.chain[max(len(login.chain) - 1 - back, 0)]
        back = len(login.chain) - 1 - login.chain.index(presented)
        is_alive, in_grace = self.is_chain_alive(login), self.now < login.rotated + GRACE
        try:
            tokens = self.stack.refresh(presented, extend=extend)
        except TooEarly:
            assert extend
            assert is_alive
            assert back == 0
        except ReusedRefreshToken as error:
            assert back > 0
            if error.session_id is None:
                # Stale: an honest retry presents only the token before.
                assert back > 1
                assert in_grace
            else:
                assert not in_grace
                login.is_over = True
        except InvalidToken:
            assert not is_alive
        else:
            assert is_alive
            self.turned(login, tokens, back, in_grace=in_grace)

    def turned(self, login, tokens, back, *, in_grace):
        if back:
            assert back == 1
            assert in_grace
            assert login.chain[-1].refresh_token.value == tokens.refresh_token.value
        else:
            assert all(tokens.refresh_token.value != one.refresh_token.value for one in login.chain)
            login.chain.append(tokens)
            login.rotated = self.now
        self.take(login, tokens)

    @precondition(lambda self: self.signed_in())
    @rule(data=st.data())
    def renew(self, data):
        login = data.draw(st.sampled_from(self.signed_in()))
        tokens = data.draw(st.sampled_from(login.access))
        principal, before = self.proven(tokens), login.renewals
        if principal is None:
            return
        is_honest = principal.claims["rn"] == before or (
            principal.claims["rn"] == before - 1 and self.now < login.renewed + GRACE
        )
        try:
            renewed = self.stack.renew(tokens)
        except (TooEarly, NotRenewable):
            return
        except InvalidToken:
            assert login.is_over or not is_honest
            return
        assert not login.is_over
        assert is_honest
        if principal.claims["rn"] == before:
            login.renewals, login.renewed, login.renewal = before + 1, self.now, (tokens, renewed)
        else:
            assert login.renewal[1].issued_at == renewed.issued_at
            assert login.renewal[1].expires_at == renewed.expires_at
        assert renewed.level == "remembered"
        login.proven = float("-inf")
        self.take(login, renewed)

    @precondition(lambda self: self.signed_in())
    @rule(data=st.data())
    def step_up(self, data):
        login = data.draw(st.sampled_from(self.signed_in()))
        tokens = data.draw(st.sampled_from(login.access))
        if self.proven(tokens) is None:
            return
        password = self.stack.directory.passwords[login.name]
        try:
            stepped = self.stack.step_up(tokens, password)
        except InvalidToken:
            assert login.is_over
            return
        assert not login.is_over
        login.proven, login.access = self.now, []
        self.take(login, stepped)

    @precondition(lambda self: self.logins)
    @rule(data=st.data())
    def sign_out(self, data):
        login = data.draw(st.sampled_from(self.logins))
        if login.access and self.proven(login.access[-1]):
            self.stack.run(self.stack.session_verbs.sign_out(self.stack.principal(login.access[-1])))
            login.is_over = True

    @rule(name=st.sampled_from(["alice", "bob"]))
    def sign_out_everywhere(self, name):
        self.stack.run(self.stack.session_verbs.sign_out_everywhere(name))
        for login in self.logins:
            login.is_over |= login.name == name

    @rule(name=st.sampled_from(["alice", "bob"]))
    def look(self, name):
        """Check that neither ended sessions nor those of other users are listed."""
        listed = {one.session_id for one in self.stack.run(self.stack.session_verbs.list(name))}
        alive = {self.id_of(login) for login in self.logins if login.name == name and not login.is_over}

        assert listed <= alive

    @rule()
    def use(self):
        for login in self.logins:
            for tokens in login.access:
                self.check(login, tokens)

    def check(self, login, tokens):
        try:
            principal = self.stack.use(tokens)
        except InvalidToken:
            assert login.is_over or self.now >= tokens.expires_at
            return
        assert not login.is_over
        assert self.now < login.ends + LEEWAY_MS / 1000 + 1
        if rank(principal.level) > rank("remembered"):
            assert self.now < principal.auth_time + ACCESS + LEEWAY_MS / 1000 + 1

    def take(self, login, tokens):
        """Record a new access token, and check what must hold for every new one."""
        assert tokens.expires_at <= login.ends + 1
        if rank(tokens.level) > rank("remembered"):
            assert tokens.expires_at <= login.proven + ACCESS + 1
        login.access.append(tokens)

    def proven(self, tokens):
        try:
            return self.stack.principal(tokens)
        except InvalidToken:
            return None

    def id_of(self, login):
        return (login.access or login.chain)[0].session_id

    def chained(self):
        return [login for login in self.logins if login.chain]

    def signed_in(self):
        return [login for login in self.logins if login.access]

    def is_chain_alive(self, login):
        last = login.chain[-1].refresh_token
        return not login.is_over and self.now < min(last.expires_at + 1, login.ends + 1)


def machine(name, stores):
    made = type(name, (Sessions,), {"stores": staticmethod(stores)})
    made.TestCase.settings = settings(
        deadline=None, max_examples=30, stateful_step_count=30, suppress_health_check=list(HealthCheck)
    )
    return made.TestCase


def memory(time):
    return MemoryStore(clock=time.clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)


class _Valkey:
    server = None

    def __call__(self, time):
        self.server.say("FLUSHALL")
        return RedisServer(
            StoreConfig(url=self.server.socket_url, deadline_ms=5000), RevocationConfig(),
            horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print, shift_ms=time.shift_ms,
        )  # fmt: skip


VALKEY = _Valkey()


@pytest.fixture(scope="module", autouse=True)
def _server(servers):
    VALKEY.server = servers("valkey")


TestMemory = machine("Memory", memory)
TestValkey = machine("Valkey", VALKEY)
