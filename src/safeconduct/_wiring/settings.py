"""Take single settings out of a configuration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from safeconduct._core.access_rules import Policy
from safeconduct._core.credential_sources import Sources
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.hand_over.sending import HandOverMaker
from safeconduct._core.permissions import Permissions
from safeconduct._core.revocation import Revocations
from safeconduct._core.sessionless_tokens import IssuingRules
from safeconduct._core.store import Store
from safeconduct._core.wrapped_app import World
from safeconduct._http import environ, scope
from safeconduct._http.origin import Origin
from safeconduct._http.request import RequestReader
from safeconduct._tokens import client_tokens
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct._tokens.issuer_policy import IssuerPolicy
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.events import RuleWeakened

READERS: Final[Mapping[World, RequestReader]] = {"asgi": scope.READER, "wsgi": environ.READER}
"""What reads the requests of each world for the fast path."""

_DEFAULT_REALM = "safeconduct"


def realm_of(config: Config) -> str:
    """Return the realm that challenges name."""
    return config.audience or config.external_url or _DEFAULT_REALM


def has_pages(config: Config) -> bool:
    """Return whether there are pages for people."""
    if config.endpoints.pages is not None:
        return config.endpoints.pages
    url = config.access.sign_in_url
    return "cookie" in config.sources and (url is None or url.startswith(f"{config.endpoints.prefix}/"))


def allows_sign_in_page(config: Config) -> bool:
    """Return whether the sign-in page may be ours; it needs a directory besides."""
    return (
        "cookie" in config.sources
        and config.cookies.mode != "off"
        and config.endpoints.enabled is not False
        and has_pages(config)
    )


def public_paths(config: Config) -> tuple[str, ...]:
    """Return the public paths, including the application's sign-in page."""
    path = config.access.sign_in_url
    # A user who is redirected there to sign in must be able to open it.
    return config.access.public if path is None else (*config.access.public, path)


def permissions_of(config: Config, csrf: CsrfTokens) -> Permissions:
    """
    Compile the access rules; *csrf* makes the CSRF tokens of those who pass.

    Raises:
        ConfigurationError: If a public entry and a rule can meet with neither more specific.
    """
    access = config.access
    policy = Policy(public_paths(config), access.rules, default=access.default, preflights=access.preflights)
    return Permissions(policy, csrf)


def horizon_of(config: Config) -> int:
    """Return the largest lifetime of any token that is accepted, in seconds."""
    # Clients may be the application's too.
    clients = client_tokens.MAX_LIFETIME_SECONDS
    return max([config.tokens.max_lifetime_seconds, clients, *(trust.max_lifetime_seconds for trust in config.trust)])


def leeway_of(config: Config) -> int:
    """Return the largest leeway of any token that is accepted, in seconds."""
    return max([config.tokens.leeway_seconds, *(trust.leeway_seconds for trust in config.trust)])


def issuing_rules_of(config: Config) -> IssuingRules:
    """Return what *config* says about tokens that no sign-in makes."""
    tokens = config.tokens
    return IssuingRules(
        issuer=config.issuer,
        own_audience=config.audience,
        audiences=frozenset(tokens.audiences),
        client_id=tokens.client_id or config.issuer or "",
        max_lifetime_seconds=tokens.max_lifetime_seconds,
        leeway_seconds=tokens.leeway_seconds,
        shards=config.store.shards,
        needs_session=config.sessions.require_session,
    )


def hand_over_maker(
    config: Config, issuer: Callable[[], TokenIssuer], revocations: Revocations | None, clock: Clock
) -> HandOverMaker:
    """Return what hands browsers over to the servers that *config* names."""
    return HandOverMaker(
        issuer_name=config.issuer,
        audiences=config.tokens.audiences,
        scopes_claim=config.tokens.scopes_claim,
        roles_claim=config.tokens.roles_claim,
        issuer=issuer,
        revocations=revocations,
        clock=clock,
    )


def receives_browsers(config: Config) -> bool:
    """Return whether any issuer may hand its people over to us."""
    return any(trust.hand_over for trust in config.trust)


def require_sign_in(config: Config, *, has_directory: bool, has_secrets: bool) -> None:
    """
    Check that the users in the directory can sign in, or are not meant to.

    Raises:
        ConfigurationError: If there is a directory, and the sign-in endpoints would be missing without a word.
    """
    is_basic, is_off = "basic" in config.sources, config.endpoints.enabled is False
    if not has_directory or has_secrets or (is_off and not is_basic):
        return
    if config.keys is not None:
        raise ConfigurationError(
            "keys: got no safeconduct-secrets key, wanted one, since there is a directory: refresh tokens, CSRF tokens "
            "and the throttle are derived from it; make it with `safeconduct keys new --secrets`, or let nobody sign "
            'in: endpoints.enabled = false, and no "basic" among the sources'
        )
    # Basic needs no key, and the throttle asks for one itself if processes share a store; API keys need none either.
    if not is_basic and "api_key" not in config.sources:
        raise ConfigurationError(
            "directory: got one, and nobody can sign in, since there are no keys; wanted a folder of keys, or "
            'endpoints.enabled = false, or "basic" or "api_key" among the sources'
        )


def require_directory(config: Config, *, has_directory: bool, is_static: bool) -> None:
    """
    Check that there is a directory for the settings that ask it.

    Raises:
        ConfigurationError: If there is none to check the password that an extension needs, or none to look accounts up
            in.
    """
    if config.sessions.require_proof_to_extend and not has_directory:
        raise ConfigurationError(
            "sessions.require_proof_to_extend: got True, wanted false, since there is no directory to check a password"
        )
    if config.login.cut_off == "cached" and (is_static or not has_directory):
        raise ConfigurationError(
            "login.cut_off: got 'cached', wanted \"renewal\", since there is no directory with a lookup"
        )


def dated(policies: Sequence[IssuerPolicy], config: Config, store: Store) -> list[IssuerPolicy]:
    """Return *policies*; if the store has a clock of its own, our own tokens are dated by it."""
    if config.store.url == "none" or store.view is not None:
        return list(policies)
    return [replace(policy, is_dated_by_store=True) if policy.is_own else policy for policy in policies]


def weakened(config: Config) -> Iterator[RuleWeakened]:
    """Yield an event for every unsafe setting that takes effect."""
    if config.basic.allow_plain_http and "basic" in config.sources:
        yield RuleWeakened(switch="basic.allow_plain_http")
    if config.revocation.accept_eviction:
        yield RuleWeakened(switch="revocation.accept_eviction")
    if not config.cookies.secure and "cookie" in config.sources:
        yield RuleWeakened(switch="cookies.secure")
    if config.access.preflights == "pass":
        yield RuleWeakened(switch="access.preflights")


def sources_of(config: Config) -> Sources:
    """Return where credentials are looked for, and which origins are ours."""
    return Sources(
        config.sources,
        access_cookie=config.cookies.access,
        hidden_cookies=(config.cookies.refresh, config.cookies.device),
        own_origin=None if config.external_url is None else Origin.from_url(config.external_url),
        trusted_origins=frozenset(Origin.from_url(url) for url in config.csrf.trusted_origins),
    )
