"""The keys that a configuration names: our own, and those of every issuer that is trusted."""

import os
import time
from collections.abc import Callable, Mapping

from safeconduct._keys.folder import KeyFolder, Listener
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer_policy import Policy, own_policy, trust_algorithms, trust_policy
from safeconduct._tokens.key_table import KeySource, KeyTable
from safeconduct.config import Config, Trust
from safeconduct.errors import ConfigurationError
from safeconduct.events import Event, KeySkipped


class FixedKeySet:
    """A set of keys in the place of a folder."""

    def __init__(self, keys: KeySet, listener: Callable[[Event], None]) -> None:
        """
        Keep *keys*, and tell *listener* which of them were refused.

        Raises:
            ConfigurationError: If none is left.
        """
        for kid, reason in keys.skipped:
            listener(KeySkipped(kid=kid, reason=reason))
        if not keys.entries:
            told = "; ".join(f"{kid or 'a key without kid'}: {reason}" for kid, reason in keys.skipped)
            raise ConfigurationError(f"keys: no usable key in the set that was given; {told or 'it is empty'}")
        self._keys = keys

    def current(self) -> KeySet:
        """Return the keys."""
        return self._keys

    def table(self) -> KeyTable:
        """Return what the verifier asks."""
        return self._keys.table

    def look_again(self) -> None:
        """Do nothing: there are no other keys."""


OwnKeys = KeyFolder | FixedKeySet


def own_keys(config: Config, listener: Listener) -> OwnKeys | None:
    """
    Open our own keys, or return None where there are none and foreign tokens alone count.

    Raises:
        ConfigurationError: If there is no usable key, none for CSRF tokens where cookies are a source, or none for the
            envelopes of encrypted tokens.
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
            own.current().sealing_key()
        except ConfigurationError as error:
            raise ConfigurationError(f'tokens.format: got "jwe"; {error}') from None
    return own


def issuer_rules(config: Config, own: OwnKeys | None, listener: Listener) -> list[Policy]:
    """
    Return the rules for every issuer whose tokens count, each with its keys.

    Raises:
        ConfigurationError: If an issuer has no usable key.
    """
    rules = [] if own is None else [own_policy(config, own)]
    return rules + [trust_policy(trust, _trusted_keys(trust, listener)) for trust in config.trust]


def _trusted_keys(trust: Trust, listener: Listener) -> KeySource:
    source, algorithms = trust.keys, trust_algorithms(trust)
    if source is None:
        raise ConfigurationError("trust.jwks and trust.discovery are not built yet; wanted: trust.keys")
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
