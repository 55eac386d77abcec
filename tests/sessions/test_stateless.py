"""The sessions that no store keeps: what the verbs give and refuse."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from login_scene import ACCESS, RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.stateless import StatelessSessions
from safeconduct._core.sessions.stored import StoredSessions
from safeconduct._core.sessions.verbs import SessionVerbs
from safeconduct._tokens.derived_keys import DerivedKeys
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
from stateless_scene import StatelessHouse, StaticFolk

DAY = 86400
WEEK = 7 * DAY
FORMATS = pytest.mark.parametrize("wire_format", ["jws", "jwe"])


@pytest.fixture
def house():
    return StatelessHouse()


def test_a_sign_in_gives_what_was_proven(house):
    tokens = house.sign_in()
    principal = house.principal(tokens)

    assert ("alice", "explicit", tokens.session_id) == (principal.subject, principal.level, principal.session_id)
    assert frozenset({"user"}) == principal.roles
    assert tokens.issued_at == principal.auth_time == tokens.csrf_generation == principal.claims["cg"]
    assert tokens.issued_at + ACCESS == tokens.expires_at
    assert tokens.renew_after is None
    assert tokens.issued_at + WEEK == tokens.refresh_token.expires_at
    assert (None, None) == (tokens.refresh_token.extend_after, tokens.refresh_token.extend_before)
    assert [SignedIn(subject="alice", session_id=tokens.session_id, level="explicit")] == house.events


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
    tokens = StatelessHouse(**lives).sign_in()

    assert tokens.issued_at + expected == tokens.refresh_token.expires_at


def test_a_long_term_credential_is_only_for_who_asks(house):
    assert house.sign_in(remember=False).refresh_token is None


def test_no_access_token_outlives_a_session_without_a_long_term_credential():
    tokens = StatelessHouse(short_absolute_lifetime_seconds=100).sign_in(remember=False)

    assert tokens.issued_at + 100 == tokens.expires_at


def test_a_disabled_account_does_not_sign_in(house):
    with pytest.raises(BadCredentials):
        house.run(house.session_verbs.sign_in(Account("alice", disabled=True), username="alice"))


def test_nothing_of_a_token_is_shown(house):
    tokens = house.sign_in()

    shown = repr(tokens) + repr(house.events)

    assert tokens.access_token not in shown
    assert tokens.refresh_token.value not in shown


def test_a_refresh_gives_the_present_level(house):
    """A level never rises without proof, and a proof counts for one short life."""
    tokens = house.sign_in(level="multifactor")
    house.clock.advance(seconds=100)
    early = house.refresh(tokens)
    house.clock.advance(seconds=ACCESS)
    late = house.refresh(tokens)

    assert ("multifactor", "remembered") == (early.level, late.level)
    assert tokens.issued_at + ACCESS == early.expires_at
    assert late.issued_at + ACCESS == late.expires_at
    assert tokens.session_id == early.session_id == late.session_id
    assert tokens.issued_at == house.principal(late).auth_time == late.csrf_generation
    assert (None, None) == (late.refresh_token, late.renew_after)


def test_a_refresh_token_counts_until_its_end(house):
    tokens = house.sign_in()
    house.clock.advance(seconds=WEEK - 10)

    assert tokens.refresh_token.expires_at == house.refresh(tokens).expires_at
    house.clock.advance(seconds=10)
    with pytest.raises(ExpiredToken):
        house.refresh(tokens)


def test_nothing_is_extended(house):
    tokens = house.sign_in()
    house.clock.advance(seconds=6 * DAY)

    with pytest.raises(NotSupported):
        house.refresh(tokens, extend=True)


def test_nothing_is_renewed(house):
    tokens = house.sign_in()
    house.clock.advance(seconds=ACCESS - 1)

    with pytest.raises(NotRenewable):
        house.run(house.session_verbs.renew(house.principal(tokens)))


def test_a_refresh_takes_the_rights_of_now(house):
    tokens = house.sign_in()
    house.folk.accounts["alice"] = Account("alice", roles=["admin"], scopes=["pay"])

    principal = house.principal(house.refresh(tokens))

    assert (frozenset({"admin"}), frozenset({"pay"})) == (principal.roles, principal.scopes)


@pytest.mark.parametrize("account", [None, Account("alice", disabled=True)], ids=["gone", "disabled"])
def test_an_account_that_is_gone_gets_no_tokens(house, account):
    tokens = house.sign_in()
    house.folk.accounts["alice"] = account

    with pytest.raises(RevokedToken):
        house.refresh(tokens)


@pytest.mark.parametrize(
    "options", [{"folk": StaticFolk(alice="wonder")}, {"has_directory": False}], ids=["static", "none"]
)
def test_who_cannot_be_asked_again_is_believed_once(options):
    """What a sign-in found holds until the next one."""
    house = StatelessHouse(**options)

    assert frozenset({"user"}) == house.principal(house.refresh(house.sign_in())).roles


def test_a_directory_that_fails_refuses_nothing_for_good(house):
    tokens = house.sign_in()
    accounts, house.folk.accounts = house.folk.accounts, None
    with pytest.raises(Unavailable):
        house.refresh(tokens)
    house.folk.accounts = accounts

    assert house.refresh(tokens)


@pytest.mark.parametrize(("used", "other"), [("header", "cookie"), ("cookie", "header")])
def test_a_session_keeps_its_transport(house, used, other):
    tokens = house.sign_in(origin=RequestOrigin(transport=used))

    with pytest.raises(BindingMismatch):
        house.refresh(tokens, origin=RequestOrigin(transport=other))
    with pytest.raises(BindingMismatch):
        house.step_up(tokens, refresh_token=tokens.refresh_token.value, origin=RequestOrigin(transport=other))
    assert used == house.refresh(tokens, origin=RequestOrigin(transport=used)).transport


@FORMATS
def test_an_access_token_is_no_refresh_token(wire_format):
    house = StatelessHouse(wire_format=wire_format)
    tokens = house.sign_in()

    with pytest.raises(InvalidToken):
        house.refresh(tokens.access_token)


@FORMATS
def test_a_refresh_token_is_no_access_token(wire_format):
    house = StatelessHouse(wire_format=wire_format)
    tokens = house.sign_in()

    with pytest.raises(InvalidToken):
        house.verifier.verify(tokens.refresh_token.value, now=house.clock())


def test_a_credential_of_a_key_that_is_gone_is_refused(house):
    tokens = house.sign_in()
    house.keys = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
    assert house.refresh(tokens)
    house.keys = DerivedKeys({2: b"2" * 32}, 2)

    with pytest.raises(UnknownKey):
        house.refresh(tokens)


def test_the_authors_claims_are_in_every_token():
    house = StatelessHouse(add_claims=lambda principal: {"tenant": principal.level})
    tokens = house.sign_in(level="multifactor")
    every = [tokens, house.refresh(tokens), house.step_up(tokens)]

    assert ["multifactor", "multifactor", "explicit"] == [house.principal(one).claims["tenant"] for one in every]


def test_a_hook_that_fails_gives_no_token():
    house = StatelessHouse(add_claims=lambda _: 1 // 0)

    with pytest.raises(Unavailable):
        house.sign_in()
    assert [HookFailed(hook="add_claims", error="ZeroDivisionError")] == house.events


@given(st.text(), st.booleans())
def test_nothing_but_our_own_errors_leaves(text, extend):
    house = StatelessHouse()
    tokens = house.sign_in()

    for verb in (
        lambda: house.refresh(text, extend=extend),
        lambda: house.step_up(tokens, refresh_token=text),
        lambda: house.step_up(tokens, text),
    ):
        with pytest.raises(AuthError):
            verb()


def test_sessions_need_an_issuer():
    config = Config(store="none", sources=["basic"], login={"users": "u.json"})

    with pytest.raises(ConfigurationError):
        SessionContext.of(
            config, issuer=None, derived_keys=None, people=None, passwords=None, add_claims=None, clock=None,
            draw=None, announce=None,
        )  # fmt: skip


def test_the_verbs_work_on_a_loop():
    house = StatelessHouse(world="asgi")
    tokens = house.sign_in()

    assert house.refresh(tokens)
    assert house.step_up(tokens)


def test_the_verbs_are_those_of_kept_sessions():
    """Whoever calls them need not know whether there is a store."""

    def signatures(owner):
        public = [name for name in vars(owner) if not name.startswith("_")]
        parameters = {name: inspect.signature(getattr(owner, name)).parameters.values() for name in public}
        return {name: [(each.name, each.kind, each.annotation) for each in found] for name, found in parameters.items()}

    assert signatures(StoredSessions) == signatures(StatelessSessions) == signatures(SessionVerbs)
