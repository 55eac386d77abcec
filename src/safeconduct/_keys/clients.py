"""Read the secrets and keys of clients."""

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from safeconduct._core.clients import RegisteredClient
from safeconduct._core.event_dispatcher import Listener
from safeconduct._keys.folder import KeyFolder
from safeconduct._keys.keyset import KeySet
from safeconduct._keys.loading import FixedKeySet
from safeconduct._tokens.algorithms import SIGNATURES
from safeconduct._tokens.key_table import KeySource
from safeconduct.config.clients import Client
from safeconduct.errors import ConfigurationError

_DIGEST: Final = "sha256:"
_DEFAULT_ALGORITHM: Final = "HS256"
_HASH_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
_SHARED: Final = frozenset(_HASH_BYTES)


def load_client(entry: Client, listener: Listener, *, environ: Mapping[str, str] = os.environ) -> RegisteredClient:
    """
    Read the secret or the keys of a client.

    Raises:
        ConfigurationError: If the secret is missing or too short for what the client does with it, or no key of the
            client can be used.
    """
    try:
        return _load(entry, listener, environ)
    except ConfigurationError as error:
        # The reading of a key does not know whose it is.
        raise ConfigurationError(f"clients: {entry.client_id}: {error}") from None


def _load(entry: Client, listener: Listener, environ: Mapping[str, str]) -> RegisteredClient:
    if entry.secret is None:
        return RegisteredClient(entry, keys=_public_keys(entry, listener))
    if entry.secret.startswith(_DIGEST):
        return RegisteredClient(entry, secret_digest=bytes.fromhex(entry.secret.removeprefix(_DIGEST)))
    secret = _secret_of(entry, environ)
    return RegisteredClient(entry, sha256(secret).digest(), _shared_key(entry, secret, listener))


def _secret_of(entry: Client, environ: Mapping[str, str]) -> bytes:
    text = entry.secret or ""
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        text = environ.get(name, "")
        if not text:
            raise ConfigurationError(f"the environment has no {name}")
    return text.encode()


def _shared_key(entry: Client, secret: bytes, listener: Listener) -> KeySource | None:
    algorithm = entry.algorithm or _DEFAULT_ALGORITHM
    least = _HASH_BYTES[algorithm]
    if len(secret) < least:
        if "self_signed" in entry.grants or entry.algorithm is not None:
            # "A key of the same size as the hash output or larger MUST be used" — RFC 7518 §3.2
            raise ConfigurationError(f"a secret of {len(secret)} bytes, wanted {least} for {algorithm}")
        return None
    jwk = {"kty": "oct", "alg": algorithm, "k": urlsafe_b64encode(secret).rstrip(b"=").decode()}
    return FixedKeySet(KeySet.read({"keys": [jwk]}, algorithms=_SHARED), listener)


def _public_keys(entry: Client, listener: Listener) -> KeySource:
    source = entry.keys
    algorithms = frozenset({entry.algorithm} if entry.algorithm is not None else SIGNATURES) - _SHARED
    if isinstance(source, Mapping):
        return FixedKeySet(KeySet.read(source, algorithms=algorithms, is_published=True), listener)
    if not isinstance(source, str | Path):
        raise ConfigurationError("jwks is not implemented yet, wanted keys")
    return KeyFolder(
        source,
        monotonic=time.monotonic,
        listener=listener,
        environ=os.environ,
        algorithms=algorithms,
        is_own=False,
    )
