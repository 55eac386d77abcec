"""One request in either world, without a framework."""

import asyncio

from applications import AsgiReport, wsgi_application
from calling import Asked, call_asgi, call_wsgi, environ_of, scope_of

WORLDS = ("asgi", "wsgi")


def ask_in(world, auth, *, target="/me", method="GET", headers=(), scheme="https", **more):
    """Ask the plain application behind *auth*; header values are bytes."""
    asked = Asked(method, target, (("host", b"app.example"), *headers), scheme)
    if world == "wsgi":
        return call_wsgi(auth.wsgi(wsgi_application), environ_of(asked, **more))
    return asyncio.run(call_asgi(auth.asgi(AsgiReport()), scope_of(asked, **more)))
