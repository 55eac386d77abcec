"""
A chat in Quart, whose users sign in by the pages of safeconduct and talk over WebSockets.

In this folder::

    safeconduct keys new
    safeconduct users add alice
    python app.py

Then open http://localhost:8000/chat.  Scripts bring a token:
``curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://localhost:8000/messages``.
``safeconduct routes 'app:create_app()'`` shows which paths are public, and what the others require.
"""

import asyncio

from quart import Quart, render_template, websocket

from safeconduct import Auth, Config, principal, requires
from safeconduct.quart import Safeconduct


def create_app() -> Quart:
    app = Quart(__name__)
    Safeconduct(Auth(Config.load())).init_app(app)
    messages = list[str]()
    present = set[asyncio.Queue[str]]()

    @app.get("/")
    async def home() -> str:
        return await render_template("home.html")

    @app.get("/chat")
    async def chat() -> str:
        return await render_template("chat.html", messages=messages)

    @app.get("/messages")
    async def read() -> list[str]:
        return messages

    @app.delete("/messages")
    @requires(roles=["moderator"])
    async def clear() -> tuple[str, int]:
        messages.clear()
        return "", 204

    @app.websocket("/chat/socket")
    async def talk() -> None:
        incoming = asyncio.Queue[str]()
        present.add(incoming)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_send_from(incoming))
                while True:
                    text = await websocket.receive()
                    if isinstance(text, str):
                        messages.append(f"{principal().subject}: {text}")
                        for each in present:
                            each.put_nowait(messages[-1])
        finally:
            present.discard(incoming)

    return app


async def _send_from(incoming: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send(await incoming.get())


if __name__ == "__main__":
    create_app().run(host="localhost", port=8000)
