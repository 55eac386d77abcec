"""A user who is signed in with a cookie, and what their pages send."""

import json
from base64 import urlsafe_b64decode

from safeconduct import Account

SITE = b"https://app.example"
#: The cookie of the access token among others, two of which are hidden from the application.
OTHERS = b"theme=dark; __Host-safeconduct=%s; __Host-safeconduct-refresh=r3fresh; __Host-safeconduct-device=d3vice"


class SignedIn:
    """A session: its access token, and its CSRF token by the keys of *auth*."""

    def __init__(self, auth, subject="alice"):
        self.auth = auth
        self.token = auth.sessions.sign_in(Account(subject)).access_token.encode()
        payload = self.token.split(b".")[1]
        claims = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        self.token_id, self.session_id, self.generation = claims["jti"], claims["sid"], claims["cg"]
        self.cookies = OTHERS % self.token

    def csrf(self, *, generation=None):
        """Return the CSRF token of this session, or of another sign-in to it."""
        number = self.generation if generation is None else generation
        return self.auth._container.csrf.token(self.session_id, number).encode()

    def fields(self, **changed):
        """Return what a page sends with a POST; a changed field is added, replaced, or left out where it is None."""
        usual = {"cookie": self.cookies, "origin": SITE}
        if "x_csrf_token" not in changed:
            usual["x-csrf-token"] = self.csrf()
        named = usual | {name.replace("_", "-"): value for name, value in changed.items()}
        return [(name, value) for name, value in named.items() if value is not None]
