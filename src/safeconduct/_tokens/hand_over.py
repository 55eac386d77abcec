"""Verify the tokens that hand a browser over: signed by an issuer that may do so, for us alone, for a minute."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from safeconduct._tokens.claims import Claims
from safeconduct._tokens.issuer_policy import HAND_OVER_SECONDS, HAND_OVER_TOKEN, IssuerPolicy
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.errors import MalformedToken, WrongAudience
from safeconduct.principal import CLIENT_SUBJECT

_DOTS_OF_JWS: Final = 2


class HandOverVerifier:
    """
    Verify hand-over tokens; no access token passes here, and no hand-over token anywhere else.

    Args:
        policies: The rules for access tokens.
        issuers: Those of them that may hand their people over.
    """

    def __init__(self, policies: Iterable[IssuerPolicy], issuers: Collection[str]) -> None:
        self._verifier = TokenVerifier(
            replace(
                policy,
                token_types=frozenset({HAND_OVER_TOKEN}),
                max_lifetime_seconds=HAND_OVER_SECONDS,
                # A person who is handed over has proven nothing here.
                levels={},
            )
            for policy in policies
            if policy.issuer in issuers
        )

    def verify(self, token: str, *, now: float) -> Claims:
        """
        Check a token and return its claims; whether it was revoked or used is not checked.

        Raises:
            InvalidToken: If anything about it is wrong.
        """
        if token.count(".") != _DOTS_OF_JWS:
            raise MalformedToken("a hand-over that is not exactly one signed token")
        claims = self._verifier.verify(token, now=now)
        if type(claims.raw.get("aud")) is not str:
            # Each of several audiences would count its own first use.
            raise WrongAudience("a hand-over for more than one audience")
        if claims.subject.startswith(CLIENT_SUBJECT):
            raise MalformedToken("a hand-over of a client, which is no person")
        return claims
