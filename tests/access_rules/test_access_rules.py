"""Find the requirement that a request must meet: public entries, rules and the default."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import naive_access_rules
from safeconduct._core.access_rules import Policy
from safeconduct._core.path_templates import Template
from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement
from safeconduct.config import Rule
from safeconduct.errors import ConfigurationError

WORDS = ("a", "b", "A")
METHODS = ("GET", "POST", "DELETE")
segments = st.sampled_from([*WORDS, "{x}"])


@st.composite
def templates(draw):
    """Return a template over few words, so that two templates often match the same path."""
    parts = draw(st.lists(segments, max_size=3))
    named = [part if part != "{x}" else f"{{x{index}}}" for index, part in enumerate(parts)]
    return "/" + "/".join([*named, *draw(st.sampled_from([[], ["{rest...}"], [""] if named else []]))])


paths = st.lists(st.sampled_from([*WORDS, "d", ""]), max_size=4).map(lambda parts: "/" + "/".join(parts))
rules = st.builds(
    Rule,
    path=templates(),
    methods=st.lists(st.sampled_from(METHODS), max_size=2, unique=True),
    roles=st.sampled_from([("admin",), ("clerk",), ()]),
    scopes=st.sampled_from([("read",), ()]),
    unsafe=st.booleans(),
    consistency=st.sampled_from([None, "strict", "none"]),
    long_lived=st.booleans(),
    # Rules without one in common are refused.
    schemes=st.sampled_from([None, ("bearer",), ("bearer", "cookie"), ("client", "bearer")]),
)
entries = st.builds(
    lambda method, path: f"{method} {path}" if method else path, st.sampled_from(["", *METHODS]), templates()
)


@given(st.lists(rules, max_size=4), rules, st.sampled_from(METHODS), paths)
def test_a_rule_more_never_opens(some, one, method, path):
    """Adding a rule never opens a path."""
    before = Policy((), some).requirement(method, path)
    after = Policy((), [*some, one]).requirement(method, path)

    assert after.is_open <= before.is_open
    assert after.scopes >= before.scopes
    assert set(after.role_sets) >= set(before.role_sets)


cases = st.sampled_from([str, str, str.upper, str.lower])


@st.composite
def met_paths(draw, texts):
    """Return a path that one of the templates matches, or nearly matches."""
    parts = []
    for part in draw(st.sampled_from(texts))[1:].split("/"):
        if part.endswith("...}"):
            parts += draw(st.lists(st.sampled_from(["a", "b", ""]), max_size=2))
        else:
            parts.append(draw(st.sampled_from(["a", "b"])) if part.startswith("{") else draw(cases)(part))
    return "/" + "/".join(parts) + draw(st.sampled_from(["", "", "/", "/a"]))


@settings(max_examples=400)
@given(
    st.data(),
    st.lists(entries, max_size=4),
    st.lists(rules, min_size=1, max_size=5),
    st.sampled_from(["authenticated", "anonymous"]),
    st.sampled_from(["GET", "GET", "POST", "HEAD", "get", "QUERY"]),
)
def test_f2_the_tree_says_what_the_rules_say_one_by_one(data, public, some, default, method):
    """Every field is equal, including the order of added roles, and so are the contradictions."""
    contradicts = [entry for entry in public if any(naive_access_rules.contradicts(entry, rule) for rule in some)]
    if contradicts:
        with pytest.raises(ConfigurationError):
            Policy(public, some, default=default)
    public = [entry for entry in public if entry not in contradicts]
    path = data.draw(met_paths([*(entry.rpartition(" ")[2] for entry in public), *(rule.path for rule in some)]))

    policy = Policy(public, some, default=default)

    assert naive_access_rules.requirement(public, some, policy.default, method, path) == policy.requirement(
        method, path
    )


@given(st.lists(rules, max_size=3), st.sampled_from(METHODS), paths)
def test_nothing_is_open_that_nobody_opened(some, method, path):
    assert not Policy((), some).requirement(method, path).is_open


@given(st.lists(rules, max_size=3), st.sampled_from(METHODS), paths)
def test_a3_a_slash_at_the_end_does_not_bypass_a_rule(some, method, path):
    """Routers answer ``/a/`` for ``/a`` and the reverse, so both have the same requirement."""
    assume(not path.endswith("/"))
    policy = Policy((), some, default="anonymous")

    assert policy.requirement(method, path) == policy.requirement(method, path + "/")


@pytest.mark.parametrize("path", ["/admin/x", "/ADMIN/x", "/Admin/x", "/STRA\N{LATIN SMALL LETTER SHARP S}E"])
def test_a_capital_does_not_bypass_a_rule(path):
    """Some routers and file systems take one for the other; what is public is not generous."""
    closing = [Rule(path="/Admin/{rest...}", roles=["admin"]), Rule(path="/strasse", roles=["admin"])]
    policy = Policy(["/{a}/{b}", "/{a}"], closing)

    assert AUTHENTICATED != policy.requirement("GET", path) != OPEN


def test_a_public_entry_opens_one_spelling():
    policy = Policy(["/Health"])

    assert [True, False, False] == [
        policy.requirement("GET", path).is_open for path in ("/Health", "/health", "/HEALTH")
    ]


@pytest.mark.parametrize(
    ("public", "rule"),
    [
        ("/a", {"path": "/a"}),
        ("/a/{x}", {"path": "/a/{y}"}),
        ("/{rest...}", {"path": "/{all...}"}),
        ("GET /a", {"path": "/a", "methods": ["GET", "POST"]}),
        ("GET /a", {"path": "/a", "methods": ["HEAD"]}),
        ("/a", {"path": "/a/"}),
        ("/a/", {"path": "/a"}),
        ("GET /{x}/", {"path": "/{y}", "methods": ["GET"]}),
        ("/Page/{x}", {"path": "/page/{y}"}),
    ],
    ids=str,
)
def test_two_that_contradict_each_other_are_refused(public, rule):
    """The error names both entries."""
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
        ("/a/", {"path": "/{x}"}),
        ("/a", {"path": "/{x}/"}),
    ],
    ids=str,
)
def test_two_of_which_one_is_more_specific_are_taken(public, rule):
    policy = Policy([public], [Rule(roles=["admin"], **rule)])

    assert (1, 1) == (len(policy.public), len(policy.rules))


def test_the_default_applies_where_no_rule_does():
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


@pytest.mark.parametrize("template", ["/admin", "/admin/", "/{x}", "/{x}/", "/admin/{rest...}"])
@pytest.mark.parametrize("path", ["/admin", "/admin/"])
def test_a3_a_rule_meets_its_path_with_and_without_the_slash(template, path):
    policy = Policy((), [Rule(path=template, roles=["admin"])])

    assert (frozenset({"admin"}),) == policy.requirement("GET", path).role_sets


@pytest.mark.parametrize(("entry", "opened"), [("/health", "/health"), ("/health/", "/health/")])
@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_a3_a_public_entry_opens_exactly_what_it_names(entry, opened, path):
    """A public entry does not cover the path with another slash."""
    assert (path == opened) == Policy([entry]).requirement("GET", path).is_open


class Counted(str):
    """A segment that counts how often it is looked up."""

    __slots__ = ()
    looked_up = 0

    def __hash__(self):
        Counted.looked_up += 1
        return super().__hash__()

    def __eq__(self, other):
        return super().__eq__(other)


def many_rules(count):
    """Return rules of the shapes that applications have; every tenth begins with a name."""
    shapes = ["/api/r{0}/{{id}}", "/api/r{0}/{{id}}/parts/{{part}}", "/r{0}/{{rest...}}", "/api/v{0}/", "/{{t}}/r{0}"]
    return [Rule(path=shapes[index % 5].format(index), roles=["clerk"]) for index in range(count)]


@pytest.mark.parametrize("path", ["/api/r50/7", "/api/r51/7/parts/8", "/r52/a/b", "/api/v53", "/x/r54", "/n/o/n/e"])
def test_f2_a_path_is_looked_up_in_few_steps_whatever_the_number_of_rules(path):
    """A segment has at most two continuations: its literal and the name."""
    steps = []
    for count in (100, 10_000):
        policy = Policy((), many_rules(count))
        Counted.looked_up = 0
        policy.requirement_of("GET", [Counted(part) for part in path[1:].split("/")])
        steps.append(Counted.looked_up)

    assert steps[0] == steps[1]
    assert steps[1] <= 2 * len(path.split("/")) * 2


def test_f2_public_entries_and_rules_are_compared_by_their_shape(monkeypatch):
    """Each rule is looked at once, and not compared with every other rule."""
    shapes = []
    shape = Template.shape.fget
    monkeypatch.setattr(Template, "shape", property(lambda template: shapes.append(1) or shape(template)))

    Policy([f"/public/{index}" for index in range(300)], many_rules(300))

    assert len(shapes) <= 2 * 600


@pytest.mark.parametrize(
    ("public", "rules_", "expected"),
    [
        ([], [("/pay/{x}", ["GET", "POST"])], {"GET,HEAD,POST /pay/{x}": AUTHENTICATED}),
        ([], [("/", ["POST"])], {"POST /": AUTHENTICATED}),
        ([], [("/pay/{rest...}", ["POST"]), ("/pay/{x}/y", ["GET"])], {"POST /pay/{rest...}", "GET,HEAD /pay/{x}/y"}),
        (["/pay"], [("/pay", ["POST"])], {"POST /pay": OPEN}),
        ([], [("/pay", ["POST"]), ("/{rest...}", [])], {}),
        ([], [("/pay/", ["POST"]), ("/pay", [])], {}),
        ([], [("/pay", [])], {}),
    ],
)
def test_a5_a_rule_for_some_methods_is_reported_where_others_pass_by_the_default(public, rules_, expected):
    """The warning names the methods that pass, unless another rule covers them."""
    policy = Policy(public, [Rule(path=path, methods=methods, roles=["clerk"]) for path, methods in rules_])

    overlapping = {str(entry): other for entry, other in policy.rules_for_some_methods()}

    assert expected == (set(overlapping) if isinstance(expected, set) else overlapping)


def test_a5_a_rule_that_asks_no_more_than_the_default_is_not_reported():
    """No other method is left uncovered."""
    assert [] == list(Policy((), [Rule(path="/x", methods=["GET"])]).rules_for_some_methods())
