"""
Which requirement meets a request: the public entries, the rules, the default.

Rules add up.  A ``public`` entry opens what it names unless a more specific rule matches; where neither of two that can
meet is the more specific, the policy is refused when it is made, with both named (http.md, "Access rules").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement
from safeconduct._core.template import Template, split_entry
from safeconduct.config import Rule
from safeconduct.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the policy: a template, the methods that it is for (none: all), what it asks."""

    template: Template
    methods: frozenset[str]
    requirement: Requirement

    @property
    def weight(self) -> tuple[tuple[int, ...], bool]:
        """Return what orders two entries that meet: the greater is the more specific."""
        return self.template.specificity, bool(self.methods)

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
            ConfigurationError: If a template is malformed, or a public entry and a rule can meet with neither more
                specific.
        """
        self.public = tuple(_public_entry(text) for text in public)
        self.rules = tuple(_rule_entry(rule) for rule in rules)
        self.has_long_lived = any(rule.long_lived for rule in rules)
        #: Whether a CORS preflight reaches the application without a credential.
        self.passes_preflights = preflights == "pass"
        self.default = OPEN if default == "anonymous" else AUTHENTICATED
        for opened in self.public:
            for rule in self.rules:
                _refuse_tie(opened, rule)

    def requirement(self, method: str, path: str) -> Requirement:
        """
        Return what a request must bring.

        Args:
            method: The method as it came.
            path: The clean, decoded path relative to the application.
        """
        parts = (path or "/")[1:].split("/")
        rules = list(_meeting(self.rules, _guarded_methods(method), _guarded_paths(parts)))
        opened = [entry for entry in _meeting(self.public, {method}, [parts]) if _opens(entry, rules)]
        if opened:
            return OPEN
        if not rules:
            return self.default
        total = AUTHENTICATED
        for entry in rules:
            total += entry.requirement
        return total


def _guarded_methods(method: str) -> set[str]:
    # Frameworks read "post" as POST; a rule must not be passed by writing its method small.
    return {method, method.upper()}


def _guarded_paths(parts: list[str]) -> list[list[str]]:
    # Frameworks that answer /a/ where /a is meant must not open a way around the rule for /a.  Public entries get no
    # such courtesy: what they open, they name.
    return [parts, parts[:-1]] if len(parts) > 1 and parts[-1] == "" else [parts]


def _meeting(entries: Iterable[Entry], methods: set[str], paths: list[list[str]]) -> Iterable[Entry]:
    for entry in entries:
        if entry.methods and entry.methods.isdisjoint(methods):
            continue
        if any(entry.template.matches(parts) for parts in paths):
            yield entry


def _opens(opened: Entry, rules: list[Entry]) -> bool:
    return all(rule.weight < opened.weight for rule in rules)


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
        is_long_lived=rule.long_lived,
    )
    return Entry(Template.parse(rule.path), _with_head(rule.methods), requirement)


def _with_head(methods: Sequence[str]) -> frozenset[str]:
    return frozenset((*methods, "HEAD") if "GET" in methods else methods)


def _refuse_tie(opened: Entry, rule: Entry) -> None:
    if opened.template.shape != rule.template.shape or bool(opened.methods) != bool(rule.methods):
        return
    if opened.methods.isdisjoint(rule.methods) and opened.methods:
        return
    raise ConfigurationError(
        f"access.public {str(opened)!r} and the rule {str(rule)!r} meet and neither is more specific; "
        "wanted: one of them removed, or a more specific path or method"
    )
