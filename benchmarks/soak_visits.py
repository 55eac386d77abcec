"""The visitors of `soak.py`: what each does, and what must be answered."""

import asyncio
import random
import time

import httpx2
import websockets

#: As `soak.py` configures them.
ACCESS_SECONDS, EXPLICIT_SECONDS, GRACE_SECONDS = 20, 5, 1
UNAVAILABLE = 503


class Visitor:
    """One user with a connection of their own, who knows what each answer must be."""

    def __init__(self, site, name, said):
        self.site, self.name, self.said = site, name, said
        self.client = httpx2.AsyncClient(base_url=site, timeout=30)
        self.tokens = {}
        self.since = 0.0

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def ask(self, expected, method, path, *, tokens=None, said=None, headers=None):
        """Ask, compare the status, and return the answer."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"} if tokens else {}
        answer = await self.client.request(method, path, json=said, headers=bearer | (headers or {}))
        self.judge(f"{method} {path}", expected, answer.status_code)
        return answer

    def judge(self, what, expected, seen):
        self.said["answers"] += 1
        if seen == UNAVAILABLE:
            self.said["503"] += 1
            raise Unanswered
        # On an overloaded machine a token may end before its turn comes.
        if seen != expected and time.monotonic() - self.since < ACCESS_SECONDS - 2:
            self.said[f"WRONG {what}: {seen} instead of {expected}"] += 1
            raise Unanswered

    async def sign_in(self, **more):
        self.since = time.monotonic()
        said = {"username": self.name, "password": self.name[::-1], **more}
        self.tokens = (await self.ask(200, "POST", "/auth/login", said=said)).json()
        return self.tokens

    async def refresh(self, tokens):
        self.since = time.monotonic()
        said = {"refresh_token": tokens["refresh_token"]}
        self.tokens = (await self.ask(200, "POST", "/auth/refresh", said=said)).json()
        return self.tokens


class Unanswered(Exception):
    """The rest of a scenario tells nothing."""


async def refreshing(visitor, _administrator):
    first = await visitor.sign_in(remember=True)
    await visitor.ask(200, "GET", "/me", tokens=first)
    second = await visitor.refresh(first)
    await visitor.ask(200, "GET", "/legacy/me", tokens=second)
    await visitor.ask(403, "GET", "/admin", tokens=second)
    await visitor.ask(204, "POST", "/auth/logout", tokens=second)
    await visitor.ask(401, "GET", "/me", tokens=first)
    await visitor.ask(401, "GET", "/legacy/me", tokens=second)
    await visitor.ask(401, "POST", "/auth/refresh", said={"refresh_token": second["refresh_token"]})


async def theft(visitor, _administrator):
    first = await visitor.sign_in(remember=True)
    second = await visitor.refresh(first)
    await asyncio.sleep(GRACE_SECONDS + 1)
    await visitor.ask(401, "POST", "/auth/refresh", said={"refresh_token": first["refresh_token"]})
    await visitor.ask(401, "GET", "/me", tokens=second)


async def renewing(visitor, _administrator):
    first = await visitor.sign_in()
    await visitor.ask(409, "POST", "/auth/renew", tokens=first)
    await asyncio.sleep(max(0.0, first["renew_after"] - time.time()) + 1)
    second = (await visitor.ask(200, "POST", "/auth/renew", tokens=first)).json()
    visitor.since = time.monotonic()
    await visitor.ask(200, "GET", "/me", tokens=second)
    # And away, without a sign-out.


async def stepping_up(visitor, _administrator):
    signed_in = await visitor.sign_in(remember=True)
    await visitor.ask(200, "GET", "/danger", tokens=signed_in)
    await asyncio.sleep(EXPLICIT_SECONDS + 1)
    first = await visitor.refresh(signed_in)
    await visitor.ask(401, "GET", "/danger", tokens=first)
    await visitor.ask(401, "POST", "/auth/step-up", tokens=first, said={"password": "wrong"})
    answer = await visitor.ask(200, "POST", "/auth/step-up", tokens=first, said={"password": visitor.name[::-1]})
    await visitor.ask(200, "GET", "/danger", tokens=answer.json())
    await visitor.ask(401, "GET", "/me", tokens=first)


async def by_cookie(visitor, _administrator):
    own = {"Origin": visitor.site}
    visitor.since = time.monotonic()
    said = {"username": visitor.name, "password": visitor.name[::-1], "cookies": True, "remember": True}
    signed_in = await visitor.ask(200, "POST", "/auth/login", said=said, headers=own)
    csrf = own | {"X-CSRF-Token": signed_in.json()["csrf_token"]}
    await visitor.ask(200, "GET", "/me")
    await visitor.ask(403, "POST", "/me", headers=own)
    await visitor.ask(200, "POST", "/me", headers=csrf)
    await visitor.ask(200, "POST", "/auth/refresh", headers=csrf)
    await visitor.ask(204, "POST", "/auth/logout", headers=csrf)
    await visitor.ask(401, "GET", "/me")


async def everywhere(visitor, _administrator):
    first, second = await visitor.sign_in(), await visitor.sign_in(remember=True)
    await visitor.ask(204, "POST", "/auth/logout-everywhere", tokens=first)
    await visitor.ask(401, "GET", "/me", tokens=second)
    third = await visitor.sign_in()
    await visitor.ask(200, "GET", "/me", tokens=third)


async def revoking(visitor, administrator):
    tokens = await visitor.sign_in()
    await visitor.ask(200, "GET", "/me", tokens=tokens)
    await administrator.async_sessions.revoke_subject(visitor.name)
    await visitor.ask(401, "GET", "/me", tokens=tokens)


async def short_loops(visitor, _administrator):
    tokens = await visitor.sign_in()
    for _ in range(3):
        await visitor.ask(200, "GET", "/loop", tokens=tokens)
    await visitor.ask(204, "POST", "/auth/logout", tokens=tokens)


async def unauthenticated(visitor, _administrator):
    visitor.since = time.monotonic()
    await visitor.ask(200, "GET", "/hello")
    await visitor.ask(401, "GET", "/me")
    await visitor.ask(401, "GET", "/nowhere", tokens={"access_token": "a.b.c"})
    await visitor.ask(401, "POST", "/auth/login", said={"username": visitor.name, "password": "wrong"})
    forged = (await visitor.sign_in())["access_token"]
    await visitor.ask(401, "GET", "/me", tokens={"access_token": forged[:-8] + "AAAAAAAA"})


async def socket(visitor, _administrator):
    tokens = await visitor.sign_in()
    address = visitor.site.replace("http", "ws", 1) + "/echo"
    async with websockets.connect(address, additional_headers=visitor.bearer) as connection:
        await connection.send("hello")
        visitor.judge("echo", "hello", await connection.recv())
        await visitor.ask(204, "POST", "/auth/logout", tokens=tokens)
        try:
            # A revocation is noticed within a second.
            await asyncio.wait_for(connection.recv(), 10)
        except websockets.ConnectionClosed:
            visitor.judge("socket", 4401, connection.close_code)
        else:
            visitor.judge("socket", "closed", "a message")


async def stream(visitor, _administrator):
    tokens = await visitor.sign_in()
    async with visitor.client.stream("GET", "/events", headers=visitor.bearer) as answer:
        visitor.judge("GET /events", 200, answer.status_code)
        parts = answer.aiter_raw()
        await anext(parts)
        async with httpx2.AsyncClient(base_url=visitor.site, timeout=30) as other:
            gone = await other.post("/auth/logout", headers={"Authorization": f"Bearer {tokens['access_token']}"})
            visitor.judge("POST /auth/logout", 204, gone.status_code)
        async with asyncio.timeout(10):
            async for _ in parts:
                pass


async def leave_a_stream(visitor, _administrator):
    await visitor.sign_in()
    async with visitor.client.stream("GET", "/events", headers=visitor.bearer) as answer:
        visitor.judge("GET /events", 200, answer.status_code)
        await anext(answer.aiter_raw())


SCENARIOS = [refreshing, theft, renewing, stepping_up, by_cookie, everywhere, revoking, short_loops, unauthenticated]
SCENARIOS += [socket, stream, leave_a_stream]


async def visit(number, site, administrator, ends_at, said):
    """Lead one scenario after the other, as one user."""
    choose = random.Random(number)  # noqa: S311 - of scenarios
    while time.monotonic() < ends_at:
        visitor = Visitor(site, f"user{number}", said)
        scenario = choose.choice(SCENARIOS)
        try:
            await scenario(visitor, administrator)
            said[f"done {scenario.__name__}"] += 1
        except Unanswered:
            pass
        except Exception as error:  # noqa: BLE001 - whatever breaks is counted
            said[f"error in {scenario.__name__}: {type(error).__name__}"] += 1
        finally:
            await visitor.client.aclose()
