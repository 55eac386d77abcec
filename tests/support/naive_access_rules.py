"""
The access rules as the documentation tells them, one after the other and without a thought about speed.

The policy is compared with this.
"""

from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement

_RANKS = {"literal": 2, "end": 2, "name": 1, "rest": 0}


def _kind(part):
    return "rest" if part.endswith("...}") else "name" if part.startswith("{") else "literal"


def matches(template, path, *, with_empty_names=False):
    """Return whether *template* matches the whole *path*."""
    wanted, parts = template[1:].split("/"), path[1:].split("/")
    if _kind(wanted[-1]) == "rest":
        wanted.pop()
        parts = parts[: len(wanted)]
    if len(wanted) != len(parts):
        return False
    return all(
        with_empty_names or part != "" if _kind(one) == "name" else part == one
        for one, part in zip(wanted, parts, strict=True)
    )


def without_slash(text):
    """Return a path or a template without one slash at its end; the root is the root."""
    return text[:-1] if text.endswith("/") and text != "/" else text


def weight(template, methods):
    """Return the sort key of a template among those that match a path, segment by segment."""
    text = without_slash(template)
    kinds = [] if text == "/" else [_kind(part) for part in text[1:].split("/")]
    ranks = [_RANKS[kind] for kind in (kinds if kinds[-1:] == ["rest"] else [*kinds, "end"])]
    return ranks, bool(methods)


def _with_head(methods):
    return {*methods, "HEAD"} if "GET" in methods else {*methods}


def _split(entry):
    method, _, template = entry.rpartition(" ")
    return template, _with_head([method]) if method else set()


def meets(rule, method, path):
    """Return whether *rule* covers a request, without regard to a final slash, capitals or the method's case."""
    methods = _with_head(rule.methods)
    is_meant = not methods or bool({method, method.upper()} & methods)
    is_root = path in {"", "/"}
    if without_slash(rule.path) == "/":
        return is_meant and is_root
    wanted, asked = (without_slash(each).casefold() for each in (rule.path, path or "/"))
    return is_meant and matches(wanted, asked, with_empty_names=not is_root)


def contradicts(entry, rule):
    """Return whether a public entry and a rule can match one path with neither more specific."""
    (template, opened), closed = _split(entry), _with_head(rule.methods)

    def shape(text):
        return ["{}" if _kind(part) == "name" else _kind(part) == "rest" or part for part in text[1:].split("/")]

    is_same = shape(without_slash(template).casefold()) == shape(without_slash(rule.path).casefold())
    return is_same and bool(opened) == bool(closed) and (not opened or bool(opened & closed))


def requirement(public, rules, default, method, path):
    """Return what a request must bring."""
    meeting = [rule for rule in rules if meets(rule, method, path)]
    named = [_split(entry) for entry in public]
    named = [each for each in named if matches(each[0], path or "/") and (not each[1] or method in each[1])]
    if any(all(weight(rule.path, rule.methods) < weight(*each) for rule in meeting) for each in named):
        return OPEN
    if not meeting:
        return default
    return sum((_of(rule) for rule in meeting), AUTHENTICATED)


def _of(rule):
    return Requirement(
        scopes=frozenset(rule.scopes),
        role_sets=(frozenset(rule.roles),) if rule.roles else (),
        level=rule.level,
        max_age_seconds=rule.max_age_seconds,
        is_unsafe=rule.unsafe,
        consistency=rule.consistency,
        is_long_lived=rule.long_lived,
        schemes=None if rule.schemes is None else frozenset(rule.schemes),
    )
