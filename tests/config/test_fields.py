"""Every field by itself: what is taken, what is refused, under which name."""

from dataclasses import fields
from pathlib import Path

import pytest

import safeconduct.config
from safeconduct.config import (
    AccessConfig,
    BasicConfig,
    Config,
    CookieConfig,
    CsrfConfig,
    EndpointConfig,
    LoginConfig,
    ProxyConfig,
    RevocationConfig,
    Rule,
    SessionConfig,
    StoreConfig,
    TokenConfig,
    Trust,
)
from safeconduct.errors import ConfigurationError
from settings import TRUST, refused, said, whole

SECTIONS = {
    "access": AccessConfig,
    "tokens": TokenConfig,
    "sessions": SessionConfig,
    "revocation": RevocationConfig,
    "cookies": CookieConfig,
    "csrf": CsrfConfig,
    "basic": BasicConfig,
    "login": LoginConfig,
    "endpoints": EndpointConfig,
    "proxies": ProxyConfig,
}
REQUIRED = {"rule": {"path": "/"}, "store": {"url": "memory://"}, "trust": dict(TRUST)}

RIGHT = [
    ("access", "default", "anonymous"),
    ("access", "public", ("GET /health", "/static/{rest...}", "/", "/a/{b}/", "/users/{id}")),
    ("access", "on_invalid", "anonymous"),
    ("access", "sign_in_url", "/login"),
    ("rule", "path", "/with a space/{name}/{rest...}"),
    ("rule", "methods", ("POST", "QUERY", "VERSION-CONTROL")),
    ("rule", "scopes", ("read:all", "https://x/y")),
    ("rule", "roles", ("a clerk", "Ärztin")),
    ("rule", "level", "multifactor"),
    ("rule", "max_age_seconds", 1),
    ("rule", "consistency", "none"),
    ("rule", "unsafe", True),
    ("tokens", "algorithm", "Ed25519"),
    ("tokens", "algorithm", "HS256"),
    ("tokens", "leeway_seconds", 0),
    ("tokens", "leeway_seconds", 60),
    ("tokens", "remembered", 0),
    ("tokens", "public_claims", ("exp", "iss", "tenant")),
    ("sessions", "explicit_lifetime_seconds", 60),
    ("revocation", "staleness_seconds", 0.1),
    ("revocation", "min_replicas", 2),
    ("store", "url", "none"),
    ("store", "url", "redis://127.0.0.1"),
    ("store", "url", "redis://127.0.0.1:6379/0"),
    ("store", "url", "rediss://user:p%40ss@redis.example.com:6380/2?ssl_ca_certs=/etc/ca.pem"),
    ("store", "url", "valkey://[::1]:6379"),
    ("store", "url", "unix:///run/redis.sock?db=1"),
    ("store", "url", "unix://user:secret@/run/redis.sock"),
    ("store", "url", "redis+sentinel://a:26379,b:26379/main/0"),
    ("store", "url", "redis+cluster://:secret@a:7000,b:7001"),
    ("store", "deadline_ms", 1),
    ("store", "key_prefix", "app1:"),
    ("store", "shards", 1024),
    ("cookies", "access", "__Secure-x"),
    ("cookies", "same_site", "none"),
    (
        "csrf",
        "trusted_origins",
        ("https://a.example", "https://a.example:8443", "http://localhost:3000", "http://[::1]"),
    ),
    ("basic", "cache_seconds", 0),
    ("basic", "level", "explicit"),
    ("login", "hashing_queue", 0),
    ("endpoints", "prefix", "/api/auth"),
    ("endpoints", "enabled", False),
    ("proxies", "trusted", ("10.0.0.0/8", "::1", "127.0.0.1")),
    ("trust", "algorithms", ("EdDSA", "ECDH-ES+A256KW", "dir", "A256GCM", "A256KW")),
    ("trust", "keys", "env:IDP_KEYS"),
    ("trust", "token_type", "application/at+jwt"),
    ("trust", "scopes", ()),
    ("trust", "remote_user", "idp:{sub}"),
    ("trust", "levels", {"https://idp/loa3": "multifactor"}),
    ("trust", "roles", {"App-Admins": "admin"}),
]

WRONG = [
    ("access", "default", "open"),
    ("access", "default", None),
    ("access", "public", "/health"),
    ("access", "public", ["health"]),
    ("access", "public", ["get /health"]),
    ("access", "public", ["GET  /health"]),
    ("access", "public", ["PSOT /health"]),
    ("access", "public", [" /health"]),
    ("access", "public", ["/a b"]),
    ("access", "public", [1]),
    ("access", "public", {"a": 1}),
    ("access", "on_invalid", "refuse"),
    ("access", "sign_in_url", "//evil.example"),
    ("access", "sign_in_url", "/\\evil.example"),
    ("access", "sign_in_url", "/login?a=b"),
    ("access", "sign_in_url", "/login#x"),
    ("access", "sign_in_url", "https://idp.example/login"),
    ("access", "sign_in_url", "/a/../login"),
    ("access", "sign_in_url", ""),
    ("access", "rules", {"path": "/"}),
    ("rule", "path", "admin"),
    ("rule", "path", "^/admin"),
    ("rule", "path", ""),
    ("rule", "path", "/admin/*"),
    ("rule", "path", "/users/<id>"),
    ("rule", "path", "/users/{id:int}"),
    ("rule", "path", "/users/{}"),
    ("rule", "path", "/users/x{id}"),
    ("rule", "path", "/users/id}"),
    ("rule", "path", "/users/{1d}"),
    ("rule", "path", "/{a}/{a}"),
    ("rule", "path", "/{a}/{a...}"),
    ("rule", "path", "/{rest...}/x"),
    ("rule", "path", "//x"),
    ("rule", "path", "/a//x"),
    ("rule", "path", "/a/../x"),
    ("rule", "path", "/./x"),
    ("rule", "path", "/a%20b"),
    ("rule", "path", "/a?b=c"),
    ("rule", "path", "/a#b"),
    ("rule", "path", "/a\\b"),
    ("rule", "path", "/a\nb"),
    ("rule", "path", "GET /a"),
    ("rule", "methods", "POST"),
    ("rule", "methods", ["post"]),
    ("rule", "methods", ["PSOT"]),
    ("rule", "scopes", "pay"),
    ("rule", "scopes", ["a b"]),
    ("rule", "scopes", ['a"b']),
    ("rule", "scopes", [""]),
    ("rule", "roles", [""]),
    ("rule", "level", "anonymous"),
    ("rule", "max_age_seconds", 0),
    ("rule", "max_age_seconds", 1.0),
    ("rule", "max_age_seconds", True),
    ("rule", "consistency", "eventual"),
    ("rule", "on_outage", "ignore"),
    ("rule", "unsafe", 1),
    ("rule", "long_lived", "true"),
    ("tokens", "format", "jwt"),
    ("tokens", "algorithm", "none"),
    ("tokens", "algorithm", "EdDSA"),
    ("tokens", "algorithm", "ES256K"),
    ("tokens", "algorithm", ["ES256"]),
    ("tokens", "access_lifetime_seconds", 0),
    ("tokens", "access_lifetime_seconds", -1),
    ("tokens", "max_lifetime_seconds", 10**9),
    ("tokens", "leeway_seconds", 61),
    ("tokens", "leeway_seconds", -1),
    ("tokens", "leeway_seconds", "10"),
    ("tokens", "remembered", -1),
    ("tokens", "public_claims", ["iss", "exp", "sub"]),
    ("tokens", "public_claims", ["iss"]),
    ("tokens", "public_claims", []),
    ("tokens", "client_id", ""),
    ("tokens", "roles_claim", ""),
    ("tokens", "scopes_claim", None),
    ("sessions", "short_absolute_lifetime_seconds", 0),
    ("sessions", "idle_lifetime_seconds", 0),
    ("sessions", "absolute_lifetime_seconds", 0),
    ("sessions", "explicit_lifetime_seconds", 0),
    ("sessions", "refresh_grace_seconds", 0),
    ("sessions", "bind", "on"),
    ("sessions", "require_session", 0),
    ("revocation", "consistency", "eventual"),
    ("revocation", "staleness_seconds", 0),
    ("revocation", "staleness_seconds", float("nan")),
    ("revocation", "staleness_seconds", float("inf")),
    ("revocation", "staleness_seconds", True),
    ("revocation", "staleness_seconds", "1.0"),
    ("revocation", "on_outage", "pass"),
    ("revocation", "on_new_store", "ignore"),
    ("revocation", "min_replicas", -1),
    ("revocation", "accept_eviction", "no"),
    ("store", "url", ""),
    ("store", "url", None),
    ("store", "url", "None"),
    ("store", "url", "memory"),
    ("store", "url", "memory://x"),
    ("store", "url", "redis://"),
    ("store", "url", "redis://:secret"),
    ("store", "url", "redis://h:0"),
    ("store", "url", "redis://h:65536"),
    ("store", "url", "redis://h:6379/name"),
    ("store", "url", "redis://h#x"),
    ("store", "url", "redis+cluster://a:7000,b:70000"),
    ("store", "url", "unix://relative"),
    ("store", "url", "postgres://h"),
    ("store", "url", "redis://h\n"),
    ("store", "deadline_ms", 0),
    ("store", "deadline_ms", 250.0),
    ("store", "pool_size", 0),
    ("store", "key_prefix", ""),
    ("store", "key_prefix", "{a}"),
    ("store", "shards", 0),
    ("store", "shards", 1025),
    ("cookies", "access", ""),
    ("cookies", "access", "a b"),
    ("cookies", "refresh", "a=b"),
    ("cookies", "device", "a;b"),
    ("cookies", "mode", "on"),
    ("cookies", "secure", "yes"),
    ("cookies", "same_site", "Lax"),
    ("csrf", "trusted_origins", "https://a.example"),
    ("csrf", "trusted_origins", ["a.example"]),
    ("csrf", "trusted_origins", ["https://a.example/"]),
    ("csrf", "trusted_origins", ["http://a.example"]),
    ("csrf", "trusted_origins", ["null"]),
    ("csrf", "trusted_origins", ["*"]),
    ("csrf", "token", "never"),
    ("basic", "allow_plain_http", "yes"),
    ("basic", "cache_seconds", 61),
    ("basic", "level", "anonymous"),
    ("login", "users", ""),
    ("login", "users", 5),
    ("login", "users", "a\0b"),
    ("login", "hashing_threads", 0),
    ("login", "hashing_queue", -1),
    ("login", "failures_per_account_and_network", 0),
    ("login", "failures_per_network", 0),
    ("login", "failures_per_account", 0),
    ("endpoints", "enabled", "yes"),
    ("endpoints", "prefix", ""),
    ("endpoints", "prefix", "/"),
    ("endpoints", "prefix", "auth"),
    ("endpoints", "prefix", "/auth/"),
    ("endpoints", "prefix", "/{a}"),
    ("endpoints", "prefix", "/a/../b"),
    ("endpoints", "well_known", None),
    ("proxies", "trusted", ["10.0.0.1/8"]),
    ("proxies", "trusted", ["*"]),
    ("proxies", "trusted", ["proxy.example"]),
    ("trust", "issuer", ""),
    ("trust", "audience", " x"),
    ("trust", "algorithms", []),
    ("trust", "algorithms", "ES256"),
    ("trust", "algorithms", ["none"]),
    ("trust", "algorithms", ["dir", "A256GCM"]),
    ("trust", "keys", ""),
    ("trust", "keys", "env:"),
    ("trust", "keys", "env:A-B"),
    ("trust", "keys", 5),
    ("trust", "keys", {"kty": "oct"}),
    ("trust", "jwks", "http://idp.example/jwks"),
    ("trust", "jwks", "https://user@idp.example/jwks"),
    ("trust", "jwks", "https://idp.example/jwks#x"),
    ("trust", "discovery", "yes"),
    ("trust", "token_type", "text/html"),
    ("trust", "token_type", ""),
    ("trust", "max_lifetime_seconds", 0),
    ("trust", "leeway_seconds", 61),
    ("trust", "scopes", "read"),
    ("trust", "roles", {"a": ""}),
    ("trust", "roles", {"": "a"}),
    ("trust", "roles", {1: "a"}),
    ("trust", "roles", ["a"]),
    ("trust", "levels", {"a": "anonymous"}),
    ("trust", "remote_user", "idp"),
    ("trust", "remote_user", "{sub}{sub}"),
    ("trust", "remote_user", "{iss}:{sub}"),
    ("trust", "remote_user", "{sub}\n"),
    ("trust", "roles_claim", ""),
    ("trust", "scopes_claim", ""),
]

WRONG_IN_WHOLE = [
    ("store", 5),
    ("store", ["memory://"]),
    ("issuer", ""),
    ("issuer", 5),
    ("audience", " "),
    ("audience", ["a"]),
    ("keys", ""),
    ("keys", 5),
    ("keys", {}),
    ("external_url", "http://api.example.com"),
    ("external_url", "https://api.example.com/"),
    ("external_url", "https://api.example.com/x"),
    ("external_url", "https://api.example.com?x"),
    ("external_url", "https://api.example.com#x"),
    ("external_url", "https://user@api.example.com"),
    ("external_url", "https://api.example.com:0"),
    ("external_url", "https://api.example.com:65536"),
    ("external_url", "https://api..example.com"),
    ("external_url", "https://[::1"),
    ("external_url", "https://[:::]"),
    ("external_url", "https://"),
    ("external_url", "ftp://api.example.com"),
    ("external_url", "http://localhost.example.com"),
    ("sources", []),
    ("sources", "bearer"),
    ("sources", ["bearer", "digest"]),
    ("sources", ["bearer", "bearer"]),
    ("tokens", "jws"),
    ("trust", {}),
]


def class_of(section):
    return {"rule": Rule, "store": StoreConfig, "trust": Trust}.get(section) or SECTIONS[section]


def place(section, field, value):
    """Return the fields of a whole configuration with *value* in it, and the dotted name of its section."""
    inner = {**REQUIRED.get(section, {}), field: value}
    if section == "rule":
        return whole(access={"rules": [inner]}), "access.rules[0]"
    if section == "trust":
        return whole(trust=[inner]), "trust[0]"
    return whole(**{section: inner}), section


def _is_about(name, field):
    return name == field or name.startswith((f"{field}[", f"{field}."))


@pytest.mark.parametrize(("section", "field", "value"), RIGHT, ids=str)
def test_a_right_value_is_kept(section, field, value):
    """What the design allows is in the field as it was given."""
    given = {**REQUIRED.get(section, {}), field: list(value) if isinstance(value, tuple) else value}

    made = class_of(section)(**given)

    assert value == getattr(made, field)


@pytest.mark.parametrize(("section", "field", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_the_section(section, field, value):
    """A section that is made alone is checked alone, and the error names the field."""
    with pytest.raises(ConfigurationError) as caught:
        class_of(section)(**{**REQUIRED.get(section, {}), field: value})

    names = said(caught.value)
    assert 1 == len(names)
    assert all(_is_about(name, f"{section}.{field}") for name in names)


@pytest.mark.parametrize(("section", "field", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_the_whole(section, field, value):
    """The same value inside of a table gets the same words under its whole name."""
    given, prefix = place(section, field, value)

    names = refused(given)

    assert 1 == len(names)
    assert all(_is_about(name, f"{prefix}.{field}") for name in names)


@pytest.mark.parametrize(("field", "value"), WRONG_IN_WHOLE, ids=str)
def test_a_wrong_field_of_the_whole_is_refused(field, value):
    """The fields outside of any section are checked too."""
    names = refused(whole(**{field: value}))

    assert 1 == len(names)
    assert all(_is_about(name, field) for name in names)


@pytest.mark.parametrize(
    "origin",
    [
        "https://api.example.com",
        "https://API.example.com:8443",
        "http://localhost",
        "http://LOCALHOST:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://[2001:db8::1]",
    ],
)
def test_an_external_url_is_an_origin(origin):
    """Https anywhere, http on this machine only."""
    assert origin == Config.from_mapping(whole(external_url=origin)).external_url


def test_the_table_has_a_wrong_value_for_every_field():
    """No field goes unchecked."""
    tried = {(section, field) for section, field, _ in WRONG}

    classes = {**SECTIONS, "rule": Rule, "store": StoreConfig, "trust": Trust}
    missing = {(name, field.name) for name, cls in classes.items() for field in fields(cls)} - tried

    assert set() == missing


def test_every_wrong_field_is_named_at_once():
    """One error has a line for each, with the value seen and the value wanted."""
    names = refused(
        whole(
            store="redis://",
            tokens={"format": "jwt", "leeway_seconds": 99},
            access={"rules": [{"path": "/a"}, {"path": "b", "scope": ["x"]}]},
            cookies={"secure": False},
            trust=[{"issuer": "a"}],
        )
    )

    assert {
        "store.url",
        "tokens.format",
        "tokens.leeway_seconds",
        "access.rules[1].path",
        "access.rules[1].scope",
        "cookies.access",
        "cookies.refresh",
        "cookies.device",
        "trust[0].audience",
        "trust[0].algorithms",
        "trust[0].keys",
    } == set(names)
    assert "got 99, wanted a whole number from 0 to 60" == names["tokens.leeway_seconds"]
    assert "unknown, the nearest is 'scopes'" == names["access.rules[1].scope"]
    assert names["trust[0].audience"].startswith("got nothing, wanted")


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        (whole(acces={}), "acces", "unknown, the nearest is 'access'"),
        (whole(tokens={"formatt": 1}), "tokens.formatt", "unknown, the nearest is 'format'"),
        (whole(tokens={"Format": 1}), "tokens.Format", "unknown, the nearest is 'format'"),
        (whole(tokens={"zzz": 1}), "tokens.zzz", "unknown"),
        (whole(tokens={"a\nb": 1}), "tokens.'a\\nb'", "unknown"),
        (whole(tokens={"x" * 100: 1}), f"tokens.'{'x' * 39}…'", "unknown"),
        (whole(tokens={None: 1}), "tokens.None", "unknown"),
        (whole(tokens={5: 1}), "tokens.5", "unknown"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(given, name, expected):
    """A slip of the pen leaves nothing out silently."""
    assert {name: expected} == refused(given)


def test_a_missing_store_is_named():
    """There is no default store."""
    assert {"store"} == set(refused({key: value for key, value in whole().items() if key != "store"}))


def test_sections_are_taken_as_they_are_as_tables_and_short():
    """A section, a table of its fields, and for the store a URL make the same configuration."""
    long = Config(
        store=StoreConfig(url="memory://"),
        keys=Path("keys"),
        issuer="a",
        audience="b",
        tokens=TokenConfig(format="jwe"),
        access=AccessConfig(public=("/a",), rules=(Rule(path="/b"),)),
        trust=(Trust(**TRUST),),
    )

    short = Config(
        store="memory://",
        keys=Path("keys"),
        issuer="a",
        audience="b",
        tokens={"format": "jwe"},
        access={"public": ["/a"], "rules": [{"path": "/b"}]},
        trust=[dict(TRUST)],
    )

    assert long == short


def test_numbers_are_read_into_their_type():
    """A whole number is a right value for a number."""
    made = RevocationConfig(staleness_seconds=2)

    assert "2.0" == repr(made.staleness_seconds)


def test_tables_are_copied():
    """A configuration does not change with the table that it was made of."""
    roles = {"a": "b"}
    made = Trust(**TRUST, roles=roles)

    roles["c"] = "d"

    assert {"a": "b"} == made.roles


@pytest.mark.parametrize(
    ("url", "revocation", "expected"),
    [
        ("none", {}, "none"),
        ("none", {"consistency": "none"}, "none"),
        ("memory://", {}, "strict"),
        ("memory://", {"consistency": "strict"}, "strict"),
        ("memory://", {"consistency": "none"}, "none"),
    ],
)
def test_the_consistency_that_holds(url, revocation, expected):
    """Without a store nothing is asked; with one the store is asked, unless another is named."""
    assert expected == Config.from_mapping(whole(store=url, revocation=revocation)).consistency


def test_the_public_names_are_complete_and_sorted():
    """Every section can be imported from one place."""
    names = safeconduct.config.__all__

    assert sorted(names) == names
    assert {cls.__name__ for cls in (*SECTIONS.values(), Config, Rule, StoreConfig, Trust)} <= set(names)
