"""Configure who may do what, where the endpoints are, and which proxies are trusted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import Choice, Consistency, ListOf, OrNone, Outage, ProvenLevel, ScopeName, Seconds, Text
from safeconduct.config.sections import CrossCheck, CrossChecks, check_section, checked_constructor
from safeconduct.config.shown_values import shown
from safeconduct.config.template_syntax import METHODS, is_public_entry, is_template, respelled
from safeconduct.config.urls import is_location, is_prefix, is_proxy

_TEMPLATE = 'a path template such as "/literal/{name}/{rest...}", not percent-encoded, {rest...} last, each name once'


def _with_our_spelling(is_right: Callable[[str], object]) -> Callable[[str], str]:
    """Return a function that shows a wrong template, with our spelling of it if that is known."""

    def show(text: str) -> str:
        ours = respelled(text, is_right)
        return shown(text) if ours is None else f"{shown(text)} (here: {shown(ours)})"

    return show


_METHODS = Text('a registered method in capitals, such as "POST"', METHODS.__contains__)

SCHEMES: Final = ("cookie", "bearer", "api_key", "basic", "client")
"""The kinds of credentials that a rule may demand."""


def _strict_refuses(rule: "Rule") -> Iterator[Problem]:
    # "strict" refuses every request while the store cannot be asked, so "serve" would have no effect.
    if rule.consistency == "strict" and rule.on_outage == "serve":
        yield Problem("on_outage", 'got \'serve\', wanted "refuse" where consistency is "strict"')


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    What requests to one path must have, beyond a valid credential.

    The requirements of all matching rules add up, so a rule never opens a path.

    Attributes:
        path: The template that the whole path, relative to the application, must match.
        methods: The methods that the rule applies to; GET includes HEAD. None: all methods.
        scopes: The scopes that are needed, all of them.
        roles: The roles of which one is needed.
        level: The lowest level that is accepted.
        max_age_seconds: How long ago the user may have authenticated, in seconds.
        consistency: How revocations are checked here. Default: `revocation.consistency`.
        on_outage: What happens here while revocations cannot be checked. Default: `revocation.on_outage`.
        unsafe: Whether GET and HEAD are protected against cross-site requests too, because they change something.
        long_lived: Whether the response is watched, and closed when its credential ends.
        schemes: The kinds of credentials that are accepted: "cookie"; "bearer", a user's token; "api_key"; "basic";
            "client", a token of a service. Default: all.
    """

    path: Annotated[str, Text(_TEMPLATE, is_template, show=_with_our_spelling(is_template))]
    methods: tuple[Annotated[str, _METHODS], ...] = ()
    scopes: tuple[ScopeName, ...] = ()
    roles: tuple[str, ...] = ()
    level: ProvenLevel | None = None
    max_age_seconds: Seconds | None = None
    consistency: Consistency | None = None
    on_outage: Outage | None = None
    unsafe: bool = False
    long_lived: bool = False
    schemes: Annotated[tuple[str, ...] | None, OrNone(ListOf(Choice(SCHEMES), least=1))] = None

    cross_checks: ClassVar[CrossChecks] = (CrossCheck(("consistency", "on_outage"), _strict_refuses),)

    def __post_init__(self) -> None:
        """Check the rule."""
        check_section(self, "rule")


_PUBLIC_ENTRY = Text(f"an optional method and {_TEMPLATE}", is_public_entry, show=_with_our_spelling(is_public_entry))


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    Something that the application offers, listed in `GET /auth/session` for callers who may use it.

    Attributes:
        rel: Its name for the client, such as "pay".
        method: The method of the request.
        path: The template of the path, relative to the application; its parameters are for the client to fill in.
    """

    rel: str
    method: Annotated[str, _METHODS]
    path: Annotated[str, Text(_TEMPLATE, is_template, show=_with_our_spelling(is_template))]

    def __post_init__(self) -> None:
        """Check the link."""
        check_section(self, "link")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    """
    The access rules of an application.

    Attributes:
        default: What a path needs if neither `public` nor a rule names it: a signed-in caller ("authenticated"), so
            that a forgotten path is closed; or nothing ("anonymous"), so that only rules and `requires` close paths.
        public: The paths that are open to everyone: a template, or a method and a template.
        on_invalid: What happens to a bad credential in a header on a public path: the request is refused ("reject"),
            so that the client learns of it, or the caller is anonymous. With a bad cookie the caller is always
            anonymous there.
        sign_in_url: The path of the sign-in page. A browser that navigates without a credential is redirected there
            (303, with `?next=`) instead of getting a 401. The path is public.
        continue_navigation: Whether a browser that navigates, to a public page too, is redirected to `/auth/continue`
            with an access cookie past half-life, or with none that is valid and a refresh cookie, to renew or refresh
            it there. Needs cookies and a store. Otherwise nothing renews unasked.
        preflights: What happens to a CORS preflight without a credential on a closed path: it is refused like any other
            request ("refuse"), because anyone can forge one and an application that does not dispatch by method would
            answer it; or it passes as anonymous ("pass"), for an application whose CORS middleware is inside ours.
        rules: The requirements of single paths.
        links: What the application offers; a caller is shown those that the rules let them use.
    """

    default: Literal["authenticated", "anonymous"] = "authenticated"
    public: tuple[Annotated[str, _PUBLIC_ENTRY], ...] = ()
    on_invalid: Literal["reject", "anonymous"] = "reject"
    sign_in_url: Annotated[str, Text("a path on this site that begins with exactly one /", is_location)] | None = None
    continue_navigation: bool = False
    preflights: Literal["refuse", "pass"] = "refuse"
    rules: tuple[Rule, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "access")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """
    The endpoints that safeconduct serves.

    Attributes:
        enabled: Whether login, refresh, logout and the other endpoints are served. Default: if a directory is
            configured; they need the safeconduct-secrets key.
        prefix: The path prefix of the endpoints. With "", they are at the root, such as `/login`; there the same paths
            with other methods are the application's, and `openapi.json` is not served.
        well_known: Whether `/.well-known/jwks.json` is served, and with clients that may ask for tokens
            `/.well-known/oauth-authorization-server`.
        login_answer: What a sign-in answers besides the standard names: nothing ("standard"), or the access token as
            `token` ("token").
        pages: Whether there are pages for people: a sign-in page, redirections after forms, and refusals as HTML.
            Default: if "cookie" is among the sources, and `access.sign_in_url` is unset or below the prefix.
        title: The name of the application on these pages. Default: none is shown.
    """

    enabled: bool | None = None
    prefix: Annotated[str, Text('a path such as "/auth", without a slash at its end, or ""', is_prefix)] = "/auth"
    well_known: bool = True
    login_answer: Literal["standard", "token"] = "standard"
    pages: bool | None = None
    title: Annotated[str, Text("at least one character", bool)] | None = None

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "endpoints")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """
    The proxies in front of the application.

    Attributes:
        trusted: The addresses or networks whose `Forwarded` and `X-Forwarded-*` are believed, read from the right;
            `"unix"` is a peer without an address, as on a Unix socket. Default: none, because anyone can send these
            headers.
    """

    trusted: tuple[Annotated[str, Text('an IP address, a network such as 10.0.0.0/8, or "unix"', is_proxy)], ...] = ()

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "proxies")
