"""Check what the configuration alone decides."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Final

from safeconduct._tokens.issuer import Grant
from safeconduct.auth import Auth, operator_access
from safeconduct.cli.context import open_serving_auth
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.config import Config
from safeconduct.config.regular_files import read_regular_file
from safeconduct.directories.users_file_format import UnreadableUsers, read_users
from safeconduct.errors import ConfigurationError

#: "…at least 4096 bytes per cookie" — RFC 6265 §6.1
_MAX_COOKIE_BYTES: Final = 4096
#: The sources by which each kind of credential may come.
_SOURCES_OF: Final = {
    "cookie": {"cookie"},
    "bearer": {"bearer", "subprotocol"},
    "api_key": {"api_key"},
    "basic": {"basic"},
    "client": {"bearer", "subprotocol", "cookie"},
}


def check_configuration(config: Config, auth: Auth | None = None) -> Iterator[Finding]:
    """
    Check what the configuration alone decides, and how large its tokens get.

    Args:
        config: The configuration.
        auth: What an application has made of it, if there is one; it may have a directory that no field names.
    """
    yield from _unsafe_switches(config)
    yield _external_url(config)
    yield from _proxies(config)
    yield from _public_paths(config)
    yield from _schemes_without_source(config)
    yield from _token_size(config, auth)


def _unsafe_switches(config: Config) -> Iterator[Finding]:
    if config.basic.allow_plain_http:
        yield warn(
            "basic.allow_plain_http", "passwords are accepted over plain http", "Serve https, and remove the switch."
        )
    if config.access.preflights == "pass":
        yield warn(
            "access.preflights",
            "a forged CORS preflight reaches the application without a credential, on every path",
            "Put CORSMiddleware outside of AuthMiddleware, and remove the switch.",
        )
    if config.revocation.accept_eviction:
        yield warn(
            "revocation.accept_eviction",
            "a store whose memory is full may evict revocations",
            "CONFIG SET maxmemory-policy noeviction, and remove the switch.",
        )
    if not config.cookies.secure:
        yield warn("cookies.secure", "cookies travel over plain http", "Serve https, and remove the switch.")
    if config.access.default == "anonymous":
        yield warn(
            "access.default",
            "a path that no rule names is public",
            'Once every caller authenticates: set it to "authenticated", and list public paths in access.public.',
        )
    if config.consistency == "none":
        yield warn(
            "revocation.consistency",
            "revocations are never asked for: a credential is accepted until it expires",
            "Name a store that all processes see.",
        )


def _external_url(config: Config) -> Finding:
    url = config.external_url
    if url is None:
        return ok("external_url", "it is not set, and nothing here needs it")
    if url.startswith("https://"):
        return ok("external_url", url)
    return warn("external_url", f"{url} is plain http, which everybody on the network path can read", "Serve https.")


def _proxies(config: Config) -> Iterator[Finding]:
    trusted = config.proxies.trusted
    if trusted:
        yield ok(
            "proxies.trusted",
            f"{', '.join(trusted)}: each must set or remove Forwarded, X-Forwarded-For and X-Forwarded-Proto",
        )
        yield ok(
            "proxies.trusted",
            "behind granian's WSGI, a client's X_Forwarded_For replaces X-Forwarded-For unnoticed: let the proxy drop "
            "names with an underscore; hypercorn's WSGI and wsgiref join the two, and the result is ignored",
        )
        return
    text = "no proxy is named: behind one, or behind a Unix socket, the throttle counts all clients as one"
    if config.external_url is not None and config.external_url.startswith("https://"):
        remedy = 'If a proxy ends TLS, name it: proxies.trusted = ["10.0.0.5"], or ["unix"] for a Unix socket.'
        yield warn("proxies.trusted", text, remedy)
    else:
        yield ok("proxies.trusted", text)


def _public_paths(config: Config) -> Iterator[Finding]:
    public = config.access.public
    yield ok("access.public", f"public paths: {', '.join(public)}" if public else "no path is public")
    for text in public:
        if text.rpartition(" ")[2].lstrip("/").startswith("{"):
            yield warn("access.public", f"{text} makes every path public that no rule closes", "Name the public paths.")


def _schemes_without_source(config: Config) -> Iterator[Finding]:
    for rule in config.access.rules:
        schemes = rule.schemes or ()
        missing = [scheme for scheme in schemes if _SOURCES_OF[scheme].isdisjoint(config.sources)]
        if missing:
            effect = "nobody can pass" if len(missing) == len(schemes) else "nobody passes by it"
            yield warn(
                "access.rules",
                f"{rule.path}: schemes has {' and '.join(missing)}, which is not accepted here, so {effect}",
                'Add it to sources: "api_key", for example, needs sources = ["bearer", "api_key"].',
            )


def _token_size(config: Config, made: Auth | None) -> Iterator[Finding]:
    """Issue the largest token of any user in the users file, measure it, and throw it away."""
    if config.keys is None:
        return
    try:
        with open_serving_auth(config) if made is None else nullcontext(made) as auth:
            token = operator_access(auth).issue(_largest_grant(config), iat_ms=int(time.time() * 1000))
    except (ConfigurationError, UnreadableUsers) as error:
        yield fail("start", str(error), "Correct it: no application can start with it.")
        return
    text = f"the largest token of a known user has {len(token)} bytes"
    if len(token) <= _MAX_COOKIE_BYTES:
        yield ok("tokens", text)
    elif "cookie" in config.sources:
        yield fail(
            "tokens", f"{text}: no cookie holds more than {_MAX_COOKIE_BYTES}", "Give users fewer roles and scopes."
        )
    else:
        yield warn("tokens", f"{text}, and servers limit the size of a header", "Give users fewer roles and scopes.")


def _largest_grant(config: Config) -> Grant:
    grants = [Grant(subject="somebody", level="explicit", lifetime_seconds=1, auth_time=0)]
    if config.login.users is not None:
        records = read_users(read_regular_file(config.login.users)[0].decode())
        grants += [
            Grant(
                subject=record.account.subject,
                level="explicit",
                roles=record.account.roles,
                scopes=record.account.scopes,
                lifetime_seconds=1,
                auth_time=0,
            )
            for record in records.values()
        ]
    return max(grants, key=lambda grant: sum(map(len, (grant.subject, *grant.roles, *grant.scopes))))
