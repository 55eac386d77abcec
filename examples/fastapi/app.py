"""
A FastAPI application protected by safeconduct.

In this folder::

    safeconduct keys new
    python app.py &
    curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://127.0.0.1:8000/me

``safeconduct routes 'app:create_app()'`` shows which paths are public, and what the others require.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, WebSocket

from safeconduct import Auth, Config, Principal
from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, install

router = APIRouter()


@router.get("/public")
async def public(caller: CurrentIdentity) -> dict[str, str]:
    return {"hello": caller.display_name or "guest"}


@router.get("/me")
async def me(user: CurrentPrincipal) -> dict[str, str | list[str]]:
    return {"subject": user.subject, "roles": sorted(user.roles)}


@router.get("/admin")
async def admin() -> dict[str, str]:
    return {"closed_by": "a rule of safeconduct.toml"}


@router.post("/payments")
async def pay(
    user: Annotated[Principal, Depends(Require(scopes=["pay"], level="explicit", max_age_seconds=300))],
) -> dict[str, str]:
    return {"paid_by": user.subject}


@router.websocket("/ws")
async def echo(websocket: WebSocket, user: CurrentPrincipal) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{user.subject}: {text}")


def create_app() -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    install(app, Auth(Config.load()))
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=8000)
