"""Check signatures with the one key that a header names, for all who sign tokens: issuers and clients."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from safeconduct._tokens.algorithms import MODELS, SIGNATURES
from safeconduct._tokens.key import Key, ReadyKey
from safeconduct._tokens.key_table import KeySource, KeyTable
from safeconduct._tokens.reader import media_type, read_header
from safeconduct.errors import BadSignature, MalformedToken, UnknownKey, WrongTokenType

NO_TYPE: Final = ""
"""The token type of a header without ``typ``."""

_MOST_HEADERS: Final = 64


class Check(NamedTuple):
    """What a protected header resolves to: joserfc's model and the one key."""

    verify: Callable[[bytes, bytes, Any], bool]
    key: ReadyKey
    kid: str | None
    #: As ``media_type`` spells it, or ``NO_TYPE``.
    token_type: str


class Signatures:
    """
    Check the signatures of one signer, with a cache of the headers that the present keys have verified.

    Args:
        keys: The keys of the signer.
        token_types: The types that a header may name, as ``media_type`` spells them; with ``NO_TYPE`` it may name none.
        has_one_key: Whether the signer has one key, a secret without a name, so that the header's ``kid`` says nothing.
    """

    __slots__ = ("_has_one_key", "_known", "_table", "_token_types", "keys")

    def __init__(self, keys: KeySource, token_types: frozenset[str], *, has_one_key: bool = False) -> None:
        self.keys = keys
        self._token_types = token_types
        self._has_one_key = has_one_key
        self._table = keys.table
        # The headers and the table that they belong to are one value, so that no thread sees the two mixed.
        self._known: tuple[KeyTable, dict[bytes, Check]] = (self._table(), {})

    def check_signature(self, head: bytes, signed: bytes, signature: bytes) -> Check:
        """Check a signature and return what the header resolves to."""
        table = self._table()
        known_table, known = self._known
        if table is not known_table:
            known = {}
            self._known = (table, known)
        check = known.get(head)
        if check is None:
            check = self._read(head)
        try:
            is_genuine = check.verify(signed, signature, check.key)
        except Exception as error:
            raise BadSignature(check.kid, "the signature could not be checked") from error
        if not is_genuine:
            raise BadSignature(check.kid)
        # Only now, so that nobody can fill the cache with headers that no key of the signer ever signed.
        if len(known) < _MOST_HEADERS and self._table() is table:
            known[head] = check
        return check

    def find(self, kid: str | None, algorithm: str) -> Key:
        """Return the one key for a header; reload the keys once if the kid is unknown, since it may be new."""
        try:
            return self._table().find(kid, algorithm)
        except UnknownKey:
            self.keys.reload()
            return self._table().find(kid, algorithm)

    def _read(self, head: bytes) -> Check:
        header = read_header(head)
        token_type = NO_TYPE if header.typ is None else media_type(header.typ)
        # An empty `typ` is not an absent one.
        if token_type not in self._token_types or (not token_type and header.typ is not None):
            raise WrongTokenType("typ is missing or not an expected one")
        if header.algorithm not in SIGNATURES:
            raise MalformedToken("alg is not an allowed signature")
        key = self.find(None if self._has_one_key else header.kid, header.algorithm)
        return Check(MODELS[key.algorithm].verify, key.for_verifying(), key.kid, token_type)
