"""Sign in, refresh and renew: what the verbs return, and what they refuse."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from login_stack import ACCESS, GRACE, SECRETS, StaticDirectory
from safeconduct import RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._core.session_store import SessionReply
from safeconduct._core.sessions.refresh_token import ParsedRefreshToken
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct._wiring.sessions import session_context
from safeconduct.config import Config
from safeconduct.errors import (
    BadCredentials,
    BindingMismatch,
    ConfigurationError,
    ExpiredToken,
    InvalidToken,
    NotRenewable,
    ReusedRefreshToken,
    RevokedToken,
    TooEarly,
    Unavailable,
)
from safeconduct.events import HookFailed, RenewReused, SessionEnded, SignedIn, StoreRolledBack
from safeconduct.principal import Principal
from safeconduct.stores.memory.state_machine import opened
from safeconduct.testing.store_contract.session_commands import opening
from token_factory import ISSUER

HALF = ACCESS / 2
IDLE = 14 * 86400


def test_a_sign_in_gives_what_was_proven(stack):
    tokens = stack.sign_in()
    principal = stack.use(tokens)

    assert ("alice", "explicit", tokens.session_id) == (principal.subject, principal.level, principal.session_id)
    assert frozenset({"user"}) == principal.roles
    assert (0, 0) == (principal.claims["rn"], principal.claims["cg"])
    assert tokens.issued_at == principal.auth_time
    assert tokens.expires_at == tokens.issued_at + ACCESS == principal.expires_at
    assert tokens.issued_at + HALF == tokens.renew_after
    long_term = tokens.refresh_token
    assert tokens.issued_at + IDLE == long_term.expires_at == long_term.extend_before
    assert tokens.issued_at + IDLE / 2 <= long_term.extend_after <= tokens.issued_at + IDLE / 2 + 1
    assert [SignedIn(subject="alice", session_id=tokens.session_id, level="explicit")] == stack.events


def test_a_long_term_credential_is_issued_only_on_request(stack):
    """A refresh never raises the level (L5)."""
    tokens = stack.sign_in(remember=False)

    assert tokens.refresh_token is None
    assert not stack.run(stack.session_verbs.list("alice"))[0].is_remembered


def test_a_disabled_account_does_not_sign_in(build):
    stack = build()

    with pytest.raises(BadCredentials):
        stack.run(stack.session_verbs.sign_in(Account("alice", disabled=True), username="alice"))


def test_nothing_of_a_token_is_shown(build):
    stack = build()
    tokens = stack.sign_in()

    shown = repr(tokens) + repr(stack.events)

    assert tokens.access_token not in shown
    assert tokens.refresh_token.value not in shown


def test_an_id_that_is_taken_gives_no_access_to_its_session(build, open_stores):
    stores = open_stores("memory")
    build(stores).sign_in("alice")

    with pytest.raises(Unavailable):
        build(stores).sign_in("bob")


def test_a_refresh_gives_the_present_level(stack, clock):
    tokens = stack.sign_in(level="multifactor")
    clock.advance(seconds=100)
    early = stack.refresh(tokens)
    clock.advance(seconds=ACCESS)
    late = stack.refresh(early)

    assert ("multifactor", "remembered") == (early.level, late.level)
    assert tokens.issued_at + ACCESS == early.expires_at
    assert tokens.refresh_token.expires_at == late.refresh_token.expires_at


def test_a_refresh_takes_the_rights_of_now(stack):
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = Account("alice", roles=["admin"], scopes=["pay"])

    refreshed = stack.refresh(tokens)

    principal = stack.use(refreshed)
    assert (frozenset({"admin"}), frozenset({"pay"})) == (principal.roles, principal.scopes)
    assert 1 == refreshed.csrf_generation


@pytest.mark.parametrize("verb", ["refresh", "renew", "step_up"])
def test_an_account_that_was_disabled_ends_its_session(stack, clock, verb):
    tokens = stack.sign_in()
    clock.advance(seconds=HALF + 1)
    stack.directory.accounts["alice"] = Account("alice", disabled=True)
    if verb == "step_up":
        stack.directory.check = lambda *_: Account("alice")

    with pytest.raises(RevokedToken):
        getattr(stack, verb)(tokens)

    assert SessionEnded(subject="alice", session_id=tokens.session_id, reason="account") in stack.events
    with pytest.raises(RevokedToken):
        stack.use(tokens)


def test_a_static_directory_is_not_asked_again(build):
    """The account of a sign-in counts until the next one."""
    stack = build(has_directory=False)
    tokens = stack.sign_in()

    assert frozenset({"user"}) == stack.use(stack.refresh(tokens)).roles


def test_h_a_step_up_takes_the_rights_of_a_static_directory(build):
    """The directory checks the password, and its account counts until the next proof."""
    directory = StaticDirectory(alice="wonder")
    stack = build(directory=directory)
    tokens = stack.sign_in()
    directory.roles = ["clerk"]

    assert frozenset({"clerk"}) == stack.use(stack.step_up(tokens)).roles


def test_the_loser_of_a_race_gets_a_conflict_and_ends_nothing(stack):
    """The loser must not clear the winner's cookies, so the error has no session id."""
    first = stack.sign_in()
    second = stack.refresh(first)
    third = stack.refresh(second)

    with pytest.raises(ReusedRefreshToken) as caught:
        stack.refresh(first)

    assert caught.value.session_id is None
    assert stack.refresh(third)


def test_extending_is_for_the_second_half_of_a_life(stack, clock):
    tokens = stack.sign_in()
    with pytest.raises(TooEarly):
        stack.refresh(tokens, extend=True)
    clock.advance(seconds=IDLE / 2 + 60)

    extended = stack.refresh(tokens, extend=True)

    assert extended.refresh_token.expires_at >= extended.issued_at + IDLE - 1


def test_a_life_that_cannot_grow_is_not_offered_to_be_extended(stack, clock):
    tokens = stack.sign_in()
    for _ in range(3):
        clock.advance(seconds=IDLE * 0.7)
        tokens = stack.refresh(tokens, extend=True)

    assert (None, None) == (tokens.refresh_token.extend_after, tokens.refresh_token.extend_before)


@pytest.mark.parametrize("text", ["", "x" * 96, "A" * 96])
def test_what_is_no_refresh_token_touches_no_session(stack, text):
    tokens = stack.sign_in()

    with pytest.raises(InvalidToken):
        stack.refresh(text)
    assert stack.refresh(tokens)


def test_an_access_token_is_no_refresh_token(stack):
    tokens = stack.sign_in()

    with pytest.raises(InvalidToken):
        stack.refresh(tokens.access_token)


def test_a_session_of_a_removed_shard_has_ended(build):
    stack = build()
    token = ParsedRefreshToken.first(b"\x00\x07" + bytes(16), b"s" * 32, SECRETS)

    with pytest.raises(RevokedToken):
        stack.refresh(token.to_text(SECRETS))


def test_a_session_keeps_its_transport(stack):
    tokens = stack.sign_in(origin=RequestOrigin(transport="cookie"))

    with pytest.raises(BindingMismatch):
        stack.refresh(tokens)
    assert "cookie" == stack.refresh(tokens, origin=RequestOrigin(transport="cookie")).transport


def test_a_device_is_text_of_bounded_length(stack):
    stack.sign_in(origin=RequestOrigin(device="\ud800" + "x" * 500))

    assert "?" + "x" * 199 == stack.run(stack.session_verbs.list("alice"))[0].device


def test_a_renewal_is_for_the_second_half_of_a_life(stack, clock):
    tokens = stack.sign_in()
    clock.advance(seconds=HALF - 2)
    with pytest.raises(TooEarly):
        stack.renew(tokens)
    clock.advance(seconds=3)

    renewed = stack.renew(tokens)

    principal = stack.use(renewed)
    assert ("remembered", 1) == (principal.level, principal.claims["rn"])
    assert renewed.expires_at > tokens.expires_at
    assert renewed.refresh_token is None
    assert "remembered" == stack.refresh(tokens).level


def test_a_renewal_that_is_repeated_is_the_same_token(stack, clock):
    tokens = stack.sign_in()
    clock.advance(seconds=HALF + 1)

    first, again = stack.renew(tokens), stack.renew(tokens)

    same = ("jti", "iat_ms", "iat", "exp", "rn", "acr")
    claims = [stack.principal(one).claims for one in (first, again)]
    assert [claims[0][name] for name in same] == [claims[1][name] for name in same]


def test_a_renewal_after_the_grace_is_refused_and_reported(stack, clock):
    tokens = stack.sign_in()
    clock.advance(seconds=HALF + 1)
    renewed = stack.renew(tokens)
    clock.advance(seconds=GRACE + 1)

    with pytest.raises(RevokedToken):
        stack.renew(tokens)

    assert RenewReused(subject="alice", session_id=tokens.session_id) in stack.events
    assert stack.use(renewed)


def test_a_token_that_ends_with_its_session_is_not_renewed(build, clock):
    stack = build(short_absolute_lifetime_seconds=1000, explicit_lifetime_seconds=900)
    tokens = stack.sign_in(remember=False)
    clock.advance(seconds=460)
    renewed = stack.renew(tokens)
    clock.advance(seconds=400)

    assert renewed.renew_after is None
    with pytest.raises(NotRenewable):
        stack.renew(renewed)


@pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://idp.example"}, {"session_id": None}, {"session_id": "x"}, {"claims": {}}],
    ids=["another issuer", "a client", "an odd id", "no claims"],
)
@pytest.mark.parametrize("verb", ["renew", "step_up"])
def test_without_a_session_nothing_is_renewed(build, changed, verb):
    stack = build()
    fields = {
        "issuer": ISSUER,
        "session_id": stack.sign_in().session_id,
        "claims": {"iat_ms": 1_800_000_000_001, "rn": 0},
        **changed,
    }
    principal = Principal(subject="alice", scheme="bearer", expires_at=0, **fields)
    renew, step_up = stack.session_verbs.renew, stack.session_verbs.step_up
    called = renew(principal) if verb == "renew" else step_up(principal, "wonder")

    with pytest.raises(NotRenewable):
        stack.run(called)


def test_the_authors_claims_are_in_every_token(build, clock):
    seen = []

    def add_claims(principal):
        seen.append((principal.subject, principal.level, sorted(principal.roles)))
        return {"tenant": "t1"}

    stack = build(add_claims=add_claims)
    tokens = stack.sign_in()
    refreshed = stack.refresh(tokens)
    clock.advance(seconds=HALF + 1)
    every = [tokens, refreshed, stack.renew(refreshed), stack.step_up(refreshed)]

    assert ["t1"] * 4 == [stack.principal(one).claims["tenant"] for one in every]
    assert [("alice", level, ["user"]) for level in ("explicit", "explicit", "remembered", "explicit")] == seen


class Hook:
    """A claims hook that fails on demand."""

    def __init__(self):
        self.is_broken = False

    def __call__(self, principal):
        return {"tenant": 1 // 0} if self.is_broken else {"tenant": principal.subject}


def test_a_failing_hook_uses_no_token_up(build, clock):
    """A token without the hook's claims might grant too much."""
    hook = Hook()
    stack = build(add_claims=hook)
    tokens = stack.sign_in()
    hook.is_broken = True
    with pytest.raises(Unavailable):
        stack.refresh(tokens)
    hook.is_broken = False
    clock.advance(seconds=GRACE + 1)

    assert stack.refresh(tokens)
    assert HookFailed(hook="add_claims", error="ZeroDivisionError") in stack.events


def test_a_store_that_says_nothing_of_the_session_gives_no_token(build):
    stack = build()
    tokens = stack.sign_in()
    stack.clock.advance(seconds=ACCESS // 2)
    said = SessionReply(None, is_empty=True, outcome="renewed", now_ms=0, session=opened(opening(), 1))

    async def renew(_ref, _renewing):
        return said

    stack.session_verbs._store = SimpleNamespace(renew=renew)
    stack.session_verbs._lookup.consult = lambda _shard, command: command()
    with pytest.raises(Unavailable):
        stack.renew(tokens)
    with pytest.raises(RevokedToken):
        replace(said, session=None).live_session()


def test_the_last_second_of_a_session_gives_no_token(build, clock):
    stack = build(absolute_lifetime_seconds=1000, short_absolute_lifetime_seconds=900, idle_lifetime_seconds=1000)
    tokens = stack.sign_in()
    clock.advance(seconds=1000)

    with pytest.raises(ExpiredToken):
        stack.refresh(tokens)


def test_a_store_that_lost_a_write_is_reported(stack):
    tokens = stack.sign_in()
    token = ParsedRefreshToken.from_text(tokens.refresh_token.value, SECRETS)
    later = token.successor(b"a" * 16, SECRETS).successor(b"b" * 16, SECRETS)

    with pytest.raises(RevokedToken):
        stack.refresh(later.to_text(SECRETS))
    assert StoreRolledBack(shard=0, session_id=tokens.session_id) in stack.events


def test_sessions_need_an_issuer():
    with pytest.raises(ConfigurationError):
        session_context(
            Config(store="memory://", sources=["basic"], login={"users": "u.json"}), issuer=None, derived_keys=None,
            directory=None, passwords=None, add_claims=None, clock=None, draw=None, announce=None,
        )  # fmt: skip


def test_the_verbs_work_on_a_loop_and_blocking(build, open_stores):
    native = build(open_stores("memory"), world="native")

    assert native.refresh(native.sign_in())


def test_a_session_is_named_on_its_owners_shard():
    session_keys = SessionKeys("i", client_id="c", shards=64)

    assert session_keys.shard_of("alice") == session_keys.of_subject("alice").shard
