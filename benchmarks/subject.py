"""Offer this package to other benchmarks, as ``factory(kind, inner, keys) -> app``."""

from safeconduct import Auth, Config, Trust

ISSUER, AUDIENCE = "https://issuer.example.com/", "https://api.example.com/"


def http(kind, inner, keys):
    """Wrap *inner* so that it finds the user's name where the other contenders put it."""
    trust = Trust(
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=[keys["alg"]],
        keys={"keys": [keys[keys["alg"]]["jwk"]]},
        remote_user="{sub}",
        max_lifetime_seconds=100_000,
    )
    auth = Auth(Config(store="memory://", trust=[trust]))
    if kind == "asgi":
        return auth.asgi(inner)

    def named(environ, start_response):
        environ["auth.sub"] = environ["REMOTE_USER"]
        return inner(environ, start_response)

    return auth.wsgi(named)
