"""
Write the replies that hand out tokens and those that take them back.

Tokens leave the way the credential came:

=========================  ==============================================  ===========================
the credential came        tokens                                          besides
=========================  ==============================================  ===========================
in a cookie                in ``Set-Cookie`` only, none in the body        ``csrf_token`` in the body
in a header or the body    in the body, none in a ``Set-Cookie``
=========================  ==============================================  ===========================

A login with ``cookies`` counts as one by cookie.  So a script on a page never sees a token of a cookie session.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.decision import Clock
from safeconduct._core.sessions.model import Transport
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._http.problems import NO_STORE
from safeconduct._http.request import Field, Reply
from safeconduct._http.set_cookie import CLEAR_SITE_DATA, SetCookie, own_cookie, own_deletion, set_cookie_fields
from safeconduct.config.cookies import CookieConfig


class TokenResponse:
    """
    Write replies that hand out tokens, and replies that take them back.

    Args:
        cookies: The names and attributes of our cookies.
        csrf: Makes the CSRF tokens.
        clock: The current time, in seconds since the epoch.
        adds_token: Whether the reply to a sign-in has the access token a second time, as ``token``.
    """

    def __init__(self, cookies: CookieConfig, csrf: CsrfTokens, *, clock: Clock, adds_token: bool) -> None:
        self._cookies = cookies
        self._csrf = csrf
        self._clock = clock
        self._adds_token = adds_token

    def tokens(
        self, tokens: Tokens, transport: Transport, *, more_cookies: Iterable[SetCookie] = (), adds_token: bool = False
    ) -> Reply:
        """
        Return the reply that hands out *tokens* by *transport*; by cookie, *more_cookies* go along.

        *adds_token* puts the access token into the body a second time, as ``token``; never by cookie.

        Raises:
            NotSupported: If a token is too long for a cookie.
        """
        now, refresh_token = int(self._clock()), tokens.refresh_token
        body: dict[str, Any] = {
            "expires_in": max(0, tokens.expires_at - now),
            "renew_after": tokens.renew_after,
            "level": tokens.level,
            "session_id": tokens.session_id,
        }
        if refresh_token is not None:
            body["extend_after"] = refresh_token.extend_after
            body["extend_before"] = refresh_token.extend_before
        if transport == "header":
            body |= {"access_token": tokens.access_token, "token_type": "Bearer"}
            if adds_token:
                body["token"] = tokens.access_token
            if refresh_token is not None:
                body["refresh_token"] = refresh_token.value
            return json_reply(200, body)
        body["csrf_token"] = self._csrf.token(tokens.session_id, tokens.csrf_generation)
        return json_reply(200, body, self.cookie_fields(tokens, more_cookies=more_cookies))

    def cookie_fields(self, tokens: Tokens, *, more_cookies: Iterable[SetCookie] = ()) -> tuple[Field, ...]:
        """
        Return the fields that set the cookies of *tokens*, and *more_cookies*.

        Raises:
            NotSupported: If a token is too long for a cookie.
        """
        now, refresh_token = int(self._clock()), tokens.refresh_token
        cookies = [own_cookie(self._cookies, "access", tokens.access_token, expires_at=tokens.expires_at, now=now)]
        if refresh_token is not None:
            expires_at = refresh_token.expires_at
            cookies.append(own_cookie(self._cookies, "refresh", refresh_token.value, expires_at=expires_at, now=now))
        return set_cookie_fields([*cookies, *more_cookies])

    def continued(self) -> tuple[Field, ...]:
        """Return the field that keeps the browser from being led to ``…/continue`` again for ten seconds."""
        now = int(self._clock())
        return set_cookie_fields([own_cookie(self._cookies, "continued", "1", expires_at=now + 10, now=now)])

    def deleted_refresh(self) -> SetCookie:
        """Return the deletion of the refresh cookie."""
        return own_deletion(self._cookies, "refresh")

    def signed_in_by_body(self, tokens: Tokens) -> Reply:
        """Return the reply to a sign-in with the tokens in its body, in the form of ``endpoints.login_answer``."""
        return self.tokens(tokens, "header", adds_token=self._adds_token)

    def signed_in(self, tokens: Tokens, device: SetCookie) -> Reply:
        """
        Return the reply to a sign-in by cookie; without a new refresh cookie it deletes the previous one.

        Raises:
            NotSupported: If a token is too long for a cookie.
        """
        # The request may not show a previous one: from a trusted origin on another site it carries no strict cookie.
        deleted = [self.deleted_refresh()] if tokens.refresh_token is None else []
        return self.tokens(tokens, "cookie", more_cookies=[*deleted, device])

    def handed_over(self, tokens: Tokens, target: str) -> Reply:
        """
        Return the reply that sets the cookies of a person who was handed over, and leads their browser to *target*.

        The refresh cookie is deleted in any case, and the mark of a known device stays.

        Raises:
            NotSupported: If the token is too long for a cookie.
        """
        now = int(self._clock())
        cookie = own_cookie(self._cookies, "access", tokens.access_token, expires_at=tokens.expires_at, now=now)
        fields = set_cookie_fields([cookie, self.deleted_refresh()])
        location = (b"location", target.encode("ascii"))
        return Reply(303, (location, (b"content-length", b"0"), NO_STORE, *fields))

    def signed_out(self, transport: Transport) -> Reply:
        """Return the reply to a sign-out; by cookie, it makes the browser delete its cookies and caches."""
        if transport == "header":
            return Reply(204, (NO_STORE,))
        deleted = [own_deletion(self._cookies, "access"), self.deleted_refresh()]
        return Reply(204, (NO_STORE, CLEAR_SITE_DATA, *set_cookie_fields(deleted)))


def json_reply(status: int, body: Mapping[str, Any], fields: Iterable[Field] = ()) -> Reply:
    """Return a reply with a JSON object that no cache may keep (RFC 6749 §5.1)."""
    content = json.dumps(dict(body), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    length = (b"content-length", b"%d" % len(content))
    return Reply(status, ((b"content-type", b"application/json"), length, NO_STORE, *fields), content)
