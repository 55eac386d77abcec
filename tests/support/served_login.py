"""What a real server serves where people sign in with passwords that cost what they cost."""

import os

from applications import AsgiReport, wsgi_application
from minting import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY
from safeconduct import Auth, Config


def _auth():
    """Return an ``Auth`` over the users file that the environment names."""
    return Auth(
        Config(
            store="memory://",
            issuer=ISSUER,
            audience=AUDIENCE,
            keys={"keys": [OWN_KEY, SECRETS_KEY]},
            sources=["bearer", "basic"],
            proxies={"trusted": os.environ.get("TRUSTED", "").split()},
            # The machine may be slow and busy; what is asked here is whether anybody is refused, not how long it takes.
            login={"users": os.environ["USERS_FILE"], "queue_seconds": 60},
        )
    )


def asgi():
    """Return the application for an ASGI server."""
    return _auth().asgi(AsgiReport())


def wsgi():
    """Return the application for a WSGI server."""
    return _auth().wsgi(wsgi_application)
