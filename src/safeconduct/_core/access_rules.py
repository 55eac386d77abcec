"""
Find the requirement of a request: by the public entries, the rules and the default.

Rules add up.  A ``public`` entry opens what it names unless a more specific rule matches.  If a public entry and a rule
can match one request and neither is more specific, the policy is refused when it is made, and both are named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Final, Literal, NoReturn

from safeconduct._core.path_templates import LITERAL, REST, Segments, Template, TemplateTree, split_entry
from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement
from safeconduct.config.access import Rule
from safeconduct.errors import ConfigurationError, InvalidRequest

#: A method that no rule names.
_ANY_METHOD: Final = "ANY"
ANY_SEGMENT: Final = "\N{HORIZONTAL ELLIPSIS}"
"""A segment that no rule names, in place of a parameter: the same holds for every value that has no rule."""


@dataclass(frozen=True)
class Entry:
    """One entry of the policy: a template, the methods that it is for (none means all), what it requires."""

    template: Template
    methods: frozenset[str]
    requirement: Requirement

    @cached_property
    def weight(self) -> tuple[tuple[int, ...], bool]:
        """Return what orders two entries that match one request: the greater is the more specific."""
        return self.template.without_slash.specificity, bool(self.methods)

    @property
    def shape(self) -> Segments:
        """Return the template without names, capitals and final slash: entries of one shape can match one request."""
        return _folded(self.template.without_slash.shape)

    def __str__(self) -> str:
        """Return the entry as it was written."""
        return f"{','.join(sorted(self.methods))} {self.template.text}".lstrip()


class Policy:
    """The access rules of one application, compiled."""

    def __init__(
        self,
        public: Sequence[str] = (),
        rules: Sequence[Rule] = (),
        *,
        default: Literal["authenticated", "anonymous"] = "authenticated",
        preflights: Literal["refuse", "pass"] = "refuse",
    ) -> None:
        """
        Compile the rules.

        Raises:
            ConfigurationError: If a template is malformed, or a public entry and a rule can match one request and
                neither is more specific.
        """
        self.public = tuple(_public_entry(text) for text in public)
        self.rules = tuple(_rule_entry(rule) for rule in rules)
        self.has_long_lived = any(rule.long_lived for rule in rules)
        #: Whether a CORS preflight reaches the application without a credential.
        self.passes_preflights = preflights == "pass"
        self.default = OPEN if default == "anonymous" else AUTHENTICATED
        _refuse_ties(self.public, self.rules)
        self._opening: TemplateTree[Entry] = TemplateTree()
        for entry in self.public:
            self._opening.add(entry.template.segments, entry)
        #: Each rule with its index in the configuration; they add up in that order.
        self._closing: TemplateTree[tuple[int, Entry]] = TemplateTree()
        for index, entry in enumerate(self.rules):
            self._closing.add(_folded(entry.template.without_slash.segments), (index, entry))
        if any(rule.schemes is not None for rule in rules):
            self._refuse_paths_without_a_scheme()

    def requirement(self, method: str, path: str) -> Requirement:
        """
        Return what a request must bring.

        Args:
            method: The method as it came.
            path: The clean, decoded path relative to the application.
        """
        return self.requirement_of(method, (path or "/")[1:].split("/"))

    def requirement_of_all(self, method: str, readings: Sequence[Sequence[str]]) -> Requirement:
        """
        Return what a request must bring, however its path is read.

        Args:
            method: The method as it came.
            readings: The segments of the path, at least one reading of it.

        Raises:
            InvalidRequest: If the readings have different requirements: how the application reads the path is unknown.
        """
        first, *others = [self.requirement_of(method, parts) for parts in readings]
        if any(other != first for other in others):
            raise InvalidRequest("a path whose readings meet different requirements")
        return first

    def requirement_of(self, method: str, parts: Sequence[str]) -> Requirement:
        """
        Return what a request for a path that was read into segments must bring.

        Args:
            method: The method as it came.
            parts: The decoded segments of the path; the last is empty where a slash ends it.
        """
        rules = self._closing_rules(method, parts)
        if self._is_opened(method, parts, rules):
            return OPEN
        if not rules:
            return self.default
        total = rules[0].requirement
        for entry in rules[1:]:
            total += entry.requirement
        return total

    def names_as_public(self, method: str, path: str) -> bool:
        """
        Say whether a public entry names a request, in contrast to one that only the default lets pass.

        Args:
            method: The method as it came.
            path: The clean, decoded path relative to the application.
        """
        found = self._opening.find((path or "/")[1:].split("/"))
        return any(not entry.methods or method in entry.methods for entry in found)

    def rules_for_some_methods(self) -> Iterator[tuple[Entry, Requirement]]:
        """
        Yield each rule that other methods bypass by the default or a public entry, and what those require.

        A framework that does not dispatch by method itself would serve the same to them.
        """
        for entry in self.rules:
            parts = sample_of(entry.template.without_slash.segments)
            other = self.requirement_of(_ANY_METHOD, parts)
            asked = [self.requirement_of(method, parts) for method in entry.methods]
            if other in (self.default, OPEN) and any(other != each for each in asked):
                yield entry, other

    def _refuse_paths_without_a_scheme(self) -> None:
        # What matches the shortest and the longest path of a template matches all of its paths.
        longest = 1 + max(len(entry.template.segments) for entry in self.rules)
        for entry in self.rules:
            segments = entry.template.without_slash.segments
            for method in sorted(entry.methods) or [_ANY_METHOD]:
                always, sometimes = (
                    self._closing_rules(method, sample_of(segments, rest=length)) for length in (0, longest)
                )
                meeting = [each for each in always if each in sometimes]
                if sum((each.requirement for each in meeting), AUTHENTICATED).schemes == frozenset():
                    _refuse_schemes(meeting)

    def _closing_rules(self, method: str, parts: Sequence[str]) -> list[Entry]:
        # /a, /a/ and /A are one path for rules, because a framework may answer one in place of the other.
        # Falcon reads an empty segment as the value of a parameter; to collapse it is another reading of the path.
        folded = [part.casefold() for part in (parts[:-1] if parts[-1] == "" else parts)]
        found = self._closing.find(folded, with_empty_names=True)
        # Frameworks read "post" as POST; a rule must not be bypassed by a method in lower case.
        methods = {method, method.upper()}
        meeting = [each for each in found if not (each[1].methods and each[1].methods.isdisjoint(methods))]
        return [entry for _, entry in sorted(meeting, key=itemgetter(0))]

    def _is_opened(self, method: str, parts: Sequence[str], rules: Sequence[Entry]) -> bool:
        # A public entry opens exactly the path and the method that it names.
        opening = [entry for entry in self._opening.find(parts) if not entry.methods or method in entry.methods]
        if not opening or not rules:
            return bool(opening)
        return max(entry.weight for entry in opening) > max(rule.weight for rule in rules)


def sample_of(segments: Segments, *, rest: int = 1) -> list[str]:
    """
    Return the segments of one path that matches the template of *segments*.

    Each parameter is a text that no rule names, so that what holds for the path holds for every value without a rule of
    its own.

    Args:
        segments: Those of a template.
        rest: How many segments ``{rest...}`` stands for.
    """
    found: list[str] = []
    for kind, text in segments:
        found += [text] if kind == LITERAL else [ANY_SEGMENT] * (rest if kind == REST else 1)
    return found or [""]


def _folded(segments: Segments) -> Segments:
    return tuple((kind, text.casefold()) for kind, text in segments)


def _public_entry(text: str) -> Entry:
    method, path = split_entry(text)
    return Entry(Template.parse(path), _with_head(() if method is None else (method,)), OPEN)


def _rule_entry(rule: Rule) -> Entry:
    requirement = Requirement(
        scopes=frozenset(rule.scopes),
        role_sets=(frozenset(rule.roles),) if rule.roles else (),
        level=rule.level,
        max_age_seconds=rule.max_age_seconds,
        is_unsafe=rule.unsafe,
        consistency=rule.consistency,
        on_outage=rule.on_outage,
        is_long_lived=rule.long_lived,
        schemes=None if rule.schemes is None else frozenset(rule.schemes),
    )
    return Entry(Template.parse(rule.path), _with_head(rule.methods), requirement)


def _with_head(methods: Sequence[str]) -> frozenset[str]:
    return frozenset((*methods, "HEAD") if "GET" in methods else methods)


def _refuse_ties(public: Sequence[Entry], rules: Sequence[Entry]) -> None:
    """Refuse a public entry and a rule of one shape and one method, or both without any."""
    first: dict[tuple[Segments, str | None], tuple[int, Entry]] = {}
    for index, rule in enumerate(rules):
        for method in rule.methods or (None,):
            first.setdefault((rule.shape, method), (index, rule))
    for opened in public:
        ties = [first[key] for method in opened.methods or (None,) if (key := (opened.shape, method)) in first]
        if ties:
            _refuse_tie(opened, min(ties, key=itemgetter(0))[1])


def _refuse_tie(opened: Entry, rule: Entry) -> NoReturn:
    raise ConfigurationError(
        f"access.public {str(opened)!r} and the rule {str(rule)!r} meet and neither is more specific; "
        "wanted: one of them removed, or a more specific path or method"
    )


def _refuse_schemes(rules: Sequence[Entry]) -> NoReturn:
    named = " and ".join(repr(str(rule)) for rule in rules if rule.requirement.schemes is not None)
    raise ConfigurationError(
        f"access.rules: schemes: {named} meet and no kind of credential is accepted by all, so that nobody could pass; "
        "wanted: a kind that each of them accepts"
    )
