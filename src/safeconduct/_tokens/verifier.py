"""
Prove a token: read it strictly, find its one key, check its signature, then its claims.

The issuer is taken from the unproven claims for one purpose only, to pick the key that must have signed them; a token
that names another issuer than its own is refused by that issuer's key (RFC 8725 §3.8).
"""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from safeconduct._tokens.algorithms import MODELS, SIGNATURES
from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.encryption import Envelope, check_outside, compare_copies, open_envelope, read_envelope
from safeconduct._tokens.issuer_policy import PADDING_CLAIM, IssuerPolicy
from safeconduct._tokens.key import Key, ReadyKey
from safeconduct._tokens.key_table import KeyTable
from safeconduct._tokens.reader import (
    MAX_TOKEN_BYTES,
    decode_segment,
    media_type,
    read_header,
    read_object,
)
from safeconduct.errors import (
    BadSignature,
    ConfigurationError,
    MalformedToken,
    UnknownKey,
    WrongIssuer,
    WrongTokenType,
)

_MOST_HEADERS: Final = 64
_PARTS_OF_JWS: Final = 3
_PARTS_OF_JWE: Final = 5


class _Check(NamedTuple):
    """What a protected header comes down to: joserfc's model, and the one key."""

    verify: Callable[[bytes, bytes, Any], bool]
    key: ReadyKey
    kid: str | None
    #: As ``media_type`` spells it.
    token_type: str


class _TrustedIssuer:
    """One issuer's rules, and the headers that its present keys have proven."""

    __slots__ = ("_known", "_table", "policy")

    def __init__(self, policy: IssuerPolicy) -> None:
        self.policy = policy
        self._table = policy.keys.table
        # Headers and the keys that they were read with are one value, so that a thread never sees them mixed.
        self._known: tuple[KeyTable, dict[bytes, _Check]] = (self._table(), {})

    def prove(self, head: bytes, signed: bytes, signature: bytes) -> _Check:
        """Check a signature, and return what its header comes down to."""
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
        # Only now: else anyone could fill the memory with headers that no key of the issuer ever signed.
        if len(known) < _MOST_HEADERS and self._table() is table:
            known[head] = check
        return check

    def find(self, kid: str | None, algorithm: str) -> Key:
        """Return the one key for a header; an unknown kid may be one that was published a moment ago."""
        try:
            return self._table().find(kid, algorithm)
        except UnknownKey:
            self.policy.keys.look_again()
            return self._table().find(kid, algorithm)

    def opens(self, kid: str | None, algorithm: str) -> bool:
        """Tell whether this issuer's keys name one for an envelope that does not name its issuer."""
        try:
            self._table().find(kid, algorithm)
        except UnknownKey:
            return False
        return not self.policy.is_own

    def _read(self, head: bytes) -> _Check:
        header = read_header(head)
        token_type = None if header.typ is None else media_type(header.typ)
        if token_type is None or token_type not in self.policy.token_types:
            raise WrongTokenType("typ is missing or another than expected")
        if header.algorithm not in SIGNATURES:
            raise MalformedToken("alg is not an allowed signature")
        key = self.find(header.kid, header.algorithm)
        return _Check(MODELS[key.algorithm].verify, key.for_proving(), key.kid, token_type)


class TokenVerifier:
    """
    Proves the tokens of every issuer that is known.

    Pure: what changes are the keys, which each policy's source answers with at every token, and the time, which is an
    argument.
    """

    def __init__(self, policies: Iterable[IssuerPolicy]) -> None:
        """
        Take one policy for each issuer.

        Raises:
            ConfigurationError: If an issuer has two.
        """
        self._by_issuer: dict[object, _TrustedIssuer] = {}
        for policy in policies:
            if policy.issuer in self._by_issuer:
                raise ConfigurationError(f"trust: issuer must be named once, got {policy.issuer!r} twice")
            self._by_issuer[policy.issuer] = _TrustedIssuer(policy)
        self._sources = tuple(trusted.policy.keys for trusted in self._by_issuer.values())
        self._state = self._tables()

    def key_state(self) -> object:
        """Return what stays the same object until keys change; whoever remembers proven tokens compares it."""
        tables = self._tables()
        state = self._state
        if any(now is not before for now, before in zip(tables, state, strict=True)):
            self._state = state = tables
        return state

    def verify(self, token: str, *, now: float) -> Claims:
        """
        Check an access token and return its claims.

        Revocation and what a route requires are not asked here.

        Args:
            token: The compact serialization, as it came in the request.
            now: The current time, in seconds since the epoch.

        Raises:
            InvalidToken: One of its subclasses, and nothing else whatever the token is.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise MalformedToken("longer than 16 KB")
        try:
            wire = token.encode("ascii")
        except UnicodeEncodeError:
            raise MalformedToken("not ASCII") from None
        parts = wire.split(b".", _PARTS_OF_JWE)
        if len(parts) == _PARTS_OF_JWS:
            return self._prove(wire, parts, now, None)
        if len(parts) == _PARTS_OF_JWE:
            return self._open(wire, parts, now)
        raise MalformedToken("neither three parts nor five")

    def _prove(self, wire: bytes, parts: list[bytes], now: float, opened_by: _TrustedIssuer | None) -> Claims:
        head, body, last = parts
        proof = decode_segment(last)
        raw = read_object(decode_segment(body))
        issuer = raw.get("iss")
        trusted = self._by_issuer.get(issuer) if type(issuer) is str else None
        if trusted is None or (opened_by is not None and opened_by is not trusted):
            raise WrongIssuer
        check = trusted.prove(head, wire[: -len(last) - 1], proof)
        return read_claims(raw, trusted.policy, check.kid, now, check.token_type)

    def _open(self, wire: bytes, parts: list[bytes], now: float) -> Claims:
        envelope = read_envelope(wire, parts)
        trusted = self._trusted_of(envelope)
        key = trusted.find(envelope.header.kid, envelope.header.algorithm)
        check_outside(envelope.header, trusted.policy)
        inner = open_envelope(envelope, key)
        inside = inner.split(b".", _PARTS_OF_JWS)
        if len(inside) != _PARTS_OF_JWS:
            # Decryption authenticates nobody: whoever knows a public key could have encrypted (RFC 8725 §3.3).
            raise MalformedToken("an envelope without exactly one signed token in it")
        claims = self._prove(inner, inside, now, trusted)
        compare_copies(envelope.header.members, claims.raw, trusted.policy)
        return claims if PADDING_CLAIM not in claims.raw else _without_padding(claims)

    def _trusted_of(self, envelope: Envelope) -> _TrustedIssuer:
        """Pick whose key opens an envelope; nothing but refusal follows from this choice."""
        header = envelope.header
        if "iss" in header.members:
            issuer = header.members["iss"]
            trusted = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
            if trusted is None:
                raise WrongIssuer
            return trusted
        candidates = [trusted for trusted in self._by_issuer.values() if trusted.opens(header.kid, header.algorithm)]
        if len(candidates) != 1:
            raise UnknownKey(header.kid, "not exactly one issuer with such a key for envelopes")
        return candidates[0]

    def _tables(self) -> tuple[KeyTable, ...]:
        return tuple(source.table() for source in self._sources)


def _without_padding(claims: Claims) -> Claims:
    """Leave out the claim that says nothing, so that an application never builds on it."""
    raw = {name: value for name, value in claims.raw.items() if name != PADDING_CLAIM}
    return claims._replace(raw=MappingProxyType(raw))
