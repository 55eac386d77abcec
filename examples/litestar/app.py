"""
A Litestar application protected by safeconduct.

In this folder::

    safeconduct keys new
    python app.py &
    curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://127.0.0.1:8000/me

The access rules of ``safeconduct.toml`` decide which paths are public, and ``requires_guard`` adds to them.
"""

from litestar import Litestar, WebSocket, get, post, websocket

from safeconduct import Auth, Config
from safeconduct.litestar import CurrentIdentity, CurrentPrincipal, SafeconductPlugin, requires_guard


@get("/public")
async def public(current_identity: CurrentIdentity) -> dict[str, str]:
    return {"hello": current_identity.display_name or "guest"}


@get("/me")
async def me(current_principal: CurrentPrincipal) -> dict[str, str | list[str]]:
    return {"subject": current_principal.subject, "roles": sorted(current_principal.roles)}


@get("/admin")
async def admin() -> dict[str, str]:
    return {"closed_by": "a rule of safeconduct.toml"}


@post("/payments", guards=[requires_guard(scopes=["pay"], level="explicit", max_age_seconds=300)], status_code=200)
async def pay(current_principal: CurrentPrincipal) -> dict[str, str]:
    return {"paid_by": current_principal.subject}


@websocket("/ws")
async def echo(socket: WebSocket, current_principal: CurrentPrincipal) -> None:
    await socket.accept()
    async for text in socket.iter_data():
        await socket.send_text(f"{current_principal.subject}: {text}")


def create_app() -> Litestar:
    return Litestar([public, me, admin, pay, echo], plugins=[SafeconductPlugin(Auth(Config.load()))])


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=8000)
