"""Access rules: which requirement meets a request."""

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from safeconduct._core.policy import Policy
from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement
from safeconduct.config import Rule
from safeconduct.errors import ConfigurationError

WORDS = ("a", "b", "c")
METHODS = ("GET", "POST", "DELETE")
segments = st.sampled_from([*WORDS, "{x}"])


@st.composite
def templates(draw):
    """Return a template over few words, so that two often meet."""
    parts = draw(st.lists(segments, max_size=3))
    named = [part if part != "{x}" else f"{{x{place}}}" for place, part in enumerate(parts)]
    return "/" + "/".join([*named, *draw(st.sampled_from([[], ["{rest...}"]]))])


paths = st.lists(st.sampled_from([*WORDS, "d"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
rules = st.builds(
    Rule,
    path=templates(),
    methods=st.lists(st.sampled_from(METHODS), max_size=2, unique=True),
    roles=st.just(("admin",)),
)
entries = st.builds(
    lambda method, path: f"{method} {path}" if method else path, st.sampled_from(["", *METHODS]), templates()
)


def policy_of(public, rules_):
    """Return a policy, or let hypothesis try another where the two contradict each other."""
    try:
        return Policy(public, rules_)
    except ConfigurationError:
        reject()


@given(st.lists(rules, max_size=4), rules, st.sampled_from(METHODS), paths)
def test_a_rule_more_never_opens(some, one, method, path):
    """Rules only tighten."""
    before = Policy((), some).requirement(method, path)
    after = Policy((), [*some, one]).requirement(method, path)

    assert after.is_open <= before.is_open
    assert after.scopes >= before.scopes
    assert set(after.role_sets) >= set(before.role_sets)


@given(st.lists(entries, max_size=3), st.lists(rules, max_size=3), st.sampled_from(METHODS), paths)
def test_what_is_open_is_named_by_an_entry_that_no_rule_beats(public, some, method, path):
    """A public entry never opens what a more specific rule closes, found by another way than the policy's own."""
    policy = policy_of(public, some)
    parts = path[1:].split("/")

    opened = policy.requirement(method, path).is_open

    named = [entry for entry in policy.public if _meets(entry, method, parts)]
    beaten = [rule for rule in policy.rules if _meets(rule, method, parts)]
    assert opened == any(all(_is_before(entry, rule) for rule in beaten) for entry in named)


def _meets(entry, method, parts):
    return (not entry.methods or method in entry.methods) and entry.template.matches(parts)


def _is_before(entry, rule):
    """Compare two entries that meet segment by segment, as the design says it."""
    rank = {"literal": 2, "name": 1, "rest": 0, "end": 2}
    pairs = [_kinds(entry), _kinds(rule)]
    for mine, other in zip(*pairs, strict=False):
        if rank[mine] != rank[other]:
            return rank[mine] > rank[other]
    return bool(entry.methods) and not rule.methods


def _kinds(entry):
    parts = entry.template.text[1:].split("/")
    kinds = ["rest" if part.endswith("...}") else "name" if part.startswith("{") else "literal" for part in parts]
    return [*kinds, "end"]


@given(st.lists(rules, max_size=3), st.sampled_from(METHODS), paths)
def test_nothing_is_open_that_nobody_opened(some, method, path):
    assert not Policy((), some).requirement(method, path).is_open


@given(st.lists(rules, max_size=3), st.sampled_from(METHODS), paths)
def test_a_slash_at_the_end_is_no_way_around_a_rule(some, method, path):
    """A router that answers ``/a/`` where ``/a`` is meant is asked at least as much."""
    assume(path != "/")
    policy = Policy((), some, default="anonymous")

    plain, slashed = policy.requirement(method, path), policy.requirement(method, path + "/")

    assert set(plain.role_sets) <= set(slashed.role_sets)
    assert slashed.is_open <= plain.is_open


@pytest.mark.parametrize(
    ("public", "rule"),
    [
        ("/a", {"path": "/a"}),
        ("/a/{x}", {"path": "/a/{y}"}),
        ("/{rest...}", {"path": "/{all...}"}),
        ("GET /a", {"path": "/a", "methods": ["GET", "POST"]}),
        ("GET /a", {"path": "/a", "methods": ["HEAD"]}),
    ],
    ids=str,
)
def test_two_that_contradict_each_other_are_refused(public, rule):
    """The error names both."""
    with pytest.raises(ConfigurationError) as caught:
        Policy([public], [Rule(roles=["admin"], **rule)])

    assert public.rpartition(" ")[2] in str(caught.value)
    assert rule["path"] in str(caught.value)


@pytest.mark.parametrize(
    ("public", "rule"),
    [
        ("/a", {"path": "/a", "methods": ["POST"]}),
        ("GET /a", {"path": "/a"}),
        ("GET /a", {"path": "/a", "methods": ["POST"]}),
        ("/a/{x}", {"path": "/a/{rest...}"}),
        ("/a", {"path": "/a/"}),
    ],
    ids=str,
)
def test_two_of_which_one_is_more_specific_are_taken(public, rule):
    policy = Policy([public], [Rule(roles=["admin"], **rule)])

    assert (1, 1) == (len(policy.public), len(policy.rules))


def test_the_default_meets_what_nobody_names():
    assert AUTHENTICATED == Policy().requirement("GET", "/x")
    assert OPEN == Policy(default="anonymous").requirement("GET", "/x")


@pytest.mark.parametrize("path", ["", "/"])
def test_the_root_is_one_path(path):
    assert Policy(["/"]).requirement("GET", path).is_open


def test_a_rule_carries_everything_that_it_asks():
    rule = Rule(
        path="/x", scopes=["s"], roles=["r"], level="explicit", max_age_seconds=5, unsafe=True, consistency="strict"
    )

    expected = Requirement(
        scopes=frozenset({"s"}),
        role_sets=(frozenset({"r"}),),
        level="explicit",
        max_age_seconds=5,
        is_unsafe=True,
        consistency="strict",
    )
    assert expected == Policy((), [rule]).requirement("GET", "/x")
