"""Add requirements up, and report the most serious violation first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from result_or_error import result_or_error
from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement
from safeconduct.errors import InsufficientRights, MissingCredential, StepUpRequired
from safeconduct.principal import LEVELS, Anonymous, Principal

NOW = 1000.0
names = st.frozensets(st.sampled_from("abc"), max_size=2)
requirements = st.builds(
    Requirement,
    is_open=st.booleans(),
    scopes=names,
    role_sets=st.lists(st.frozensets(st.sampled_from("abc"), min_size=1), max_size=2).map(tuple),
    level=st.sampled_from([None, *LEVELS]),
    max_age_seconds=st.one_of(st.none(), st.integers(0, 600)),
    is_unsafe=st.booleans(),
    consistency=st.sampled_from([None, "none", "bounded", "strict"]),
    schemes=st.none() | st.frozensets(st.sampled_from(["bearer", "cookie", "client"])),
)
principals = st.builds(
    Principal,
    subject=st.sampled_from(["alice", "app"]),
    issuer=st.just("i"),
    scheme=st.sampled_from(["bearer", "subprotocol", "cookie", "basic", "client", "api_key"]),
    level=st.sampled_from(LEVELS[1:]),
    scopes=names,
    roles=names,
    client_id=st.sampled_from([None, "app"]),
    auth_time=st.one_of(st.none(), st.integers(300, 1000)),
    expires_at=st.just(2000),
)
identities = st.one_of(principals, st.builds(Anonymous))


def verdict(requirement, identity):
    """Return None for a pass, else the error's class."""
    return result_or_error(requirement.check, identity, now=NOW)


@pytest.mark.parametrize(
    ("level", "auth_time", "reason"), [("remembered", 300, "level"), ("explicit", 300, "age")], ids=["level", "age"]
)
def test_h_a_step_up_tells_the_log_what_was_too_little(level, auth_time, reason):
    """The most serious violation comes first: a remembered user may also have an old proof."""
    caller = Principal(subject="alice", issuer="i", scheme="bearer", level=level, auth_time=auth_time, expires_at=2000)

    with pytest.raises(StepUpRequired) as caught:
        Requirement(level="explicit", max_age_seconds=60).check(caller, now=NOW)

    assert reason == caught.value.reason


@given(requirements, requirements, identities)
def test_a_sum_is_never_easier(one, other, identity):
    """A principal that meets the sum meets each of the two."""
    if verdict(one + other, identity) is None:
        is_taken_for_open = (one.is_open or other.is_open) and not (one.is_open and other.is_open)
        for each in (one, other):
            assert verdict(each, identity) is None or (is_taken_for_open and each.is_open)


@given(requirements, requirements, principals)
def test_a_principal_that_passes_both_passes_the_sum(one, other, principal):
    """For requirements that are not open, the sum is no stricter than its parts together."""
    if not one.is_open and not other.is_open and verdict(one, principal) is None and verdict(other, principal) is None:
        assert verdict(one + other, principal) is None


@given(requirements, requirements, identities)
def test_the_order_of_a_sum_does_not_matter(one, other, identity):
    assert verdict(one + other, identity) is verdict(other + one, identity)
    assert (one + other).is_unsafe == (other + one).is_unsafe
    assert "strict" not in {one.consistency, other.consistency} or (one + other).consistency == "strict"


@given(identities)
def test_open_is_open(identity):
    assert verdict(OPEN, identity) is None
    expected = None if identity.is_authenticated else MissingCredential
    assert expected is verdict(AUTHENTICATED, identity)


def alice(**fields):
    """Return a principal."""
    return Principal(subject="alice", issuer="i", scheme="bearer", expires_at=2000, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"scopes": frozenset("s")}, InsufficientRights),
        ({"role_sets": (frozenset("r"),)}, InsufficientRights),
        ({"scopes": frozenset("s"), "level": "explicit"}, InsufficientRights),
        ({"level": "explicit"}, StepUpRequired),
        ({"max_age_seconds": 5}, StepUpRequired),
        ({"level": "remembered"}, None),
    ],
    ids=str,
)
def test_the_most_serious_violation_is_reported(fields, expected):
    assert expected is verdict(Requirement(**fields), alice())


@pytest.mark.parametrize(
    ("schemes", "scheme", "expected"),
    [
        (["cookie"], "cookie", None),
        (["cookie", "basic"], "basic", None),
        (["bearer"], "bearer", None),
        (["bearer"], "subprotocol", None),
        (["api_key"], "api_key", None),
        (["client"], "client", None),
        (["bearer"], "client", InsufficientRights),
        (["client"], "bearer", InsufficientRights),
        (["cookie"], "subprotocol", InsufficientRights),
        (["cookie"], "bearer", InsufficientRights),
        (["bearer"], "api_key", InsufficientRights),
        (["bearer"], "Bearer", InsufficientRights),
        ([], "bearer", InsufficientRights),
    ],
)
def test_a_credential_of_another_kind_lacks_rights(schemes, scheme, expected):
    """A subprotocol carries a bearer token; every other scheme is a kind of its own."""
    caller = Principal(subject="alice", issuer="i", scheme=scheme, expires_at=2000)

    assert expected is verdict(Requirement(schemes=frozenset(schemes)), caller)


def test_the_kind_of_a_credential_is_missed_before_its_rights():
    """A stronger sign-in would be refused too."""
    with pytest.raises(InsufficientRights) as caught:
        Requirement(schemes=frozenset(["cookie"]), scopes=frozenset("s"), level="multifactor").check(alice(), now=NOW)

    assert ("scheme", ()) == (caught.value.reason, caught.value.scopes)


@pytest.mark.parametrize(("auth_time", "expected"), [(995, None), (994, StepUpRequired), (None, StepUpRequired)])
def test_an_age_is_counted_from_the_proof(auth_time, expected):
    """A proof of exactly the maximum age passes; one of unknown age does not (RFC 9470 §4)."""
    assert expected is verdict(Requirement(max_age_seconds=5), alice(auth_time=auth_time))


def test_a_client_is_not_sent_to_step_up():
    """A client's token has no user who could step up."""
    worker = Principal(subject="w", issuer="i", scheme="bearer", expires_at=2000, client_id="w")

    assert InsufficientRights is verdict(Requirement(level="explicit"), worker)
    assert InsufficientRights is verdict(Requirement(max_age_seconds=5), worker)


def test_a_step_up_tells_what_would_do():
    with pytest.raises(StepUpRequired) as caught:
        Requirement(level="multifactor", max_age_seconds=5).check(alice(), now=NOW)

    assert ("multifactor", 5) == (caught.value.level, caught.value.max_age_seconds)
