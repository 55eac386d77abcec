"""An application that signs users in from its own page, in ASGI and WSGI, and a browser for it."""

import json
from http.cookies import SimpleCookie

from login_site import LoginClient, LoginSite
from safeconduct._http.scope import body_of
from safeconduct.errors import AuthError


class OwnPages:
    """An application with its own page to sign in, and one to sign out."""

    def __init__(self, world, **fields):
        self.world = world
        self.site = LoginSite(world, app=getattr(self, world), access={"public": ["/sign-in", "/out"]}, **fields)
        self.auth = self.site.auth
        self.seen = None

    async def asgi(self, scope, receive, send):
        """Answer one ASGI request, as ``_answer_awaitable`` says."""
        if scope["type"] != "http":
            return
        self.seen = scope
        try:
            fields = await self._answer_awaitable(scope, await body_of(receive)(9999))
            status = 200
        except AuthError as error:
            fields, status = [("x-error", type(error).__name__)], error.status
        headers = [(name.encode(), value.encode()) for name, value in fields]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def wsgi(self, environ, start_response):
        """Answer one WSGI request, as ``_answer`` says."""
        self.seen = environ
        try:
            fields = self._answer(environ, environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            status = 200
        except AuthError as error:
            fields, status = [("x-error", type(error).__name__)], error.status
        start_response(f"{status} ", fields)
        return [b""]

    def _answer(self, request, body):
        """Return the fields of a response that signs in by the JSON in *body*, or signs out where there is none."""
        auth = self.auth
        if not body:
            return auth.cookies.clear() if "/out" in str(request.get("PATH_INFO")) else []
        sent = json.loads(body)
        account = auth.passwords.check(sent["username"], sent["password"], request=request)
        origin = auth.cookies.origin_of(request)
        tokens = auth.sessions.sign_in(
            account, username=sent["username"], remember=sent.get("remember", False), origin=origin
        )
        return auth.cookies.set_on(tokens, request)

    async def _answer_awaitable(self, request, body):
        """Do as ``_answer`` does, awaitable."""
        auth = self.auth
        if not body:
            return auth.async_cookies.clear() if "/out" in request["path"] else []
        sent = json.loads(body)
        account = await auth.async_passwords.check(sent["username"], sent["password"], request=request)
        origin = auth.async_cookies.origin_of(request)
        tokens = await auth.async_sessions.sign_in(
            account, username=sent["username"], remember=sent.get("remember", False), origin=origin
        )
        return await auth.async_cookies.set_on(tokens, request)


class Browser(LoginClient):
    """A browser that signs in at the page of the application."""

    def sign_in(self, name="alice", password="wonder", **more):
        """Post name and password to the sign-in page; return the status."""
        headers = () if self.cookies else self.page
        return self.request(
            "POST", "/sign-in", json_body={"username": name, "password": password, **more}, headers=headers
        )

    def lines(self):
        """Return the cookies that the last response sets, by their names."""
        found = {}
        for line in self.response.values("set-cookie"):
            (name,) = SimpleCookie(line)
            found[name] = line
        return found
