"""Make the token and the form by which a page sends its user's browser to another server, signed in."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from html import escape
from typing import Final

from safeconduct._core.decision import Clock
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.sessions.session_keys import own_session_id
from safeconduct._http.paths import safe_next
from safeconduct._tokens.issuer import TOKEN_ID_BYTES, TokenIssuer
from safeconduct._tokens.issuer_policy import HAND_OVER_SECONDS, HAND_OVER_TOKEN
from safeconduct.config.shown_values import shown
from safeconduct.config.urls import is_secure_url
from safeconduct.errors import ConfigurationError, ExpiredToken, InsufficientRights, NotRenewable, NotSupported
from safeconduct.principal import Principal

# Without a Referer the browser would send no Origin either, and the other server would refuse the form.
_FORM: Final = (
    '<meta name="referrer" content="strict-origin">'
    '<form method="post" action="{url}"><input type="hidden" name="token" value="{token}">'
    "<button>Continue</button></form>"
    "<script{nonce}>document.currentScript.previousElementSibling.submit()</script>"
)


@dataclass(frozen=True, slots=True)
class HandOver:
    """A hand-over of a user's browser, which counts once and for a minute."""

    #: The token, for a form of the application's own with the field ``token``; it belongs into no URL.
    token: str = field(repr=False)

    def form(self, url: str, *, nonce: str | None = None) -> str:
        """
        Return HTML for the body of a page, which sends the browser to *url* by itself, or by a button without scripts.

        The page must not be cached: a token in it counts once.

        Args:
            url: The other server's ``/auth/accept``, by https (http on the local machine only).
            nonce: The nonce of the page's ``Content-Security-Policy``, which must allow the form too (``form-action``).

        Raises:
            ConfigurationError: If *url* is no such URL.
        """
        if not is_secure_url(url):
            raise ConfigurationError(
                f"url: got {shown(url)}, wanted https://host/path (http on the local machine only)"
            )
        attribute = "" if nonce is None else f' nonce="{escape(nonce)}"'
        return _FORM.format(url=escape(url), token=escape(self.token), nonce=attribute)


class HandOverMaker:
    """
    Make hand-overs.

    Args:
        issuer_name: Our own name.
        audiences: The servers that people may be handed over to.
        scopes_claim: The claim for the scopes.
        roles_claim: The claim for the roles.
        issuer: Returns what signs; raises ``ConfigurationError`` if nothing can.
        revocations: Asks the store; None where there is none.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        issuer_name: str | None,
        audiences: Collection[str],
        scopes_claim: str,
        roles_claim: str,
        issuer: Callable[[], TokenIssuer],
        revocations: Revocations | None,
        clock: Clock,
    ) -> None:
        self._issuer_name = issuer_name
        self._audiences = frozenset(audiences)
        self._scopes_claim = scopes_claim
        self._roles_claim = roles_claim
        self._issuer = issuer
        self._revocations = revocations
        self._clock = clock

    async def make(
        self, user: Principal, *, made_from: RevocationQuery, audience: str, path: str, scopes: Collection[str]
    ) -> HandOver:
        """
        Make a hand-over of *user*, a person with a session of ours, whose token *made_from* is about.

        Raises:
            InsufficientRights: If they lack a scope, or the token is not their own.
            NotSupported: If people are not handed over to *audience*.
            InvalidToken: If their token was revoked meanwhile, or ends now.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If an argument is wrong, or there is no key to sign with.
        """
        if audience not in self._audiences:
            raise NotSupported("people are handed over to the audiences of tokens.audiences only")
        self._require_own_token(user)
        lacked = _texts("scopes", scopes) - user.scopes
        if lacked:
            raise InsufficientRights(sorted(lacked), reason="scope")
        issuer, now_ms = self._issuer(), int(self._clock() * 1000)
        if self._revocations is not None:
            await self._revocations.check(made_from, now_ms=now_ms)
        issued = now_ms // 1000
        expires = min(issued + HAND_OVER_SECONDS, user.expires_at)
        if expires <= issued:
            raise ExpiredToken(user.expires_at, "the credential of the user who was to be handed over ends now")
        rights = {self._scopes_claim: " ".join(sorted(set(scopes))), self._roles_claim: sorted(user.roles)}
        claims = {
            "iss": self._issuer_name,
            "aud": audience,
            "sub": user.subject,
            "jti": urlsafe_b64encode(secrets.token_bytes(TOKEN_ID_BYTES)).rstrip(b"=").decode(),
            "iat": issued,
            "exp": expires,
            # Which paths are endpoints of the other server, only that server knows.
            "next": safe_next(path, is_excluded=lambda _path: False),
            **{name: value for name, value in rights.items() if value},
        }
        return HandOver(issuer.sign(claims, HAND_OVER_TOKEN))

    def _require_own_token(self, user: Principal) -> None:
        try:
            own_session_id(user, self._issuer_name)
        except NotRenewable:
            raise InsufficientRights(reason="only a person with a session of their own is handed over") from None


def _texts(name: str, words: Collection[str]) -> set[str]:
    if isinstance(words, str):
        raise ConfigurationError(f"{name}: got {shown(words)}, wanted a list of texts")
    return set(words)
