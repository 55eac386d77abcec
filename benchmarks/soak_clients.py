"""The clients of `soak.py`: what each of them does, and which response it expects."""

import asyncio
import random
import time

import httpx2
import websockets

#: As `soak.py` configures them.
ACCESS_SECONDS, EXPLICIT_SECONDS, GRACE_SECONDS = 20, 5, 1
UNAVAILABLE = 503


class Client:
    """One user with their own connection, who checks the status of each response."""

    def __init__(self, site, name, results):
        self.site, self.name, self.results = site, name, results
        self.http = httpx2.AsyncClient(base_url=site, timeout=30)
        self.tokens = {}
        self.issued_at = 0.0

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def ask(self, expected, method, path, *, tokens=None, body=None, headers=None):
        """Send a request, check the status, and return the response."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"} if tokens else {}
        response = await self.http.request(method, path, json=body, headers=bearer | (headers or {}))
        self.check(f"{method} {path}", expected, response.status_code)
        return response

    def check(self, subject, expected, actual):
        """Count a response, and stop the scenario if it is not the expected one."""
        self.results["responses"] += 1
        if actual == UNAVAILABLE:
            self.results["503"] += 1
            raise ScenarioStopped
        # On an overloaded machine a token may expire before its request is sent.
        if actual != expected and time.monotonic() - self.issued_at < ACCESS_SECONDS - 2:
            self.results[f"WRONG {subject}: {actual} instead of {expected}"] += 1
            raise ScenarioStopped

    async def sign_in(self, **more):
        self.issued_at = time.monotonic()
        body = {"username": self.name, "password": self.name[::-1], **more}
        self.tokens = (await self.ask(200, "POST", "/auth/login", body=body)).json()
        return self.tokens

    async def refresh(self, tokens):
        self.issued_at = time.monotonic()
        body = {"refresh_token": tokens["refresh_token"]}
        self.tokens = (await self.ask(200, "POST", "/auth/refresh", body=body)).json()
        return self.tokens


class ScenarioStopped(Exception):
    """The rest of a scenario would prove nothing."""


async def refreshing(client, _admin):
    first = await client.sign_in(remember=True)
    await client.ask(200, "GET", "/me", tokens=first)
    second = await client.refresh(first)
    await client.ask(200, "GET", "/legacy/me", tokens=second)
    await client.ask(403, "GET", "/admin", tokens=second)
    await client.ask(204, "POST", "/auth/logout", tokens=second)
    await client.ask(401, "GET", "/me", tokens=first)
    await client.ask(401, "GET", "/legacy/me", tokens=second)
    await client.ask(401, "POST", "/auth/refresh", body={"refresh_token": second["refresh_token"]})


async def stolen_token(client, _admin):
    first = await client.sign_in(remember=True)
    second = await client.refresh(first)
    await asyncio.sleep(GRACE_SECONDS + 1)
    await client.ask(401, "POST", "/auth/refresh", body={"refresh_token": first["refresh_token"]})
    await client.ask(401, "GET", "/me", tokens=second)


async def renewing(client, _admin):
    first = await client.sign_in()
    await client.ask(409, "POST", "/auth/renew", tokens=first)
    await asyncio.sleep(max(0.0, first["renew_after"] - time.time()) + 1)
    second = (await client.ask(200, "POST", "/auth/renew", tokens=first)).json()
    client.issued_at = time.monotonic()
    await client.ask(200, "GET", "/me", tokens=second)
    # The session is left without a sign-out.


async def stepping_up(client, _admin):
    signed_in = await client.sign_in(remember=True)
    await client.ask(200, "GET", "/danger", tokens=signed_in)
    await asyncio.sleep(EXPLICIT_SECONDS + 1)
    first = await client.refresh(signed_in)
    await client.ask(401, "GET", "/danger", tokens=first)
    await client.ask(401, "POST", "/auth/step-up", tokens=first, body={"password": "wrong"})
    response = await client.ask(200, "POST", "/auth/step-up", tokens=first, body={"password": client.name[::-1]})
    await client.ask(200, "GET", "/danger", tokens=response.json())
    await client.ask(401, "GET", "/me", tokens=first)


async def cookies(client, _admin):
    origin = {"Origin": client.site}
    client.issued_at = time.monotonic()
    body = {"username": client.name, "password": client.name[::-1], "cookies": True, "remember": True}
    signed_in = await client.ask(200, "POST", "/auth/login", body=body, headers=origin)
    csrf = origin | {"X-CSRF-Token": signed_in.json()["csrf_token"]}
    await client.ask(200, "GET", "/me")
    await client.ask(403, "POST", "/me", headers=origin)
    await client.ask(200, "POST", "/me", headers=csrf)
    await client.ask(200, "POST", "/auth/refresh", headers=csrf)
    await client.ask(204, "POST", "/auth/logout", headers=csrf)
    await client.ask(401, "GET", "/me")


async def sign_out_everywhere(client, _admin):
    first, second = await client.sign_in(), await client.sign_in(remember=True)
    await client.ask(204, "POST", "/auth/logout-everywhere", tokens=first)
    await client.ask(401, "GET", "/me", tokens=second)
    third = await client.sign_in()
    await client.ask(200, "GET", "/me", tokens=third)


async def revoking(client, admin):
    tokens = await client.sign_in()
    await client.ask(200, "GET", "/me", tokens=tokens)
    await admin.async_sessions.revoke_subject(client.name)
    await client.ask(401, "GET", "/me", tokens=tokens)


async def short_loops(client, _admin):
    tokens = await client.sign_in()
    for _ in range(3):
        await client.ask(200, "GET", "/loop", tokens=tokens)
    await client.ask(204, "POST", "/auth/logout", tokens=tokens)


async def unauthenticated(client, _admin):
    client.issued_at = time.monotonic()
    await client.ask(200, "GET", "/hello")
    await client.ask(401, "GET", "/me")
    await client.ask(401, "GET", "/nowhere", tokens={"access_token": "a.b.c"})
    await client.ask(401, "POST", "/auth/login", body={"username": client.name, "password": "wrong"})
    forged = (await client.sign_in())["access_token"]
    await client.ask(401, "GET", "/me", tokens={"access_token": forged[:-8] + "AAAAAAAA"})


async def websocket(client, _admin):
    tokens = await client.sign_in()
    address = client.site.replace("http", "ws", 1) + "/echo"
    async with websockets.connect(address, additional_headers=client.bearer) as connection:
        await connection.send("hello")
        client.check("echo", "hello", await connection.recv())
        await client.ask(204, "POST", "/auth/logout", tokens=tokens)
        try:
            # A revocation is noticed within a second.
            await asyncio.wait_for(connection.recv(), 10)
        except websockets.ConnectionClosed:
            client.check("websocket", 4401, connection.close_code)
        else:
            client.check("websocket", "closed", "a message")


async def stream(client, _admin):
    tokens = await client.sign_in()
    async with client.http.stream("GET", "/events", headers=client.bearer) as response:
        client.check("GET /events", 200, response.status_code)
        parts = response.aiter_raw()
        await anext(parts)
        async with httpx2.AsyncClient(base_url=client.site, timeout=30) as other:
            logout = await other.post("/auth/logout", headers={"Authorization": f"Bearer {tokens['access_token']}"})
            client.check("POST /auth/logout", 204, logout.status_code)
        async with asyncio.timeout(10):
            async for _ in parts:
                pass


async def leave_a_stream(client, _admin):
    await client.sign_in()
    async with client.http.stream("GET", "/events", headers=client.bearer) as response:
        client.check("GET /events", 200, response.status_code)
        await anext(response.aiter_raw())


SCENARIOS = [
    refreshing,
    stolen_token,
    renewing,
    stepping_up,
    cookies,
    sign_out_everywhere,
    revoking,
    short_loops,
    unauthenticated,
]
SCENARIOS += [websocket, stream, leave_a_stream]


async def run_client(number, site, admin, ends_at, results):
    """Run one scenario after the other, as one user."""
    choose = random.Random(number)  # noqa: S311 - of scenarios
    while time.monotonic() < ends_at:
        client = Client(site, f"user{number}", results)
        scenario = choose.choice(SCENARIOS)
        try:
            await scenario(client, admin)
            results[f"done {scenario.__name__}"] += 1
        except ScenarioStopped:
            pass
        except Exception as error:  # noqa: BLE001 - every error is counted
            results[f"error in {scenario.__name__}: {type(error).__name__}"] += 1
        finally:
            await client.http.aclose()
