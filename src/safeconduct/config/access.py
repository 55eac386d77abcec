"""Configure who may do what, where the endpoints are, and which proxies are trusted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from safeconduct.config.field_errors import Problem, shown
from safeconduct.config.fields import Consistency, Outage, ProvenLevel, Scope, Seconds, Text
from safeconduct.config.sections import CrossCheck, CrossChecks, check, checked_constructor
from safeconduct.config.template_syntax import METHODS, is_public_entry, is_template, respelled
from safeconduct.config.urls import is_location, is_prefix, is_proxy

_TEMPLATE = 'a template such as "/literal/{name}/{rest...}", decoded, {rest...} only last, each name once'


def _with_our_spelling(is_right: Callable[[str], object]) -> Callable[[str], str]:
    """Return a function that shows a wrong template, with our spelling of it if that is known."""

    def show(text: str) -> str:
        ours = respelled(text, is_right)
        return shown(text) if ours is None else f"{shown(text)} (here: {shown(ours)})"

    return show


_METHODS = Text('a registered method in capitals, such as "POST"', METHODS.__contains__)


def _strict_refuses(rule: "Rule") -> Iterator[Problem]:
    # "any error is `Unavailable`, whatever `on_outage` says (that belongs to `bounded` …)": a rule that names both
    # was written by somebody who expects something else.
    if rule.consistency == "strict" and rule.on_outage == "serve":
        yield Problem("on_outage", 'got \'serve\', wanted "refuse" where consistency is "strict"')


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    What requests to one template must bring, beyond a valid credential.

    Requirements add up over all rules that match; a rule only ever tightens.

    Attributes:
        path: The template that the path relative to the application must match as a whole.
        methods: The methods that the rule is for; GET includes HEAD. None: all of them.
        scopes: Scopes that are needed, all of them.
        roles: Roles of which one is enough.
        level: The weakest level that will do.
        max_age_seconds: How old the proof of the user may be, in seconds.
        consistency: How surely a revocation must be seen here. Default: as for all, in `revocation.consistency`.
        on_outage: What happens here while revocations cannot be asked. Default: as for all, in `revocation.on_outage`.
        unsafe: Whether GET and HEAD take the steps against cross-site requests too, because they change something.
        long_lived: Whether the response is watched and ended with its credential.
    """

    path: Annotated[str, Text(_TEMPLATE, is_template, show=_with_our_spelling(is_template))]
    methods: tuple[Annotated[str, _METHODS], ...] = ()
    scopes: tuple[Scope, ...] = ()
    roles: tuple[str, ...] = ()
    level: ProvenLevel | None = None
    max_age_seconds: Seconds | None = None
    consistency: Consistency | None = None
    on_outage: Outage | None = None
    unsafe: bool = False
    long_lived: bool = False

    cross_checks: ClassVar[CrossChecks] = (CrossCheck(("consistency", "on_outage"), _strict_refuses),)

    def __post_init__(self) -> None:
        """Check the rule."""
        check(self, "rule")


_PUBLIC_ENTRY = Text(f"an optional method and {_TEMPLATE}", is_public_entry, show=_with_our_spelling(is_public_entry))


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    """
    The access rules of an application.

    Attributes:
        default: What a path needs that no entry names: a proven caller, because what was forgotten must not be open; or
            nothing ("anonymous"), so that callers are only recognised, and rules and `requires` close.
        public: What is open to everybody: a template, or a method and a template.
        on_invalid: What a bad credential in a header gets on a public path: its refusal, because a client that sends
            one wants to know; or it counts as none. A bad cookie always counts as none there.
        sign_in_url: The path to which a person's navigation is sent (303, with `?next=`) instead of a 401; it is
            public.
        preflights: What a CORS preflight without a credential gets on a closed path: a refusal like any other request,
            because anybody can forge one and an application that does not dispatch by method would answer it; or it is
            let through as nobody ("pass"), for an application whose CORS middleware stands inside of ours.
        rules: What single paths need beyond that.
    """

    default: Literal["authenticated", "anonymous"] = "authenticated"
    public: tuple[Annotated[str, _PUBLIC_ENTRY], ...] = ()
    on_invalid: Literal["reject", "anonymous"] = "reject"
    sign_in_url: Annotated[str, Text("a path on this site that begins with exactly one /", is_location)] | None = None
    preflights: Literal["refuse", "pass"] = "refuse"
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "access")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """
    The own endpoints.

    Attributes:
        enabled: Whether login, refresh, logout and the like are served. Default: where a directory is configured, which
            then needs the safeconduct-secrets key.
        prefix: The path below which they are.
        well_known: Whether `/.well-known/jwks.json` is served.
    """

    enabled: bool | None = None
    prefix: Annotated[str, Text('a path such as "/auth", without a slash at its end', is_prefix)] = "/auth"
    well_known: bool = True

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "endpoints")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """
    The proxies in front of the application.

    Attributes:
        trusted: Addresses or networks whose `Forwarded` and `X-Forwarded-*` count, walked from the right; `"unix"` is a
            peer without an address, as behind a Unix socket. None, because anybody can send such a field.
    """

    trusted: tuple[Annotated[str, Text('an IP address, a network such as 10.0.0.0/8, or "unix"', is_proxy)], ...] = ()

    def __post_init__(self) -> None:
        """Check the section."""
        check(self, "proxies")
