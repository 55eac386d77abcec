"""Issue access tokens (RFC 9068), signed, or signed and then encrypted."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from safeconduct._tokens.claims import is_empty
from safeconduct._tokens.encryption import seal_envelope
from safeconduct._tokens.issuer_policy import ACCESS_TOKEN, ACR, PADDING_CLAIM, IssuerPolicy
from safeconduct._tokens.key import Key
from safeconduct._tokens.reader import MAX_TOKEN_BYTES, read_object
from safeconduct.errors import ConfigurationError, MalformedToken
from safeconduct.principal import Level

TOKEN_ID_BYTES: Final = 16
"""128 random bits, so that no two tokens share a ``jti`` and none can be guessed."""

PADDING_BYTES: Final = 256
"""The claims of an encrypted token are padded to a multiple of this, so that its length reveals next to nothing."""

_ACR_OF: Final = {level: value for value, level in ACR.items()}
_OWN_CLAIMS: Final = frozenset(
    "iss aud sub jti client_id iat iat_ms exp nbf acr amr auth_time sid cg rn act cnf pi".split()  # noqa: SIM905 - easier to read than twenty quoted names
) | {PADDING_CLAIM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token is to say."""

    subject: str
    level: Level = "remembered"
    scopes: Collection[str] = ()
    roles: Collection[str] = ()
    lifetime_seconds: int
    session_id: str | None = None
    #: None for the client that the configuration names (RFC 9068 §2.2 requires one).
    client_id: str | None = None
    #: When the user last authenticated, in seconds since the epoch.
    auth_time: int | None = None
    #: How they authenticated (RFC 8176).
    amr: Collection[str] = ()
    #: None for a random one; a repeated renewal gets the token id of the first.
    token_id: str | None = None
    csrf_generation: int | None = None
    renewals: int | None = None
    actor: Mapping[str, Any] | None = None
    #: Whom it is for; None for our own audience.
    audience: str | None = None
    #: The issuer of a person who was handed over, as the private claim ``pi``; None for our own.
    person_issuer: str | None = None
    #: What the directory calls the user, as the claim ``name`` (OpenID Connect Core §5.1).
    display_name: str | None = field(default=None, repr=False)
    #: Claims that the application adds; empty ones are left out.
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ClaimsRefused(ConfigurationError):
    """The application's hook or directory returned claims that it must not set, or that no token can hold."""


class IssuingKeys(Protocol):
    """The private keys that tokens are made with."""

    def signing_key(self, preferred: str | None = None) -> Key:
        """Return the active signing key, of the *preferred* algorithm if there is one."""
        ...

    def encryption_key(self) -> Key:
        """Return the active encryption key."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of ``TokenIssuer.check``: what a token may say, and the keys that were tried."""

    #: The claims of the application as JSON values: a copy that cannot change afterwards.
    extra: Mapping[str, Any]
    #: The maximum length of the token.
    length: int
    keys: IssuingKeys = field(repr=False)


class TokenIssuer:
    """Issue our own access tokens, by the rules that they are verified by."""

    def __init__(
        self,
        policy: IssuerPolicy,
        keys: Callable[[], IssuingKeys],
        randomness: Callable[[int], bytes],
        *,
        is_encrypted: bool,
        algorithm: str,
        client_id: str | None,
    ) -> None:
        """
        Keep the rules and the keys.

        Args:
            policy: The rules for our own tokens.
            keys: Returns the private keys as they are now.
            randomness: Returns so many random bytes, for token ids.
            is_encrypted: Whether a signed token is encrypted too.
            algorithm: The signature that is preferred where keys for several are active.
            client_id: The client of a grant that names none; None for the issuer's name.
        """
        self._policy = policy
        self._keys = keys
        self._randomness = randomness
        self._is_encrypted = is_encrypted
        self._algorithm = algorithm
        self._client_id = client_id or policy.issuer
        # Only the directory grants rights: a hook that could set these claims could grant more.
        self._reserved = _OWN_CLAIMS | {policy.roles_claim, policy.scopes_claim, "roles", "scope"}

    def issue(self, grant: Grant, *, iat_ms: int, keys: IssuingKeys | None = None) -> str:
        """
        Make a token.

        Args:
            grant: What the token says.
            iat_ms: When it is issued, by the store's clock where there is a store.
            keys: The keys that ``check`` returned. Default: the present ones.

        Returns:
            The compact serialization: ``typ: at+jwt`` signed (RFC 9068 §2.1), encrypted around that if tokens are and
            this one is for our own audience.
        """
        claims = self._claims(grant, iat_ms)
        keys = keys or self._keys()
        if not self._is_encrypted or claims["aud"] != self._policy.audience:
            # Another server has no key of ours that would decrypt it.
            return self._sign(claims, keys).decode()
        self._pad(claims)
        outside = {name: value for name, value in claims.items() if name in self._policy.public_claims}
        key = keys.encryption_key()
        header = {**outside, "typ": ACCESS_TOKEN, **({} if key.kid is None else {"kid": key.kid})}
        return seal_envelope(self._sign(claims, keys), header, key)

    def check(self, grant: Grant, *, iat_ms: int, is_signed: bool = True) -> Checked:
        """
        Make a token and discard it, so that any failure comes before something is written to the store.

        Args:
            grant: What the token is going to say, with numbers as long as they can get.
            iat_ms: Roughly when it will be issued.
            is_signed: Whether the token will be signed; otherwise the store keeps its claims.

        Raises:
            ClaimsRefused: If no token can say that, or our own verifier would refuse the token.
            ConfigurationError: If there is no key to sign or encrypt with.
        """
        keys, text = self._keys(), _json(self._claims(grant, iat_ms))
        try:
            members = read_object(text)
        except MalformedToken as error:
            raise ClaimsRefused(
                "add_claims and the directory must return what a token can hold: integers of at most 20 digits, "
                "each name once, at most 32 levels of nesting"
            ) from error
        length = len(self.issue(grant, iat_ms=iat_ms, keys=keys)) if is_signed else len(text)
        if length > MAX_TOKEN_BYTES:
            raise ClaimsRefused(f"a token of {length} bytes, wanted at most {MAX_TOKEN_BYTES}")
        return Checked({name: members[name] for name in members if name in grant.extra}, length, keys)

    def sign(self, claims: Mapping[str, Any], token_type: str) -> str:
        """
        Sign *claims* as a token of another type than an access token; it is never encrypted.

        Raises:
            ConfigurationError: If there is no key to sign with.
        """
        return self._sign(claims, self._keys(), token_type).decode()

    def remote_user_of(self, subject: str, person_issuer: str | None = None) -> str | None:
        """Return the name by which the caller of such a token is known here."""
        return self._policy.remote_user_of(subject, person_issuer)

    def require_keys(self) -> None:
        """
        Raise if there are no keys to issue tokens with.

        Raises:
            ConfigurationError: If there is no active signing key, or no encryption key although one is needed.
        """
        keys = self._keys()
        keys.signing_key(self._algorithm)
        if self._is_encrypted:
            keys.encryption_key()

    def claims(self, grant: Grant, *, iat_ms: int) -> dict[str, Any]:
        """Return the claims of a token for *grant*, for an opaque token whose claims the store keeps."""
        return self._claims(grant, iat_ms)

    def written(self, claims: Mapping[str, Any]) -> str:
        """
        Return *claims* as JSON, as a signed token would contain them.

        Raises:
            ClaimsRefused: If one of them cannot be written as JSON.
        """
        return _json(claims).decode()

    def _claims(self, grant: Grant, iat_ms: int) -> dict[str, Any]:
        clash = sorted(self._reserved.intersection(grant.extra))
        if clash:
            raise ClaimsRefused(f"add_claims must not set {clash}: the token or the directory sets them")
        issued = iat_ms // 1000
        optional = {
            "acr": _ACR_OF.get(grant.level),
            "amr": list(grant.amr) or None,
            "auth_time": grant.auth_time,
            self._policy.scopes_claim: " ".join(sorted(grant.scopes)) or None,
            self._policy.roles_claim: sorted(grant.roles) or None,
            "sid": grant.session_id,
            "cg": grant.csrf_generation,
            "rn": grant.renewals,
            "act": grant.actor,
            "pi": grant.person_issuer,
            "name": grant.display_name,
        }
        return {
            # A claim that says nothing takes no room, and the verifier reads it as missing.
            **{name: value for name, value in grant.extra.items() if not is_empty(value)},
            "iss": self._policy.issuer,
            "aud": grant.audience or self._policy.audience,
            "sub": grant.subject,
            "client_id": grant.client_id or self._client_id,
            "jti": grant.token_id or _segment(self._randomness(TOKEN_ID_BYTES)).decode(),
            "iat": issued,
            "iat_ms": iat_ms,
            "exp": issued + grant.lifetime_seconds,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _sign(self, claims: Mapping[str, Any], keys: IssuingKeys, token_type: str = ACCESS_TOKEN) -> bytes:
        key = keys.signing_key(self._algorithm)
        header = {"alg": key.written, "typ": token_type, **({} if key.kid is None else {"kid": key.kid})}
        signed = _segment(_json(header)) + b"." + _segment(_json(claims))
        return signed + b"." + _segment(key.sign(signed))

    def _pad(self, claims: dict[str, Any]) -> None:
        claims[PADDING_CLAIM] = ""
        claims[PADDING_CLAIM] = "x" * (-len(_json(claims)) % PADDING_BYTES)


def _json(value: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # The subject, the roles and the claims of the application come from hooks; all others are valid JSON.
        raise ClaimsRefused("add_claims and the directory must return values that JSON can hold") from error


def _segment(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
