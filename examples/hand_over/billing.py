"""
The second of two servers, in Starlette: the users of the first are signed in here without a password.

``shop.py`` says how to run both.
"""

from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from safeconduct import Auth, Config, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.starlette import principal

INVOICE = (
    '<!doctype html><html lang="en"><title>Invoice</title><h1>Invoice {number}</h1><p>For <b id="user">{user}</b>.</p>'
)


@requires(scopes=["invoice:pay"])
async def invoice(request: Request) -> HTMLResponse:
    user, number = principal(request), request.path_params["number"]
    return HTMLResponse(INVOICE.format(number=number, user=escape(user.display_name or user.subject)))


def create_app(config: Config) -> Starlette:
    app = Starlette(routes=[Route("/invoices/{number:int}", invoice)])
    app.add_middleware(AuthMiddleware, auth=Auth(config))
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(Config.load("billing.toml")), host="127.0.0.1", port=8002)
