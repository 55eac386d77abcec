"""Check the configuration, and the keys and users that it names."""

import stat
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from safeconduct._keys.clients import load_client
from safeconduct._keys.folder import read_own_keys
from safeconduct._keys.generate import made_at
from safeconduct._keys.keyset import KeySet
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
_OLD_DAYS: Final = 365
_SECONDS_PER_DAY: Final = 86400
_BY_GROUP_OR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
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


def check_files(config: Config) -> Iterator[Finding]:
    """Check the keys, the users file and the clients."""
    if isinstance(config.keys, str | Path) and not str(config.keys).startswith("env:"):
        yield from _keys(Path(config.keys), config)
    yield from _users(config)
    yield from _clients(config)


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


def _keys(path: Path, config: Config) -> Iterator[Finding]:
    try:
        keys = read_own_keys(path)
    except ConfigurationError as error:
        yield fail("keys", str(error), "`safeconduct keys new` makes a folder with a key.")
        return
    for state in ("active", "next", "retired"):
        kids = [f"{entry.key.kid} ({entry.key.written})" for entry in keys.entries if entry.state == state]
        if kids:
            yield ok("keys", f"{state}: {', '.join(kids)}")
    if not any(entry.state == "active" and entry.key.use == "sig" for entry in keys.entries):
        yield fail(
            "keys",
            "there is no active signing key: no token can be issued",
            "`safeconduct keys new`, or `keys rotate`.",
        )
    for kid, reason in keys.skipped:
        yield warn("keys", f"{kid or 'a key without kid'} cannot be used: {reason}", "Remove or replace its file.")
    yield from _ages(keys)
    yield _secrets(keys, config)
    yield from _permissions("keys", [path, *path.glob("*.json")] if path.is_dir() else [path])


def _ages(keys: KeySet) -> Iterator[Finding]:
    for entry in keys.entries:
        made = made_at(entry.key.kid or "")
        if entry.state == "active" and made is not None and time.time() - made > _OLD_DAYS * _SECONDS_PER_DAY:
            yield warn(
                "keys",
                f"{entry.key.kid} is older than {_OLD_DAYS} days",
                "`keys new`, and `keys rotate` some time later.",
            )


def _secrets(keys: KeySet, config: Config) -> Finding:
    if keys.derived_keys is not None:
        return ok("keys", f"safeconduct-secrets is there, version {keys.derived_keys.current}")
    remedy = "`safeconduct keys new --secrets` makes it."
    if "basic" in config.sources or (config.login.users is not None and config.endpoints.enabled is not False):
        return fail("keys", "safeconduct-secrets is missing, and passwords and sessions need it", remedy)
    return warn("keys", "safeconduct-secrets is missing: passwords and sessions will need it", remedy)


def _users(config: Config) -> Iterator[Finding]:
    path = config.login.users
    if path is None:
        if "basic" in config.sources:
            yield warn(
                "directory",
                "there is no users file: the application must bring a directory",
                "Auth(config, directory=…), or login.users.",
            )
        return
    try:
        records = read_users(read_regular_file(path)[0].decode())
    except (OSError, ValueError, UnreadableUsers) as error:
        reason = str(error) if isinstance(error, UnreadableUsers) else type(error).__name__
        yield fail("users", f"{path} cannot be read: {reason}", "`safeconduct users add` creates one.")
        return
    disabled = sum(record.account.disabled for record in records.values())
    yield ok("users", f"{len(records)} users in {path}, {disabled} disabled; it is read again when it changes")
    yield from _permissions("users", [path])


def _clients(config: Config) -> Iterator[Finding]:
    usable = 0
    asking = [entry.client_id for entry in config.clients if set(entry.grants) - {"self_signed"}]
    if asking and config.endpoints.enabled is False:
        yield warn(
            "clients",
            f"{', '.join(asking)}: the grants other than self_signed have no effect, since no endpoint is served",
            "Remove endpoints.enabled = false, or these grants.",
        )
    for entry in config.clients:
        try:
            load_client(entry, lambda _: None)
        except ConfigurationError as error:
            yield fail(
                "clients",
                str(error).removeprefix("clients: "),
                "Set the variable, or draw a longer secret with `safeconduct clients new`.",
            )
        else:
            usable += 1
    if usable:
        signing = sum("self_signed" in entry.grants for entry in config.clients)
        yield ok(
            "clients", f"{usable} of {len(config.clients)} clients are usable; {signing} may sign their own tokens"
        )


def _permissions(subject: str, paths: list[Path]) -> Iterator[Finding]:
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            # A dangling link: the finding about unusable keys names it.
            continue
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            bits = 0o700 if path.is_dir() else 0o600
            yield fail(
                subject, f"{path} can be read or written by other users of the machine", f"chmod {bits:o} {path}"
            )
        elif mode & _BY_GROUP_OR_OTHERS and not path.is_dir():
            yield warn(subject, f"{path} can be read by its group", f"chmod 600 {path}, unless the server needs it.")
