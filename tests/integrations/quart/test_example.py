"""The example of Quart: people sign in by our pages and talk over WebSockets, and scripts bring a token."""

import asyncio
import importlib.util
import shutil
from urllib.parse import urlsplit

import pytest
from quart.testing import WebsocketResponseError
from werkzeug.datastructures import Headers

from command_line import run, without_environment
from project_files import PROJECT
from safeconduct.testing import signed_in

SITE = "http://localhost:8000"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
OWN_FORM = {**NAVIGATION, "Origin": SITE}


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Return the application in a folder that was set up as its docstring has it."""
    shutil.copytree(PROJECT / "examples/quart", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    without_environment(monkeypatch)
    assert 0 == run("keys", "new").code
    for name in ("alice", "bob"):
        assert 0 == run("users", "add", name, "--password-stdin", stdin="a long pass phrase").code
    spec = importlib.util.spec_from_file_location("example_of_quart", tmp_path / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app()


class Browser:
    """A person's browser: its cookies, and the requests that it sends."""

    def __init__(self, app):
        self.client = app.test_client()

    async def open_page(self, path):
        """Open a page."""
        return await self.client.get(path, headers={**NAVIGATION, "Host": "localhost:8000"})

    async def post(self, path, **form):
        """Send a form."""
        return await self.client.post(path, headers={**OWN_FORM, "Host": "localhost:8000"}, form=form)

    async def sign_in(self, name="alice", password="a long pass phrase"):
        """Send the form of the sign-in page."""
        return await self.post("/auth/login", username=name, password=password, next="/chat")

    def socket(self, origin=SITE):
        """Open the WebSocket, as a script of a page at *origin* does."""
        return self.client.websocket("/chat/socket", headers=Headers({"Origin": origin, "Host": "localhost:8000"}))


async def text_of(response):
    return await response.get_data(as_text=True)


async def status_of(socket):
    """Return the status with which a handshake is denied."""
    with pytest.raises(WebsocketResponseError) as denied:
        async with socket as opened:
            await opened.receive()
    return denied.value.response.status_code


def test_a_person_signs_in_and_out(app):
    async def scenario():
        alice = Browser(app)
        sent_away = await alice.open_page("/chat")
        page = await alice.open_page(sent_away.location)
        wrong = await alice.sign_in(password="a wrong pass phrase")
        right = await alice.sign_in()

        assert (303, "/auth/sign-in") == (sent_away.status_code, urlsplit(sent_away.location).path)
        assert (200, True) == (page.status_code, "Chat" in await text_of(page))
        assert (303, True) == (wrong.status_code, "error=invalid_credentials" in wrong.location)
        assert (303, "/chat") == (right.status_code, urlsplit(right.location).path)
        assert "Sign out alice" in await text_of(await alice.open_page("/chat"))
        assert 303 == (await alice.post("/auth/logout", next="/")).status_code
        assert "Sign in" in await text_of(await alice.open_page("/"))
        assert 303 == (await alice.open_page("/chat")).status_code

    asyncio.run(scenario())


def test_people_talk_under_their_names(app):
    async def scenario():
        alice, bob = Browser(app), Browser(app)
        await alice.sign_in()
        await bob.sign_in("bob")
        async with alice.socket() as hers:
            await hers.send("hello")
            assert "alice: hello" == await hers.receive()
            async with bob.socket() as his:
                await his.send("<b>hi</b>")
                assert ["bob: <b>hi</b>"] * 2 == [await his.receive(), await hers.receive()]

        page = await text_of(await bob.open_page("/chat"))
        assert "<li>alice: hello</li><li>bob: &lt;b&gt;hi&lt;/b&gt;</li>" in page

    asyncio.run(scenario())


def test_who_is_signed_out_and_pages_elsewhere_do_not_talk(app):
    async def scenario():
        alice = Browser(app)
        assert 401 == await status_of(alice.socket())
        await alice.sign_in()
        assert 403 == await status_of(alice.socket(origin="https://evil.example"))
        await alice.post("/auth/logout", next="/")
        assert 401 == await status_of(alice.socket())

    asyncio.run(scenario())


def test_a_script_brings_a_token(app):
    async def scenario():
        script, alice = app.test_client(), signed_in(app, "alice")
        moderator = signed_in(app, "bob", roles=["moderator"])
        async with script.websocket("/chat/socket", headers=alice) as socket:
            await socket.send("by a script")
            assert "alice: by a script" == await socket.receive()

        assert 401 == (await script.get("/messages")).status_code
        assert ["alice: by a script"] == await (await script.get("/messages", headers=alice)).get_json()
        statuses = [(await script.delete("/messages", headers=headers)).status_code for headers in (alice, moderator)]
        assert [403, 204] == statuses
        assert [] == await (await script.get("/messages", headers=alice)).get_json()

    asyncio.run(scenario())
