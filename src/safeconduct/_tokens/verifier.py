"""
Verify a token: read it strictly, find its one key, check its signature, then check its claims.

The issuer in the claims is used before the signature is checked, for one purpose only: to pick the keys that must have
signed them.  A token that names an issuer which did not issue it fails with the keys of that issuer (RFC 8725 §3.8).
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from safeconduct._tokens.claims import Claims, read_claims
from safeconduct._tokens.encryption import Envelope, check_envelope_header, compare_copies, open_envelope, read_envelope
from safeconduct._tokens.issuer_policy import PADDING_CLAIM, IssuerPolicy
from safeconduct._tokens.key_table import KeySource, KeyTable
from safeconduct._tokens.reader import decode_segment, read_object, token_octets
from safeconduct._tokens.signatures import Signatures
from safeconduct.errors import ConfigurationError, MalformedToken, UnknownKey, WrongIssuer

_PARTS_OF_JWS: Final = 3
_PARTS_OF_JWE: Final = 5


class _TrustedIssuer(Signatures):
    """The policy of an issuer, and its signatures."""

    __slots__ = ("policy",)

    def __init__(self, policy: IssuerPolicy) -> None:
        super().__init__(policy.keys, policy.token_types)
        self.policy = policy

    def has_key_for(self, kid: str | None, algorithm: str) -> bool:
        """Return whether a foreign issuer has the key for an envelope that does not name its issuer."""
        try:
            self._table().find(kid, algorithm)
        except UnknownKey:
            return False
        return not self.policy.is_own


class TokenVerifier:
    """
    Verify the tokens of every known issuer.

    The verifier is pure: it asks each policy for its present keys at every token, and the time is an argument.
    """

    def __init__(self, policies: Iterable[IssuerPolicy], more_keys: Iterable[KeySource] = ()) -> None:
        """
        Take one policy per issuer.

        *more_keys* are those of other signers, whose changes too end what a cache has kept.

        Raises:
            ConfigurationError: If an issuer has two.
        """
        self._by_issuer: dict[str, _TrustedIssuer] = {}
        for policy in policies:
            if policy.issuer in self._by_issuer:
                raise ConfigurationError(f"trust: issuer must be named once, got {policy.issuer!r} twice")
            self._by_issuer[policy.issuer] = _TrustedIssuer(policy)
        #: The leeway of each issuer, by its name.
        self.leeway_seconds = {issuer: each.policy.leeway_seconds for issuer, each in self._by_issuer.items()}
        self._sources = (*(trusted.policy.keys for trusted in self._by_issuer.values()), *more_keys)
        self._state = self._tables()

    def key_state(self) -> object:
        """Return an object that stays the same until keys change, so that a cache of verified tokens can compare it."""
        tables = self._tables()
        state = self._state
        if any(now is not before for now, before in zip(tables, state, strict=True)):
            self._state = state = tables
        return state

    def verify(self, token: str, *, now: float) -> Claims:
        """
        Check an access token and return its claims.

        Neither revocation nor what a route requires is checked here.

        Args:
            token: The compact serialization, as it came in the request.
            now: The current time, in seconds since the epoch.

        Raises:
            InvalidToken: One of its subclasses; no token makes this method raise anything else.
        """
        wire = token_octets(token)
        parts = wire.split(b".", _PARTS_OF_JWE)
        if len(parts) == _PARTS_OF_JWS:
            return self._verify_signed(wire, parts, now, None)
        if len(parts) == _PARTS_OF_JWE:
            return self._verify_encrypted(wire, parts, now)
        raise MalformedToken("neither three parts nor five")

    def _verify_signed(self, wire: bytes, parts: list[bytes], now: float, opened_by: _TrustedIssuer | None) -> Claims:
        head, body, last = parts
        signature = decode_segment(last)
        raw = read_object(decode_segment(body))
        issuer = raw.get("iss")
        trusted = self._by_issuer.get(issuer) if type(issuer) is str else None
        if trusted is None or (opened_by is not None and opened_by is not trusted):
            raise WrongIssuer
        check = trusted.check_signature(head, wire[: -len(last) - 1], signature)
        return read_claims(raw, trusted.policy, check.kid, now, check.token_type)

    def _verify_encrypted(self, wire: bytes, parts: list[bytes], now: float) -> Claims:
        envelope = read_envelope(wire, parts)
        trusted = self._issuer_of(envelope)
        key = trusted.find(envelope.header.kid, envelope.header.algorithm)
        check_envelope_header(envelope.header, trusted.policy)
        inner = open_envelope(envelope, key)
        inside = inner.split(b".", _PARTS_OF_JWS)
        if len(inside) != _PARTS_OF_JWS:
            # Decryption authenticates nobody: anyone who knows a public key can encrypt (RFC 8725 §3.3).
            raise MalformedToken("an envelope that does not contain exactly one signed token")
        claims = self._verify_signed(inner, inside, now, trusted)
        compare_copies(envelope.header.members, claims.raw, trusted.policy)
        return claims if PADDING_CLAIM not in claims.raw else _without_padding(claims)

    def _issuer_of(self, envelope: Envelope) -> _TrustedIssuer:
        """Choose the issuer whose key opens an envelope; the signed token inside must be of the same issuer."""
        header = envelope.header
        if "iss" in header.members:
            issuer = header.members["iss"]
            trusted = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
            if trusted is None:
                raise WrongIssuer
            return trusted
        candidates = [
            trusted for trusted in self._by_issuer.values() if trusted.has_key_for(header.kid, header.algorithm)
        ]
        if len(candidates) != 1:
            raise UnknownKey(header.kid, "not exactly one issuer has such an encryption key")
        return candidates[0]

    def _tables(self) -> tuple[KeyTable, ...]:
        return tuple(source.table() for source in self._sources)


def _without_padding(claims: Claims) -> Claims:
    """Remove the padding claim, so that no application relies on it."""
    raw = {name: value for name, value in claims.raw.items() if name != PADDING_CLAIM}
    return claims._replace(raw=MappingProxyType(raw))
