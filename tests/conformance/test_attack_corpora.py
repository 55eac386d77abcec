"""Send every row of the attack corpora through the whole stack, in both worlds."""

import asyncio
from base64 import b64decode
from functools import cache

import pytest

import corpora
from app_client import SentRequest, play, socket_scope
from app_reports import WORLDS, AsgiReport, ask_in
from auth_setups import auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config, RequestOrigin
from safeconduct._core.directory import Account
from table_tokens import OWN_KEY, SECRETS_KEY, tokens

ATTACKS = corpora.load("attacks/jwt-attacks")
both = pytest.mark.parametrize("world", WORLDS)


def rows(name):
    """Return a parametrization over the rows of a corpus."""
    return pytest.mark.parametrize("row", corpora.cases(f"attacks/{name}"), ids=lambda row: row["id"])


def headers_of(row):
    """Return the fields of a row with a valid token in place of the corpus' own."""
    token = tokens()["alice"].encode()
    decoded = [(b64decode(name), b64decode(value)) for name, value in row["headers_b64"]]
    # A server strips the whitespace around a value before it passes the value on (RFC 9110 §5.5).
    return [(name.decode("latin-1"), value.replace(b"aaa.bbb.ccc", token).strip(b" \t")) for name, value in decoded]


@both
@rows("authorization-header")
def test_authorization_header(world, row):
    """Only the form of RFC 6750 passes; two fields are 400, or 401 where a server joins them."""
    seen = ask_in(world, auth_for("main"), headers=headers_of(row))

    doubled = 400 if world == "asgi" else 401
    expected = {"reject": 401, "reject400": doubled, "none": 401, "policy": 200}
    assert (200 if isinstance(row["expect"], dict) else expected[row["expect"]]) == seen.status
    assert (seen.report is not None) == (seen.status == 200)
    if row["expect"] == "none":
        assert "error" not in seen.values("www-authenticate")[0]


class OnePair:
    """A directory of one account that counts its checks."""

    def __init__(self, username, password):
        self._pair = (username, password)
        self.asked = 0

    def check(self, username, password):
        self.asked += 1
        return Account("somebody") if (username, password) == self._pair else None

    def lookup(self, subject):
        return Account(subject)


@both
@rows("basic-credentials")
def test_basic_credentials(world, row):
    """The directory gets name and password byte for byte, and never malformed ones."""
    pair = row["expect"] if row["expect"] != "reject" else {"user": "user", "password": "p"}
    directory = OnePair(pair["user"], pair["password"])
    auth = Auth(configuration(), directory=directory, clock=now)

    seen = ask_in(world, auth, headers=[("authorization", b64decode(row["header_b64"]))])

    assert ((401, 0) if row["expect"] == "reject" else (200, 1)) == (seen.status, directory.asked)


@both
@rows("cookie-header")
def test_cookie_header(world, row):
    """A valid token counts only as the whole value of a single cookie of our name."""
    auth = Auth(configuration(cookies={"access": row["name"]}, sources=["cookie"]), clock=now)
    token = tokens()["alice"].encode()
    lines = [b64decode(line) for line in row["cookie_headers_b64"]]
    fields = [("cookie", line.replace(b"abc", token).replace(b"evil", token)) for line in lines]

    seen = ask_in(world, auth, headers=fields)

    expected = {"abc": {200}, None: {401}, "ambiguous": {400}, "policy": {400, 401}}
    assert seen.status in expected.get(row["expect"], {401})
    assert (seen.report is not None) == (seen.status == 200)


@both
@rows("path-exemption")
def test_path_exemption(world, row):
    """A public path is open only by its exact spelling; 400 and 401 are both refusals."""
    if row.get("scope_type"):
        _check_kind_of_scope(row, world)
        return
    auth = Auth(configuration(access={"public": row["exempt"], "rules": []}, sources=["bearer"]), clock=now)
    mounted = row.get("wsgi", {"SCRIPT_NAME": "", "PATH_INFO": None})
    target = row.get("raw_target") or mounted["PATH_INFO"]
    headers = [(name.lower(), value.encode()) for name, value in row.get("headers", {}).items()]
    more = {"SCRIPT_NAME": mounted["SCRIPT_NAME"]} if world == "wsgi" else {"root_path": mounted["SCRIPT_NAME"]}
    host = [("host", row["host"].encode())] if "host" in row else []

    seen = ask_in(world, auth, target=target, method=row.get("method", "GET"), headers=host + headers, **more)

    closed = {400, 401}
    expected = {"anonymous-ok": {200}, "auth-required": closed, "policy": {200}, "policy-preflight-only": closed}
    assert seen.status in expected[row["expect"]]
    assert (seen.report is not None) == (seen.status == 200)


def _check_kind_of_scope(row, world):
    if world == "wsgi":
        pytest.skip("WSGI has no scopes")
    application = auth_for("main").asgi(AsgiReport())
    scope = {"type": row["scope_type"]}
    if row["expect"] == "auth-required":
        sent = asyncio.run(play(application, socket_scope(SentRequest("GET", row["raw_target"], (), "https"))))
        assert ("websocket.http.response.start", 401) == (sent[0]["type"], sent[0]["status"])
    elif row["expect"] == "pass-through":
        assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == asyncio.run(_lifespan(application, scope))
    else:
        with pytest.raises(RuntimeError, match="unknown-scope"):
            asyncio.run(_lifespan(application, scope))


async def _lifespan(application, scope):
    sent = []
    coming = ["lifespan.startup", "lifespan.shutdown"]

    async def receive():
        return {"type": coming.pop(0)}

    async def send(message):
        sent.append(message["type"])

    await application(scope, receive, send)
    return sent


@cache
def protected():
    """Return an ``Auth`` with CSRF tokens, and the tokens of one of its sessions."""
    auth = Auth(
        configuration(keys={"keys": [OWN_KEY, SECRETS_KEY]}),
        directory=MemoryDirectory(alice="correct horse"),
        clock=now,
    )
    return auth, auth.sessions.sign_in(Account("alice"), origin=RequestOrigin(transport="cookie"))


def csrf_values():
    """Return the tokens that the corpus refers to by name."""
    auth, session = protected()
    csrf = auth._container.csrf
    valid = csrf.token(session.session_id, session.csrf_generation)
    return {
        "valid": valid,
        "valid-but-origin-wins": valid,
        "valid-other-session": csrf.token(session.session_id[::-1], session.csrf_generation),
        "valid-pre-login": csrf.token(session.session_id, session.csrf_generation + 1),
        "VALID": valid.swapcase(),
        "valid\x00": valid + "\x00",
    }


@both
@rows("csrf-matrix")
def test_csrf_matrix(world, row):
    """A foreign page is refused, and one of ours too without the session's own token."""
    basic = ("authorization", b"Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==")
    others = {name.lower(): value for name, value in row["headers"].items()}
    if "x-csrf-token" in others:
        others["x-csrf-token"] = csrf_values().get(others["x-csrf-token"], others["x-csrf-token"])
    auth, session = protected()
    cookies = [f"__Host-safeconduct={session.access_token}"]
    cookies += [others.pop("cookie")] if "cookie" in others else []
    headers = [basic if row["credential"] == "basic" else ("cookie", "; ".join(cookies).encode())]
    headers += [("host", row["host"].encode()), *((name, value.encode()) for name, value in others.items())]
    if "Upgrade" in row["headers"]:
        _check_handshake(row, headers, world)
        return

    target = "/unsafe" if "X-Unsafe-Route" in row["headers"] else "/me"
    seen = ask_in(world, auth, target=target, method=row["method"], headers=headers)

    assert (403 if row["expect"] == "deny" else 200) == seen.status
    assert (row["expect"] != "deny") == (seen.report is not None)


def _check_handshake(row, headers, world):
    if world == "wsgi":
        pytest.skip("WSGI has no WebSockets")
    application = protected()[0].asgi(accepts)
    sent = asyncio.run(play(application, socket_scope(SentRequest("GET", "/me", tuple(headers), "https"))))
    assert ("websocket.accept" if row["expect"] == "allow" else "websocket.http.response.start") == sent[0]["type"]


async def accepts(_scope, receive, send):
    """Accept any WebSocket."""
    await receive()
    await send({"type": "websocket.accept"})


def relying(keyset):
    """Return an ``Auth`` that trusts the corpus' issuer."""
    trust = {
        "issuer": ATTACKS["issuer"],
        "audience": ATTACKS["audience"],
        "algorithms": ATTACKS["algorithms"][keyset],
        "keys": ATTACKS["keysets"][keyset],
        "leeway_seconds": ATTACKS["leeway"],
    }
    return Auth(Config(store="memory://", trust=[trust]), clock=lambda: float(ATTACKS["now"]))


RELYING = {keyset: relying(keyset) for keyset in ATTACKS["keysets"]}


@both
@rows("jwt-attacks")
def test_jwt_attacks(world, row):
    """Every valid token gets 200, and every other one the same 401."""
    token = row["token"].encode("utf-8", "surrogatepass") if "token" in row else b64decode(row["token_b64"])

    seen = ask_in(world, RELYING[row["keyset"]], headers=[("authorization", b"Bearer " + token)])

    assert seen.status in {"accept": {200}, "reject": {401}, "policy": {200, 401}}[row["expect"]]
    assert (seen.report is not None) == (seen.status == 200)
    if seen.status == 401:
        assert len(seen.values("www-authenticate")) == 1
