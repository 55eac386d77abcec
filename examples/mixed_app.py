"""
A Flask application inside a Starlette one, both protected by one ``Auth``, which verifies each token once.

In this folder, with ``pip install a2wsgi``::

    safeconduct keys new
    python mixed_app.py &
    curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://127.0.0.1:8000/legacy/me

The inner middleware takes the identity over, since the same ``Auth`` verified the same token, and applies the rules to
the path that it sees.
"""

from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from safeconduct import Auth, Config, current, principal
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct


async def me(_: Request) -> JSONResponse:
    return JSONResponse({"subject": principal().subject, "served_by": "Starlette"})


def create_legacy_app(auth: Auth) -> Flask:
    app = Flask(__name__)

    @app.get("/public")
    def public() -> dict[str, str]:
        return {"hello": current().display_name or "guest"}

    @app.get("/me")
    def me() -> dict[str, str]:
        return {"subject": principal().subject, "served_by": "Flask"}

    @app.get("/admin")
    def admin() -> dict[str, str]:
        return {"closed_by": "a rule of safeconduct.toml, checked by both"}

    Safeconduct(auth).init_app(app)
    return app


def create_app(auth: Auth | None = None) -> Starlette:
    auth = auth or Auth(Config.load())
    legacy = WSGIMiddleware(create_legacy_app(auth))
    app = Starlette(routes=[Route("/me", me), Mount("/legacy", legacy)])
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=8000)
