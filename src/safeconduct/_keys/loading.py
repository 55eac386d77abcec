"""Load the keys that a configuration names, ours and those of each trusted issuer, with the rules for their tokens."""

import os
import time
from collections.abc import Callable, Mapping

from safeconduct._core.event_dispatcher import Listener
from safeconduct._keys.folder import KeyFolder
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.algorithms import CONTENT_ENCRYPTION, canonical
from safeconduct._tokens.issuer import IssuingKeys, TokenIssuer
from safeconduct._tokens.issuer_policy import ACR, IssuerPolicy
from safeconduct._tokens.key_table import KeySource, KeyTable
from safeconduct._tokens.reader import media_type
from safeconduct.config import Config, TokenConfig, Trust
from safeconduct.errors import ConfigurationError
from safeconduct.events import KeySkipped


class FixedKeySet:
    """A key set that never changes; used where the configuration holds the set itself instead of a path."""

    def __init__(self, keys: KeySet, listener: Listener) -> None:
        """
        Keep *keys*, and announce to *listener* which of them were skipped.

        Raises:
            ConfigurationError: If none is left.
        """
        for kid, reason in keys.skipped:
            listener(KeySkipped(kid=kid, reason=reason))
        if not keys.entries:
            skipped = "; ".join(f"{kid or 'a key without kid'}: {reason}" for kid, reason in keys.skipped)
            raise ConfigurationError(f"keys: no usable key in the set that was given; {skipped or 'it is empty'}")
        self._keys = keys

    def current(self) -> KeySet:
        """Return the keys."""
        return self._keys

    def table(self) -> KeyTable:
        """Return the table that the verifier looks keys up in."""
        return self._keys.table

    def reload(self) -> None:
        """Do nothing, because there are no other keys."""


OwnKeys = KeyFolder | FixedKeySet


def own_keys(config: Config, listener: Listener) -> OwnKeys | None:
    """
    Open our own keys; None if the configuration names none, so that only tokens of trusted issuers count.

    Raises:
        ConfigurationError: If there is no usable key, no key for CSRF tokens although cookies are a source, or no
            encryption key although tokens are encrypted.
    """
    source = config.keys
    if source is None:
        return None
    own: OwnKeys
    if isinstance(source, Mapping):
        own = FixedKeySet(KeySet.read(source, is_own=True), listener)
    else:
        own = KeyFolder(source, monotonic=time.monotonic, listener=listener, environ=os.environ)
    if "cookie" in config.sources and own.current().derived_keys is None:
        raise ConfigurationError(
            "keys: cookies need the safeconduct-secrets key, from which CSRF tokens are derived; "
            "make it with `safeconduct keys new --secrets`"
        )
    if config.tokens.format == "jwe":
        try:
            own.current().encryption_key()
        except ConfigurationError as error:
            raise ConfigurationError(f'tokens.format: got "jwe"; {error}') from None
    return own


def issuer_policies(config: Config, own: OwnKeys | None, listener: Listener) -> list[IssuerPolicy]:
    """
    Return the rules for each issuer whose tokens count, with the keys of the issuer.

    Raises:
        ConfigurationError: If an issuer has no usable key.
    """
    policies = [] if own is None else [own_policy(config, own)]
    return policies + [_trust_policy(trust, _trusted_keys(trust, listener)) for trust in config.trust]


def own_policy(config: Config, keys: KeySource) -> IssuerPolicy:
    """Return the rules for the tokens that we issue ourselves."""
    if config.issuer is None or config.audience is None:
        raise ConfigurationError("keys: issuer and audience are needed to issue and to verify own tokens")
    tokens = config.tokens
    return IssuerPolicy(
        issuer=config.issuer,
        audience=config.audience,
        keys=keys,
        is_own=True,
        max_lifetime_seconds=tokens.max_lifetime_seconds,
        leeway_seconds=tokens.leeway_seconds,
        levels=ACR,
        remote_user="{sub}",
        roles_claim=tokens.roles_claim,
        scopes_claim=tokens.scopes_claim,
        public_claims=frozenset(tokens.public_claims),
        people={trust.issuer: trust.remote_user for trust in config.trust if trust.hand_over},
    )


def own_issuer(
    tokens: TokenConfig,
    policy: IssuerPolicy,
    keys: Callable[[], IssuingKeys],
    randomness: Callable[[int], bytes],
) -> TokenIssuer:
    """Return what issues our own tokens, by the *policy* that they are verified by."""
    return TokenIssuer(
        policy,
        keys,
        randomness,
        is_encrypted=tokens.format == "jwe",
        algorithm=tokens.algorithm,
        client_id=tokens.client_id,
    )


def _trust_policy(trust: Trust, keys: KeySource) -> IssuerPolicy:
    """Return the rules for the tokens of a trusted issuer: its roles and levels count only as the trust maps them."""
    return IssuerPolicy(
        issuer=trust.issuer,
        audience=trust.audience,
        keys=keys,
        token_types=frozenset(media_type(each) for each in trust.token_types),
        max_lifetime_seconds=trust.max_lifetime_seconds,
        leeway_seconds=trust.leeway_seconds,
        scopes=None if trust.scopes is None else frozenset(trust.scopes),
        roles=dict(trust.roles or {}),
        levels=dict(trust.levels or {}),
        remote_user=trust.remote_user,
        roles_claim=trust.roles_claim,
        scopes_claim=trust.scopes_claim,
    )


def _trusted_keys(trust: Trust, listener: Listener) -> KeySource:
    source = trust.keys
    # The content encryption may be named, and is always meant: it is never the algorithm of a key.
    algorithms = frozenset(map(canonical, trust.algorithms)) - {CONTENT_ENCRYPTION}
    if source is None:
        raise ConfigurationError("trust.jwks and trust.discovery are not implemented yet; wanted: trust.keys")
    if isinstance(source, Mapping):
        return FixedKeySet(KeySet.read(source, algorithms=algorithms), listener)
    return KeyFolder(
        source,
        monotonic=time.monotonic,
        listener=listener,
        environ=os.environ,
        algorithms=algorithms,
        is_own=False,
    )
