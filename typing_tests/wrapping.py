"""The types of the middlewares and their arguments."""

import os
from collections.abc import Iterable
from typing import assert_type

from safeconduct import Auth, Config, Principal, Trust, asgi, wsgi

config = Config(store="memory://", issuer="https://api.example", audience="https://api.example", keys="keys")
assert_type(Config.load(), Config)
assert_type(Config.load("safeconduct.toml", environ=os.environ), Config)
auth = Auth(config)

trust = Trust(issuer="https://other.example", audience="https://api.example", algorithms=("ES256",), keys="jwks.json")
assert_type(trust.issuer, str)


def old(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode("latin-1")]


async def new(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    await send(await receive())


assert_type(auth.wsgi(old), wsgi.AuthMiddleware)
assert_type(auth.asgi(new), asgi.AuthMiddleware)
assert_type(auth.verify("token"), Principal)


async def ask() -> None:
    assert_type(await auth.async_verify("token"), Principal)
