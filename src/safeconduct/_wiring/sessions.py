"""Take what sessions need from the configuration."""

from collections.abc import Callable

from safeconduct._core.decision import Clock
from safeconduct._core.directory import DirectoryPort
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import SessionStore
from safeconduct._core.sessions.binding import Binding
from safeconduct._core.sessions.context import SessionContext
from safeconduct._core.sessions.extension import SessionExtension
from safeconduct._core.sessions.issuing import AddClaims, OpaqueTokenWriter, TokenMaker
from safeconduct._core.sessions.model import Lifetimes
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct._core.sessions.stateless import StatelessSessions
from safeconduct._http.set_cookie import MAX_COOKIE_BYTES
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.issuer import TokenIssuer
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event


def session_context(  # noqa: PLR0913 - the configuration, and what it cannot hold
    config: Config,
    *,
    issuer: TokenIssuer,
    opaque: OpaqueTokenWriter | None = None,
    derived_keys: Callable[[], DerivedKeys],
    directory: DirectoryPort | None,
    passwords: Passwords | None,
    add_claims: AddClaims | None,
    clock: Clock,
    draw: Callable[[int], bytes],
    announce: Callable[[Event], None],
) -> SessionContext:
    """
    Return what the verbs on sessions work with; *issuer*, *opaque* and *add_claims* make the tokens.

    Raises:
        ConfigurationError: If *config* names no issuer.
    """
    session_keys, lives = session_keys_of(config), lifetimes_of(config)
    token_maker = TokenMaker(
        issuer,
        session_keys.issuer,
        lives,
        opaque=opaque,
        longest_cookie=MAX_COOKIE_BYTES - len(config.cookies.access),
        add_claims=add_claims,
        announce=announce,
    )
    return SessionContext(
        session_keys=session_keys,
        lives=lives,
        binding=Binding(network=config.sessions.bind_network, device=config.sessions.bind_device),
        token_maker=token_maker,
        derived_keys=derived_keys,
        directory=directory,
        passwords=passwords,
        clock=clock,
        leeway_ms=config.tokens.leeway_seconds * 1000,
        needs_proof_to_extend=config.sessions.require_proof_to_extend,
        draw=draw,
        announce=announce,
    )


def stateless_sessions(context: SessionContext, config: Config) -> StatelessSessions:
    """Return the verbs on sessions where there is no store."""
    longest_cookie = MAX_COOKIE_BYTES - len(config.cookies.refresh)
    return StatelessSessions(context, longest_cookie=longest_cookie)


def session_keys_of(config: Config) -> SessionKeys:
    """
    Return what names sessions.

    Raises:
        ConfigurationError: If *config* names no issuer.
    """
    if config.issuer is None:
        raise ConfigurationError("issuer: got nothing, wanted a name for sessions to be issued under")
    client_id = config.tokens.client_id or config.issuer
    return SessionKeys(config.issuer, client_id=client_id, shards=config.store.shards)


def lifetimes_of(config: Config) -> Lifetimes:
    """Return how long sessions and tokens live."""
    sessions, access_ms = config.sessions, config.tokens.access_lifetime_seconds * 1000
    explicit_seconds = sessions.explicit_lifetime_seconds
    return Lifetimes(
        access_ms=access_ms,
        short_absolute_ms=sessions.short_absolute_lifetime_seconds * 1000,
        absolute_ms=sessions.absolute_lifetime_seconds * 1000,
        idle_ms=sessions.idle_lifetime_seconds * 1000,
        explicit_ms=access_ms if explicit_seconds is None else explicit_seconds * 1000,
        grace_ms=sessions.refresh_grace_seconds * 1000,
        max_per_subject=sessions.max_per_subject,
    )


def session_extension(
    config: Config, revocations: Revocations | None, sessions: SessionStore | None
) -> SessionExtension | None:
    """Return what keeps connections open while their session lasts, None if no session of ours can be asked for."""
    if config.issuer is None or revocations is None or sessions is None:
        return None
    return SessionExtension(
        sessions,
        revocations,
        session_keys=session_keys_of(config),
        lives=lifetimes_of(config),
        leeway_ms=config.tokens.leeway_seconds * 1000,
    )
