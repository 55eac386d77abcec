"""
How tokens travel: the answer goes the way the credential came.

=========================  ==============================================  ===========================
the credential came        tokens                                          beside them
=========================  ==============================================  ===========================
by a cookie                ``Set-Cookie`` only, none in the body           ``csrf_token`` in the body
by a header or the body    in the body, none in a ``Set-Cookie``
=========================  ==============================================  ===========================

Login with ``cookies`` counts as one by a cookie.  So a script on a page never sees a token of a cookie's session.
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
from safeconduct._http.set_cookie import (
    CLEAR_SITE_DATA,
    SetCookie,
    access_cookie,
    access_deletion,
    refresh_cookie,
    refresh_deletion,
    set_cookie_fields,
)
from safeconduct.config import CookieConfig


class TokenResponse:
    """
    Write replies with tokens, and such as take them back.

    Args:
        cookies: Names and attributes.
        csrf: Makes the tokens against forgery.
        clock: The time in seconds since the epoch.
    """

    def __init__(self, cookies: CookieConfig, csrf: CsrfTokens, *, clock: Clock) -> None:
        self._cookies = cookies
        self._csrf = csrf
        self._clock = clock

    def tokens(self, tokens: Tokens, transport: Transport, *, more: Iterable[SetCookie] = ()) -> Reply:
        """
        Hand *tokens* over by *transport*.

        Args:
            tokens: What was made.
            transport: How the credential came.
            more: Further cookies.

        Raises:
            NotSupported: If a token is too long for a cookie.
        """
        now = int(self._clock())
        members = self._told(tokens, now)
        if transport == "header":
            return reply(200, members | self._secrets(tokens), set_cookie_fields(more))
        members["csrf_token"] = self._csrf.token(tokens.session_id, tokens.csrf_generation)
        cookies = [access_cookie(self._cookies, tokens.access_token, expires_at=tokens.expires_at, now=now)]
        long_term = tokens.refresh_token
        if long_term is not None:
            cookies.append(refresh_cookie(self._cookies, long_term.value, expires_at=long_term.expires_at, now=now))
        return reply(200, members, set_cookie_fields([*cookies, *more]))

    def signed_in(self, tokens: Tokens, device: SetCookie) -> Reply:
        """
        Hand the *tokens* of a new session over by cookies; a refresh cookie that none of them replaces is deleted.

        Raises:
            NotSupported: If a token is too long for a cookie.
        """
        # Whether there is one the request need not tell: from a trusted origin of another site it brings no strict one.
        gone = [refresh_deletion(self._cookies)] if tokens.refresh_token is None else []
        return self.tokens(tokens, "cookie", more=[*gone, device])

    def parted(self, transport: Transport) -> Reply:
        """Take the credential back that came by *transport*: a browser is told to forget it."""
        if transport == "header":
            return Reply(204, (NO_STORE,))
        gone = [access_deletion(self._cookies), refresh_deletion(self._cookies)]
        return Reply(204, (NO_STORE, CLEAR_SITE_DATA, *set_cookie_fields(gone)))

    def _told(self, tokens: Tokens, now: int) -> dict[str, Any]:
        members: dict[str, Any] = {
            "expires_in": max(0, tokens.expires_at - now),
            "renew_after": tokens.renew_after,
            "level": tokens.level,
            "session_id": tokens.session_id,
        }
        if tokens.refresh_token is not None:
            members["extend_after"] = tokens.refresh_token.extend_after
            members["extend_before"] = tokens.refresh_token.extend_before
        return members

    def _secrets(self, tokens: Tokens) -> dict[str, Any]:
        members = {"access_token": tokens.access_token, "token_type": "Bearer"}
        if tokens.refresh_token is not None:
            members["refresh_token"] = tokens.refresh_token.value
        return members


def reply(status: int, members: Mapping[str, Any], fields: Iterable[Field] = ()) -> Reply:
    """Return a reply with a JSON object that nobody may keep (RFC 6749 §5.1)."""
    body = json.dumps(dict(members), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    length = (b"content-length", b"%d" % len(body))
    return Reply(status, ((b"content-type", b"application/json"), length, NO_STORE, *fields), body)
