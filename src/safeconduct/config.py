"""The one shared configuration: frozen, nested, checked whole when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from safeconduct.principal import Level

Consistency = Literal["bounded", "strict", "none"]
Outage = Literal["refuse", "serve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    path: str
    methods: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    level: Level | None = None
    max_age_seconds: int | None = None
    consistency: Consistency | None = None
    on_outage: Outage | None = None
    unsafe: bool = False
    long_lived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    default: Literal["authenticated", "anonymous"] = "authenticated"
    public: tuple[str, ...] = ()
    on_invalid: Literal["reject", "anonymous"] = "reject"
    sign_in_url: str | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    format: Literal["jws", "jwe", "opaque"] = "jws"
    algorithm: str = "ES256"
    access_lifetime_seconds: int = 900
    max_lifetime_seconds: int = 86400
    leeway_seconds: int = 10
    remembered: int = 10000
    public_claims: tuple[str, ...] = ("iss", "aud", "iat", "exp")
    client_id: str | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    short_absolute_lifetime_seconds: int = 43200
    idle_lifetime_seconds: int = 1209600
    absolute_lifetime_seconds: int = 2592000
    explicit_lifetime_seconds: int | None = None
    refresh_grace_seconds: int = 10
    bind: Literal["off", "event", "refuse"] = "off"
    require_session: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationConfig:
    consistency: Consistency | None = None
    staleness_seconds: float = 1.0
    on_outage: Outage = "refuse"
    on_new_store: Literal["accept", "refuse"] = "accept"
    min_replicas: int = 0
    accept_eviction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    url: str = field(repr=False)
    deadline_ms: int = 250
    pool_size: int = 20
    key_prefix: str = "safeconduct:"
    shards: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieConfig:
    access: str = "__Host-safeconduct"
    refresh: str = "__Host-safeconduct-refresh"
    device: str = "__Host-safeconduct-device"
    mode: Literal["offer", "require", "off"] = "offer"
    secure: bool = True
    same_site: Literal["lax", "strict", "none"] = "lax"


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfConfig:
    trusted_origins: tuple[str, ...] = ()
    token: Literal["always", "fallback"] = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicConfig:
    allow_plain_http: bool = False
    cache_seconds: int = 60
    level: Level = "remembered"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginConfig:
    users: Path | None = None
    hashing_threads: int = 2
    hashing_queue: int = 32
    failures_per_account_and_network: int = 5
    failures_per_network: int = 50
    failures_per_account: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    enabled: bool | None = None
    prefix: str = "/auth"
    well_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    keys: str | Path | Mapping[str, Any] | None = field(default=None, repr=False)
    jwks: str | None = None
    discovery: bool = False
    token_type: str = "at+jwt"
    max_lifetime_seconds: int = 86400
    leeway_seconds: int = 10
    scopes: tuple[str, ...] | None = None
    roles: Mapping[str, str] | None = None
    levels: Mapping[str, Level] | None = None
    remote_user: str | None = None
    roles_claim: str = "roles"
    scopes_claim: str = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    store: StoreConfig
    issuer: str | None = None
    audience: str | None = None
    keys: str | None = None
    external_url: str | None = None
    sources: tuple[str, ...] = ("bearer",)
    access: AccessConfig = AccessConfig()
    tokens: TokenConfig = TokenConfig()
    sessions: SessionConfig = SessionConfig()
    revocation: RevocationConfig = RevocationConfig()
    cookies: CookieConfig = CookieConfig()
    csrf: CsrfConfig = CsrfConfig()
    basic: BasicConfig = BasicConfig()
    login: LoginConfig = LoginConfig()
    endpoints: EndpointConfig = EndpointConfig()
    proxies: ProxyConfig = ProxyConfig()
    trust: tuple[Trust, ...] = ()
