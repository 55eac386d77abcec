"""Check whether parts agree: flags with schemes, rules with each other, and the log with what it is to get."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from safeconduct._core.access_rules import Entry, Policy, sample_of
from safeconduct._core.path_templates import LITERAL, REST, Segments
from safeconduct._integrations.app_inspection import Application, layers
from safeconduct._wiring.settings import allows_sign_in_page
from safeconduct.cli.doctor.finding import Finding, ok, warn
from safeconduct.config import Config

#: Beyond so many entries their comparison would take minutes.
_MOST_ENTRIES: Final = 200
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY")


def check_effects(config: Config) -> Iterator[Finding]:
    """Check what is allowed in each part of the configuration, and has no effect or none that was meant."""
    yield from _cookie_flags(config)
    yield from _forms(config)
    yield from _links(config)
    yield from _single_use(config)
    yield from _entries_without_effect(config)


def check_log() -> Iterator[Finding]:
    """Check whether refusals and faults reach the log, as the application has configured it by now."""
    logger = logging.getLogger("safeconduct")
    if logger.disabled:
        yield warn(
            "log",
            "the logger safeconduct is disabled: no refusal and no fault is logged",
            "Set disable_existing_loggers to False where the application configures logging.",
        )
    elif not logger.isEnabledFor(logging.WARNING):
        level = logging.getLevelName(logger.getEffectiveLevel())
        yield warn(
            "log",
            f"the level of the logger safeconduct is {level}: refused credentials are not logged",
            'logging.getLogger("safeconduct").setLevel("WARNING").',
        )
    elif logger.isEnabledFor(logging.DEBUG):
        yield warn(
            "log",
            "the level of the logger safeconduct is DEBUG: tracebacks may show passwords and tokens",
            "Raise it to INFO in production.",
        )
    else:
        what = "" if logger.isEnabledFor(logging.INFO) else ", and requests without a credential are not (level INFO)"
        yield ok("log", f"refused credentials and faults are logged{what}")


def check_method_override(application: Application) -> Iterator[Finding]:
    """Check whether something inside of the middleware changes the method of a request after the rules were applied."""
    names = {type(layer).__name__ for layer in _inner_layers(application)}
    for middleware in getattr(application.app, "user_middleware", ()):
        names.add(getattr(middleware.cls, "__name__", ""))
    for name in sorted(names):
        if "override" in name.lower() and "method" in name.lower():
            yield warn(
                "application",
                f"{name} changes the method of a request: a rule with methods sees the method that was sent",
                "Put it outside of the middleware, or leave methods out of the rules.",
            )


def _inner_layers(application: Application) -> Iterator[Any]:
    app = application.app
    yield from layers(getattr(app, "wsgi_app", None) or getattr(app, "asgi_app", None) or app)


def _cookie_flags(config: Config) -> Iterator[Finding]:
    url = config.external_url or ""
    if "cookie" in config.sources and url.startswith("https://") and not config.cookies.secure:
        yield warn("cookies.secure", f"cookies of {url} are sent over plain http too", "Remove cookies.secure = false.")


def _forms(config: Config) -> Iterator[Finding]:
    # Django's own check says the same where the project starts.
    if allows_sign_in_page(config) and config.csrf.token == "always":  # noqa: S105 - a setting
        yield warn(
            "csrf.token",
            "a form without a script cannot send X-CSRF-Token: a POST by it of a signed-in user is refused",
            'Set csrf.token = "fallback" for a site of forms, or endpoints.pages = false where scripts send all.',
        )


def _links(config: Config) -> Iterator[Finding]:
    # A client that looks a link up by its name finds one of them.
    for rel, number in Counter(link.rel for link in config.access.links).items():
        if number > 1:
            yield warn("access.links", f"{number} links have the rel {rel!r}", "Give each a name of its own.")


def _single_use(config: Config) -> Iterator[Finding]:
    for client in config.clients:
        if client.single_use and "self_signed" not in client.grants:
            yield warn(
                "clients",
                f"{client.client_id}: single_use has no effect without the grant self_signed",
                "Remove it, or add the grant.",
            )


def _entries_without_effect(config: Config) -> Iterator[Finding]:
    access = config.access
    if len(access.public) + len(access.rules) > _MOST_ENTRIES:
        return
    whole = Policy(access.public, access.rules, default=access.default)
    paths = _sample_paths([*whole.public, *whole.rules])
    for index, opened in enumerate(whole.public):
        rest = [text for number, text in enumerate(access.public) if number != index]
        if _is_same(whole, Policy(rest, access.rules, default=access.default), paths):
            yield warn("access.public", f"{opened} has no effect: {_WITHOUT}", "Remove it, or correct its path.")
    for index, rule in enumerate(whole.rules):
        others = [each for number, each in enumerate(access.rules) if number != index]
        if _is_same(whole, Policy(access.public, others, default=access.default), paths):
            yield warn("access.rules", f"{rule} has no effect: {_WITHOUT}", "Remove it, or correct its path.")


_WITHOUT: Final = "every request meets the same requirement without it"


def _is_same(one: Policy, other: Policy, paths: Sequence[list[str]]) -> bool:
    return all(
        one.requirement_of(method, path) == other.requirement_of(method, path)
        for path in paths
        for method in (*_METHODS, "HEAD")
    )


def _sample_paths(entries: Sequence[Entry]) -> list[list[str]]:
    """Return paths for each entry, and for each two that can match one path together, with and without a slash."""
    segments = [entry.template.without_slash.segments for entry in entries]
    found: dict[tuple[str, ...], None] = {}
    for one in segments:
        for joined in chain([one], (_joined(one, other) for other in segments)):
            if joined is not None:
                for rest in (0, 1, 2):
                    path = sample_of(joined, rest=rest)
                    found |= {tuple(path): None, (*path, ""): None}
    return [[*path] for path in found]


def _joined(one: Segments, other: Segments) -> Segments | None:
    """Return the template of the paths that both match, None if there are none."""
    found: list[Any] = []
    for index, (first, second) in enumerate(zip(one, other, strict=False)):
        if REST in {first[0], second[0]}:
            return (*found, *(other if first[0] == REST else one)[index:])
        if first[0] == second[0] == LITERAL and first != second:
            return None
        found.append(first if first[0] == LITERAL else second)
    return tuple(found) if len(one) == len(other) else None
