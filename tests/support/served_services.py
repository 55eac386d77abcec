"""Applications with clients, which tests serve from real servers; both count the token requests that they get."""

import json
import os
from threading import Lock

from safeconduct import Auth, Config, principal
from table_tokens import AUDIENCE, FOREIGN_KEY, ISSUER, OWN_KEY, SECRETS_KEY, public

BILLING = "https://billing.example"
SECRET = "k3Jf8sLq0vXz7Rt2Wm5Yp9Ab4Cd6Ef1G-x"
GRANTS = ["self_signed", "client_credentials", "token_exchange"]
CLIENTS = [
    {
        "client_id": "reports",
        "secret": SECRET,
        "scopes": ["read", "write"],
        "roles": ["auditor"],
        "audiences": [BILLING],
        "grants": GRANTS,
    },
    {"client_id": "robot", "keys": {"keys": [public(FOREIGN_KEY)]}, "scopes": ["read"], "grants": GRANTS},
    {"client_id": "once", "secret": SECRET[::-1], "scopes": ["read"], "grants": ["self_signed"], "single_use": True},
]


def configuration():
    """Return the configuration of both, with the real clock."""
    return Config(
        store=os.environ.get("STORE_URL", "memory://"),
        issuer=ISSUER,
        audience=AUDIENCE,
        keys={"keys": [OWN_KEY, SECRETS_KEY]},
        clients=CLIENTS,
        tokens={"audiences": [BILLING]},
        access={"public": ["/count", "/token-of-alice"]},
    )


class _Answers:
    """What both applications answer, by path."""

    def __init__(self):
        self.auth = Auth(configuration())
        self._lock, self._token_requests = Lock(), 0

    def note(self, path):
        with self._lock:
            self._token_requests += path == "/auth/token"

    def before(self, path):
        """Return the answer for a public path."""
        return {"count": self._token_requests} if path == "/count" else None

    def who(self):
        found = principal()
        return {
            "subject": found.subject,
            "client_id": found.client_id,
            "scopes": sorted(found.scopes),
            "roles": sorted(found.roles),
            "level": found.level,
            "scheme": found.scheme,
            "actor": found.actor and dict(found.actor),
            "jti": found.token_id,
        }


def services_wsgi():
    """Return the application for a WSGI server."""
    answers = _Answers()

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        body = answers.before(path)
        if path == "/token-of-alice":
            body = {"token": answers.auth.tokens.issue(subject="alice", scopes=["read", "write"], lifetime_seconds=300)}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(body or answers.who()).encode()]

    protected = answers.auth.wsgi(application)

    def counting(environ, start_response):
        answers.note(environ["PATH_INFO"])
        return protected(environ, start_response)

    return counting


def services_asgi():
    """Return the application for an ASGI server."""
    answers = _Answers()

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        path = scope["path"]
        body = answers.before(path)
        if path == "/token-of-alice":
            issue = answers.auth.async_tokens.issue
            body = {"token": await issue(subject="alice", scopes=["read", "write"], lifetime_seconds=300)}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body or answers.who()).encode()})

    protected = answers.auth.asgi(application)

    async def counting(scope, receive, send):
        answers.note(scope.get("path"))
        await protected(scope, receive, send)

    return counting
