"""Sign in and refresh without a store: what the verbs return, and what they refuse."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from login_stack import ACCESS, StatelessLoginStack, StaticDirectory
from safeconduct import RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._core.sessions.stateless import StatelessSessions
from safeconduct._core.sessions.stored import StoredSessions
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._wiring.sessions import session_context
from safeconduct.config import Config
from safeconduct.errors import (
    AuthError,
    BadCredentials,
    BindingMismatch,
    ConfigurationError,
    ExpiredToken,
    InvalidToken,
    NotRenewable,
    NotSupported,
    RevokedToken,
    Unavailable,
    UnknownKey,
)
from safeconduct.events import HookFailed, SignedIn

DAY = 86400
WEEK = 7 * DAY
FORMATS = pytest.mark.parametrize("wire_format", ["jws", "jwe"])


@pytest.fixture
def stack():
    return StatelessLoginStack()


def test_a_sign_in_gives_what_was_proven(stack):
    tokens = stack.sign_in()
    principal = stack.principal(tokens)

    assert ("alice", "explicit", tokens.session_id) == (principal.subject, principal.level, principal.session_id)
    assert frozenset({"user"}) == principal.roles
    assert tokens.issued_at == principal.auth_time == tokens.csrf_generation == principal.claims["cg"]
    assert tokens.issued_at + ACCESS == tokens.expires_at
    assert tokens.renew_after is None
    assert tokens.issued_at + WEEK == tokens.refresh_token.expires_at
    assert (None, None) == (tokens.refresh_token.extend_after, tokens.refresh_token.extend_before)
    assert [SignedIn(subject="alice", session_id=tokens.session_id, level="explicit")] == stack.events


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        ({"idle_lifetime_seconds": DAY}, DAY),
        ({"idle_lifetime_seconds": DAY, "absolute_lifetime_seconds": DAY}, DAY),
        ({"idle_lifetime_seconds": 20 * DAY}, WEEK),
    ],
    ids=["idle", "absolute", "a week"],
)
def test_a_long_term_credential_lives_for_a_week_at_most(lives, expected):
    tokens = StatelessLoginStack(**lives).sign_in()

    assert tokens.issued_at + expected == tokens.refresh_token.expires_at


def test_a_long_term_credential_is_issued_only_on_request(stack):
    assert stack.sign_in(remember=False).refresh_token is None


def test_no_access_token_outlives_a_session_without_a_long_term_credential():
    tokens = StatelessLoginStack(short_absolute_lifetime_seconds=100).sign_in(remember=False)

    assert tokens.issued_at + 100 == tokens.expires_at


def test_a_disabled_account_does_not_sign_in(stack):
    with pytest.raises(BadCredentials):
        stack.run(stack.session_verbs.sign_in(Account("alice", disabled=True), username="alice"))


def test_nothing_of_a_token_is_shown(stack):
    tokens = stack.sign_in()

    shown = repr(tokens) + repr(stack.events)

    assert tokens.access_token not in shown
    assert tokens.refresh_token.value not in shown


def test_a_refresh_gives_the_present_level(stack):
    """A level never rises without proof, and a proof counts for one short lifetime."""
    tokens = stack.sign_in(level="multifactor")
    stack.clock.advance(seconds=100)
    early = stack.refresh(tokens)
    stack.clock.advance(seconds=ACCESS)
    late = stack.refresh(tokens)

    assert ("multifactor", "remembered") == (early.level, late.level)
    assert tokens.issued_at + ACCESS == early.expires_at
    assert late.issued_at + ACCESS == late.expires_at
    assert tokens.session_id == early.session_id == late.session_id
    assert tokens.issued_at == stack.principal(late).auth_time == late.csrf_generation
    assert (None, None) == (late.refresh_token, late.renew_after)


def test_a_refresh_token_counts_until_its_end(stack):
    tokens = stack.sign_in()
    stack.clock.advance(seconds=WEEK - 10)

    assert tokens.refresh_token.expires_at == stack.refresh(tokens).expires_at
    stack.clock.advance(seconds=10)
    with pytest.raises(ExpiredToken):
        stack.refresh(tokens)


def test_nothing_is_extended(stack):
    tokens = stack.sign_in()
    stack.clock.advance(seconds=6 * DAY)

    with pytest.raises(NotSupported):
        stack.refresh(tokens, extend=True)


def test_nothing_is_renewed(stack):
    tokens = stack.sign_in()
    stack.clock.advance(seconds=ACCESS - 1)

    with pytest.raises(NotRenewable):
        stack.run(stack.session_verbs.renew(stack.principal(tokens)))


def test_a_refresh_takes_the_rights_of_now(stack):
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = Account("alice", roles=["admin"], scopes=["pay"])

    principal = stack.principal(stack.refresh(tokens))

    assert (frozenset({"admin"}), frozenset({"pay"})) == (principal.roles, principal.scopes)


@pytest.mark.parametrize("account", [None, Account("alice", disabled=True)], ids=["gone", "disabled"])
def test_a_removed_account_gets_no_tokens(stack, account):
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = account

    with pytest.raises(RevokedToken):
        stack.refresh(tokens)


@pytest.mark.parametrize(
    "options", [{"directory": StaticDirectory(alice="wonder")}, {"has_directory": False}], ids=["static", "none"]
)
def test_a_static_directory_is_believed_once(options):
    """The account of a sign-in counts until the next one."""
    stack = StatelessLoginStack(**options)

    assert frozenset({"user"}) == stack.principal(stack.refresh(stack.sign_in())).roles


def test_a_directory_that_fails_refuses_nothing_for_good(stack):
    tokens = stack.sign_in()
    accounts, stack.directory.accounts = stack.directory.accounts, None
    with pytest.raises(Unavailable):
        stack.refresh(tokens)
    stack.directory.accounts = accounts

    assert stack.refresh(tokens)


@pytest.mark.parametrize(("used", "other"), [("header", "cookie"), ("cookie", "header")])
def test_a_session_keeps_its_transport(stack, used, other):
    tokens = stack.sign_in(origin=RequestOrigin(transport=used))

    with pytest.raises(BindingMismatch):
        stack.refresh(tokens, origin=RequestOrigin(transport=other))
    with pytest.raises(BindingMismatch):
        stack.step_up(tokens, refresh_token=tokens.refresh_token.value, origin=RequestOrigin(transport=other))
    assert used == stack.refresh(tokens, origin=RequestOrigin(transport=used)).transport


@FORMATS
def test_an_access_token_is_no_refresh_token(wire_format):
    stack = StatelessLoginStack(wire_format=wire_format)
    tokens = stack.sign_in()

    with pytest.raises(InvalidToken):
        stack.refresh(tokens.access_token)


@FORMATS
def test_a_refresh_token_is_no_access_token(wire_format):
    stack = StatelessLoginStack(wire_format=wire_format)
    tokens = stack.sign_in()

    with pytest.raises(InvalidToken):
        stack.verifier.verify(tokens.refresh_token.value, now=stack.clock())


def test_a_credential_of_a_removed_key_is_refused(stack):
    tokens = stack.sign_in()
    stack.keys = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
    assert stack.refresh(tokens)
    stack.keys = DerivedKeys({2: b"2" * 32}, 2)

    with pytest.raises(UnknownKey):
        stack.refresh(tokens)


def test_the_authors_claims_are_in_every_token():
    stack = StatelessLoginStack(add_claims=lambda principal: {"tenant": principal.level})
    tokens = stack.sign_in(level="multifactor")
    every = [tokens, stack.refresh(tokens), stack.step_up(tokens)]

    assert ["multifactor", "multifactor", "explicit"] == [stack.principal(one).claims["tenant"] for one in every]


def test_a_hook_that_fails_gives_no_token():
    stack = StatelessLoginStack(add_claims=lambda _: 1 // 0)

    with pytest.raises(Unavailable):
        stack.sign_in()
    assert [HookFailed(hook="add_claims", error="ZeroDivisionError")] == stack.events


@given(st.text(), st.booleans())
def test_nothing_but_our_own_errors_leaves(text, extend):
    stack = StatelessLoginStack()
    tokens = stack.sign_in()

    for verb in (
        lambda: stack.refresh(text, extend=extend),
        lambda: stack.step_up(tokens, refresh_token=text),
        lambda: stack.step_up(tokens, text),
    ):
        with pytest.raises(AuthError):
            verb()


def test_sessions_need_an_issuer():
    config = Config(store="none", sources=["basic"], login={"users": "u.json"})

    with pytest.raises(ConfigurationError):
        session_context(
            config, issuer=None, derived_keys=None, directory=None, passwords=None, add_claims=None, clock=None,
            draw=None, announce=None,
        )  # fmt: skip


def test_the_verbs_work_on_a_loop():
    stack = StatelessLoginStack(world="asgi")
    tokens = stack.sign_in()

    assert stack.refresh(tokens)
    assert stack.step_up(tokens)


def test_the_verbs_are_those_of_kept_sessions():
    """Callers need not know whether there is a store."""

    def signatures(owner):
        public = [name for name in vars(owner) if not name.startswith("_")]
        parameters = {name: inspect.signature(getattr(owner, name)).parameters.values() for name in public}
        return {name: [(each.name, each.kind, each.annotation) for each in found] for name, found in parameters.items()}

    assert signatures(StoredSessions) == signatures(StatelessSessions) == signatures(SessionVerbs)
