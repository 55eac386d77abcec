"""Ask an application with something below a prefix, and a rule for what is below it while all else is open."""

import asyncio

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from table_tokens import tokens

#: Below the prefix, and what a comparison of the beginning alone would take for it.
INSIDE = ("/vault/a", "/vault/a/b")
OUTSIDE = ("/vaulta", "/vaulta/b", "/vault-a")
#: Not found, or not served by what is below the prefix.
CLOSED, OUTSIDE_OF_ALL = [401] * len(INSIDE), [404] * len(OUTSIDE)


def prefix_auth(default="anonymous"):
    """Return an ``Auth`` whose rule covers what is below ``/vault``."""
    access = {"default": default, "rules": [{"path": "/vault/{rest...}"}]}
    return Auth(configuration(access=access), directory=MemoryDirectory(), clock=now)


def statuses(application, paths, *, kind="wsgi", name=None):
    """Return the statuses with which *application* answers, to the token *name* or to nobody."""
    fields = (("authorization", f"Bearer {tokens()[name]}".encode()),) if name else ()
    sent = [SentRequest("GET", path, (("host", b"app.example"), *fields), "https") for path in paths]
    if kind == "wsgi":
        return [call_wsgi(application, wsgi_environ(request)).status for request in sent]
    return [asyncio.run(call_asgi(application, asgi_scope(request))).status for request in sent]
