"""
Check the sections of a configuration against each other, and refuse values that are not implemented yet.

A value that is planned but not implemented is refused by name instead of being ignored.  Its row in
``NOT_IMPLEMENTED`` is deleted when it is implemented.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Final

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import SUBJECT
from safeconduct.config.sections import CrossCheck, CrossChecks
from safeconduct.config.shown_values import is_list, shown
from safeconduct.config.urls import is_secure_url


def one_of(*values: object) -> Callable[[object], bool]:
    """Return a predicate that is true for *values*."""
    return values.__contains__


def given(value: object) -> bool:
    """Return whether the field was given."""
    return value is not None


def is_on(value: object) -> bool:
    """Return whether the field is true."""
    return value is True


class NotImplementedValue:
    """Values of a field that are planned; in *name*, ``[]`` stands for every item of a list."""

    __slots__ = ("instead", "is_meant", "meant", "name")

    def __init__(self, name: str, meant: str, instead: str, is_meant: Callable[[object], bool]) -> None:
        self.name = name
        #: The values in words, and what to choose until they are implemented.
        self.meant = meant
        self.instead = instead
        self.is_meant = is_meant


NOT_IMPLEMENTED: Final = (
    NotImplementedValue("sources[]", "`dpop`", "another source than `dpop`", one_of("dpop")),
    NotImplementedValue("clients[].jwks", "every URL", "`keys` with the file of the set", given),
    NotImplementedValue("trust[].jwks", "every URL", "`keys` with the file of the set", given),
    NotImplementedValue("trust[].discovery", "`true`", "`keys` with the file of the set", is_on),
)


#: Credentials that no key of ours, or of anyone else, verifies.
_KEYLESS: Final = frozenset({"basic", "api_key"})


def find_not_implemented(config: object) -> Iterator[Problem]:
    """Find every value in *config*, which may be a draft, that is not implemented yet."""
    for row in NOT_IMPLEMENTED:
        for name, value in _values_at(config, row.name.split("."), ""):
            if row.is_meant(value):
                yield Problem(name, f"got {shown(value)}, which is not implemented yet, wanted {row.instead}")


def _values_at(section: object, path: list[str], prefix: str) -> Iterator[tuple[str, object]]:
    step, *rest = path
    name = step.removesuffix("[]")
    value: object = getattr(section, name, None)
    found: list[tuple[str, object]] = [(f"{prefix}{name}", value)]
    if name != step:
        items = enumerate(value if is_list(value) else ())
        found = [(f"{prefix}{name}[{index}]", item) for index, item in items]
    for field, item in found:
        if rest:
            yield from _values_at(item, rest, f"{field}.")
        else:
            yield field, item


if TYPE_CHECKING:
    from safeconduct.config.config import Config


def _some_credential_is_accepted(config: "Config") -> Iterator[Problem]:
    if config.keys is None and not config.trust and not config.clients and _KEYLESS.isdisjoint(config.sources):
        wanted = 'keys, a trust, a client, "basic" or "api_key" among the sources'
        yield Problem("keys", f"got nothing, wanted one of: {wanted}")


def _keys_need_issuer_and_audience(config: "Config") -> Iterator[Problem]:
    # Without both, the tokens of another service with the same key would pass (RFC 8725 §3.8, §3.9).
    for name in ("issuer", "audience"):
        if config.keys is not None and getattr(config, name) is None:
            yield Problem(name, "got nothing, wanted the name in own tokens, since there are keys")


def _cookies_need_external_url(config: "Config") -> Iterator[Problem]:
    if "cookie" in config.sources and config.external_url is None:
        yield Problem("external_url", 'got nothing, wanted an origin, since "cookie" is among the sources')


#: Our endpoints that answer GET, and would lead a person who must sign in back to where they came from, or show JSON.
_NO_PAGES: Final = frozenset({"continue", "openapi.json", "session", "sessions"})


def _sign_in_is_a_page(config: "Config") -> Iterator[Problem]:
    prefix, url = config.endpoints.prefix, config.access.sign_in_url
    path = (url or "").partition("?")[0].partition("#")[0]
    if path.startswith(f"{prefix}/") and path[len(prefix) + 1 :] in _NO_PAGES:
        yield Problem("access.sign_in_url", f"got {shown(url)}, wanted a page, not another endpoint of ours")


def _pages_need_cookies(config: "Config") -> Iterator[Problem]:
    # A browser that navigates can bring no other credential of ours.
    if config.endpoints.pages and "cookie" not in config.sources:
        yield Problem("endpoints.pages", 'got True, wanted false, since "cookie" is not among the sources')


def _continuing_needs_cookies(config: "Config") -> Iterator[Problem]:
    # `/auth/continue` renews what a browser brings by itself, and only a store knows what may be renewed.
    lacked = [
        ('"cookie" among the sources', "cookie" not in config.sources),
        ("cookies.mode other than off", config.cookies.mode == "off"),
        ("endpoints.enabled other than false", config.endpoints.enabled is False),
        ("a store", config.store.url == "none"),
        ("keys", config.keys is None),
    ]
    wanted = ", ".join(name for name, is_lacked in lacked if is_lacked)
    if config.access.continue_navigation and wanted:
        yield Problem("access.continue_navigation", f"got True, wanted {wanted}, or false")


def _sources_differ(config: "Config") -> Iterator[Problem]:
    if len(set(config.sources)) != len(config.sources):
        yield Problem("sources", "got a source twice, wanted each once")


def _none_stores_nothing(config: "Config") -> Iterator[Problem]:
    if config.store.url != "none":
        return
    if config.tokens.format == "opaque":
        yield Problem("tokens.format", 'got \'opaque\', wanted "jws" or "jwe", since the store is none')
    if config.sessions.require_session:
        yield Problem("sessions.require_session", "got True, wanted false, since the store is none")
    checked = [("revocation", config.revocation.consistency)]
    checked += [(f"access.rules[{index}]", rule.consistency) for index, rule in enumerate(config.access.rules)]
    for name, consistency in checked:
        if consistency not in {None, "none"}:
            yield Problem(f"{name}.consistency", f'got {shown(consistency)}, wanted "none", since the store is none')


def _none_counts_no_use(config: "Config") -> Iterator[Problem]:
    # Whether a token or a key was used before, only a store can tell.
    if config.store.url != "none":
        return
    if "api_key" in config.sources:
        yield Problem("sources", "got 'api_key', wanted no API keys, since the store is none")
    for index, client in enumerate(config.clients):
        if client.single_use:
            yield Problem(f"clients[{index}].single_use", "got True, wanted false, since the store is none")
    for index, trust in enumerate(config.trust):
        if trust.hand_over:
            yield Problem(f"trust[{index}].hand_over", "got True, wanted false, since the store is none")


def _hand_over_opens_sessions(config: "Config") -> Iterator[Problem]:
    lacked = [
        ("keys", config.keys is None),
        ('"cookie" among the sources', "cookie" not in config.sources),
        ("cookies.mode other than off", config.cookies.mode == "off"),
        ("endpoints.enabled other than false", config.endpoints.enabled is False),
    ]
    wanted = ", ".join(name for name, is_lacked in lacked if is_lacked)
    for index, trust in enumerate(config.trust):
        if trust.hand_over and wanted:
            message = f"got True, wanted {wanted}, since people who are handed over are signed in by a cookie"
            yield Problem(f"trust[{index}].hand_over", message)
        if trust.hand_over and not trust.hand_over_origins and not is_secure_url(trust.issuer):
            message = f"got nothing, wanted the origins of its pages, since the issuer {shown(trust.issuer)} is no URL"
            yield Problem(f"trust[{index}].hand_over_origins", message)


def _strict_rules_refuse(config: "Config") -> Iterator[Problem]:
    if config.revocation.on_outage == "serve" and not config.has_bounded:
        yield Problem("revocation.on_outage", 'got \'serve\', wanted "refuse", since no consistency is "bounded"')
    for index, rule in enumerate(config.access.rules):
        if rule.consistency is None and config.consistency == "strict" and rule.on_outage == "serve":
            message = "got 'serve', wanted \"refuse\", since revocation.consistency is strict here"
            yield Problem(f"access.rules[{index}].on_outage", message)


def _issuers_differ(config: "Config") -> Iterator[Problem]:
    seen = {config.issuer}
    for index, trust in enumerate(config.trust):
        if trust.issuer in seen:
            yield Problem(f"trust[{index}].issuer", f"got {shown(trust.issuer)}, wanted each issuer once")
        seen.add(trust.issuer)


def _clients_differ(config: "Config") -> Iterator[Problem]:
    # A client's name is the `iss` of the tokens that it signs, so that it must not be the name of anyone else.
    taken = {config.issuer, config.audience, *config.tokens.audiences, *(trust.issuer for trust in config.trust)}
    for index, client in enumerate(config.clients):
        if client.client_id in taken:
            message = f"got {shown(client.client_id)}, wanted a name that no issuer, audience or other client has"
            yield Problem(f"clients[{index}].client_id", message)
        taken.add(client.client_id)


def _clients_sign_for_an_audience(config: "Config") -> Iterator[Problem]:
    if config.clients and config.audience is None:
        yield Problem("audience", "got nothing, wanted the aud that clients sign tokens for")


def _users_differ(config: "Config") -> Iterator[Problem]:
    """Find pairs of issuers that may each have a user with the same ``REMOTE_USER``."""
    # Our own users, and those of Basic, go by their bare subject; "idp:{sub}" is assumed to differ from all of them.
    has_issuer = config.issuer is not None or config.keys is not None
    own = "our own issuer" if has_issuer else "Basic" if "basic" in config.sources else None
    foreign = [(f"trust[{n}]", trust.remote_user) for n, trust in enumerate(config.trust) if trust.remote_user]
    collisions = [(name, text, own) for name, text in foreign if own is not None and text == SUBJECT]
    collisions += [
        (name, text, other) for (other, first), (name, text) in combinations(foreign, 2) if _may_be_equal(first, text)
    ]
    for name, text, other in collisions:
        yield Problem(f"{name}.remote_user", f"got {shown(text)}, wanted a name that no user of {other} may have too")


def _may_be_equal(first: str, second: str) -> bool:
    # For some long enough subjects two templates are equal exactly if the start of one is a prefix of the start of the
    # other, and the end of one a suffix of the end of the other.
    starts, ends = zip(first.split(SUBJECT), second.split(SUBJECT), strict=True)
    start, end = sorted(starts, key=len), sorted(ends, key=len)
    return start[1].startswith(start[0]) and end[1].endswith(end[0])


CROSS_CHECKS: Final[CrossChecks] = (
    CrossCheck(("keys", "trust", "clients", "sources"), _some_credential_is_accepted),
    CrossCheck(("keys", "issuer", "audience"), _keys_need_issuer_and_audience),
    CrossCheck(("sources", "external_url"), _cookies_need_external_url),
    CrossCheck(("access.sign_in_url", "endpoints.prefix"), _sign_in_is_a_page),
    CrossCheck(("sources", "endpoints.pages"), _pages_need_cookies),
    CrossCheck(
        ("access.continue_navigation", "sources", "cookies.mode", "endpoints.enabled", "store.url", "keys"),
        _continuing_needs_cookies,
    ),
    CrossCheck(("sources",), _sources_differ),
    CrossCheck(
        ("store.url", "tokens.format", "sessions.require_session", "revocation.consistency", "access.rules"),
        _none_stores_nothing,
    ),
    CrossCheck(("store.url", "sources", "clients", "trust"), _none_counts_no_use),
    CrossCheck(("trust", "keys", "sources", "cookies.mode", "endpoints.enabled"), _hand_over_opens_sessions),
    CrossCheck(("store.url", "revocation.consistency", "access.rules"), _strict_rules_refuse),
    CrossCheck(("issuer", "trust"), _issuers_differ),
    CrossCheck(("issuer", "audience", "tokens.audiences", "trust", "clients"), _clients_differ),
    CrossCheck(("audience", "clients"), _clients_sign_for_an_audience),
    CrossCheck(("issuer", "keys", "sources", "trust"), _users_differ),
    # It reads no field, so it runs whatever else is wrong; it can handle a draft.
    CrossCheck((), find_not_implemented),
)
