"""Define ``Config``, the whole configuration, which all parts share."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from safeconduct.config.access import AccessConfig, EndpointConfig, ProxyConfig
from safeconduct.config.clients import Client
from safeconduct.config.cookies import CookieConfig, CsrfConfig
from safeconduct.config.cross_checks import CROSS_CHECKS
from safeconduct.config.field_errors import FieldPath, raise_for
from safeconduct.config.fields import Choice, Consistency, Keys, ListOf, OriginText, OrNone
from safeconduct.config.sections import CrossChecks, Section, check_section, checked_constructor, draft
from safeconduct.config.sessions import BasicConfig, LoginConfig, SessionConfig
from safeconduct.config.shown_values import is_table, shown
from safeconduct.config.store import RevocationConfig, StoreConfig
from safeconduct.config.tokens import TokenConfig, Trust

_SOURCES = ListOf(Choice(("bearer", "cookie", "basic", "subprotocol", "api_key", "dpop")), least=1)


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    The configuration of an ``Auth``.

    It is checked as a whole when it is made, and one error names every wrong field.  A section may be given as a
    mapping of its fields, and the store as its URL.

    Attributes:
        store: The store that processes share, or `none`. There is no default.
        issuer: The `iss` of the tokens that we issue. Needed with `keys`.
        audience: The `aud` of the tokens that we issue. Needed with `keys`.
        keys: Our keys: a folder of JWKs, a file with a JWK Set, or "env:NAME"; in code the set itself. Default: none,
            so that no tokens are issued and only those of trusted issuers are accepted.
        external_url: The origin under which clients reach the application. Needed with cookies, because the Host header
            of a request is never believed.
        sources: Where credentials are accepted: "bearer", "cookie", "basic", "subprotocol", "api_key",
            "dpop".
        access: Who may do what.
        tokens: The tokens that we issue.
        sessions: How long a sign-in lasts.
        revocation: How revocations are checked.
        cookies: The names and attributes of cookies.
        csrf: The protection against cross-site requests.
        basic: The Basic scheme.
        login: The built-in directory and the throttle.
        endpoints: The endpoints that safeconduct serves.
        proxies: The proxies in front of the application.
        trust: The foreign issuers whose tokens are accepted.
        clients: The services that are known by a secret or a key of their own.
        problem_style: The body of a refusal: RFC 9457 ("problem"), or an object with `error` and `message`
            ("error_message").
    """

    store: Annotated[
        StoreConfig,
        Section(
            StoreConfig,
            shorthand="url",
            example='store = "redis://localhost:6379/0", or store = "memory://" for a single process',
        ),
    ]
    issuer: str | None = None
    audience: str | None = None
    keys: Annotated[str | Path | Mapping[str, Any] | None, OrNone(Keys())] = field(default=None, repr=False)
    external_url: OriginText | None = None
    sources: Annotated[tuple[str, ...], _SOURCES] = ("bearer",)
    access: AccessConfig = field(default_factory=AccessConfig)
    tokens: TokenConfig = field(default_factory=TokenConfig)
    sessions: SessionConfig = field(default_factory=SessionConfig)
    revocation: RevocationConfig = field(default_factory=RevocationConfig)
    cookies: CookieConfig = field(default_factory=CookieConfig)
    csrf: CsrfConfig = field(default_factory=CsrfConfig)
    basic: BasicConfig = field(default_factory=BasicConfig)
    login: LoginConfig = field(default_factory=LoginConfig)
    endpoints: EndpointConfig = field(default_factory=EndpointConfig)
    proxies: ProxyConfig = field(default_factory=ProxyConfig)
    trust: tuple[Trust, ...] = ()
    clients: tuple[Client, ...] = ()
    problem_style: Literal["problem", "error_message"] = "problem"

    cross_checks: ClassVar[CrossChecks] = CROSS_CHECKS

    if TYPE_CHECKING:
        # The constructor of the dataclass, typed: it accepts more types than a field holds.
        def __init__(  # noqa: PLR0913 - one argument a field
            self,
            *,
            store: StoreConfig | Mapping[str, Any] | str,
            issuer: str | None = None,
            audience: str | None = None,
            keys: str | Path | Mapping[str, Any] | None = None,
            external_url: str | None = None,
            sources: Sequence[str] = ("bearer",),
            access: AccessConfig | Mapping[str, Any] = ...,
            tokens: TokenConfig | Mapping[str, Any] = ...,
            sessions: SessionConfig | Mapping[str, Any] = ...,
            revocation: RevocationConfig | Mapping[str, Any] = ...,
            cookies: CookieConfig | Mapping[str, Any] = ...,
            csrf: CsrfConfig | Mapping[str, Any] = ...,
            basic: BasicConfig | Mapping[str, Any] = ...,
            login: LoginConfig | Mapping[str, Any] = ...,
            endpoints: EndpointConfig | Mapping[str, Any] = ...,
            proxies: ProxyConfig | Mapping[str, Any] = ...,
            trust: Sequence[Trust | Mapping[str, Any]] = (),
            clients: Sequence[Client | Mapping[str, Any]] = (),
            problem_style: Literal["problem", "error_message"] = "problem",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Check the whole configuration."""
        check_section(self)

    @property
    def consistency(self) -> Consistency:
        """Return how revocations are checked if no rule says otherwise."""
        if self.store.url == "none":
            return "none"
        return self.revocation.consistency or "bounded"

    @property
    def has_bounded(self) -> bool:
        """Return whether revocations are checked in a local view for any path."""
        return "bounded" in {self.consistency, *(rule.consistency for rule in self.access.rules)}

    @classmethod
    def load(cls, path: str | Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Self:
        """
        Read the configuration of this process.

        Args:
            path: The TOML file. Default: the file that `SAFECONDUCT_CONFIG` names, else `safeconduct.toml` in the
                working directory, else no file.
            environ: The environment, whose `SAFECONDUCT_*` variables override the file.

        Raises:
            ConfigurationError: If a named file is missing, or anything in the file or in a variable is wrong.
        """
        from safeconduct.config.loading import load  # noqa: PLC0415 - only loading needs a TOML parser

        values, at, where = load(path, environ)
        return cls._made(values, at, where)

    @classmethod
    def from_toml(cls, text: str, *, base: Path | None = None) -> Self:
        """
        Read a TOML document with the table ``[safeconduct]``.

        Args:
            text: The document.
            base: The folder that relative paths start from. Default: they stay unchanged.

        Raises:
            ConfigurationError: If the document is no TOML, or anything in it is wrong.
        """
        from safeconduct.config.loading import parse  # noqa: PLC0415 - only loading needs a TOML parser

        return cls.from_mapping(parse(text), base=base)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, base: Path | None = None) -> Self:
        """
        Make a configuration from plain values, in the form of the table ``[safeconduct]``.

        Args:
            mapping: The fields; sections as mappings.
            base: The folder that relative paths start from. Default: they stay unchanged.

        Raises:
            ConfigurationError: If anything in the mapping is wrong.
        """
        at = FieldPath(base=base)
        whatever: object = mapping
        if not is_table(whatever):
            at.field("safeconduct").refuse(shown(whatever), "a mapping")
            raise_for(at.problems)
        return cls._made(mapping, at)

    @classmethod
    def _made(cls, values: Mapping[str, Any], at: FieldPath, where: str = "") -> Self:
        config: Self = draft(cls, values, at)
        raise_for(at.problems, where=where)
        return config
