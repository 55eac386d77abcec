"""Construct an ``Auth``, use its methods in both worlds, and close it."""

import asyncio
import gc
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import SimpleNamespace

import pytest
from flask import Flask
from starlette.requests import HTTPConnection

from app_client import play
from app_reports import WORLDS, ask_in
from auth_setups import SITE, configuration, now
from memory_directory import AsyncMemoryDirectory, MemoryDirectory
from request_row import basic
from safeconduct import Auth, Config, ConfigurationError
from safeconduct._core.directory import Account
from safeconduct._tokens.issuer import Grant
from safeconduct.directories import CallableDirectory
from safeconduct.errors import MissingCredential, NotFound, NotSupported, RevokedToken, Unavailable
from safeconduct.events import RuleWeakened
from safeconduct.flask import Safeconduct
from safeconduct.principal import Anonymous
from safeconduct.starlette import identity, principal
from safeconduct.stores.null import NullStore
from table_tokens import IDP, NOW, OWN_KEY, SECRETS_KEY, mint, tokens

SESSION = "A" * 24
NULL_STORE = NullStore(clock=now, horizon_ms=0, leeway_ms=0)
OPEN_COOKIES = {"secure": False, "access": "a", "refresh": "r", "device": "d"}


def made(**fields):
    """Return an ``Auth`` with a directory."""
    return Auth(configuration(**fields), directory=MemoryDirectory(), clock=now)


KINDS = {
    "token": lambda verbs: verbs.revoke_token("jti-alice", expires_at=NOW + 900),
    "token of a subject": lambda verbs: verbs.revoke_token("jti-alice", subject="alice"),
    "subject": lambda verbs: verbs.revoke_subject("alice"),
    "client": lambda verbs: verbs.revoke_client("app"),
    "key": lambda verbs: verbs.revoke_key("own"),
    "everything": lambda verbs: verbs.revoke_everything(),
    "session": lambda verbs: verbs.end(SESSION),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_verb_ends_what_it_names(kind, world):
    """A revocation in one world holds for every later check in both."""
    auth = made()
    token = mint()

    async def awaited():
        assert "alice" == (await auth.async_verify(token)).subject
        await KINDS[kind](auth.async_sessions)
        if kind != "session":
            with pytest.raises(RevokedToken):
                await auth.async_verify(token)

    if world == "asgi":
        asyncio.run(awaited())
    else:
        assert "alice" == auth.verify(token).subject
        KINDS[kind](auth.sessions)
    if kind != "session":
        with pytest.raises(RevokedToken):
            auth.verify(token)


def test_a_foreign_issuer_is_named():
    auth = made()

    auth.sessions.revoke_subject("alice", issuer=IDP)

    assert "alice" == auth.verify(mint()).subject
    with pytest.raises(RevokedToken):
        auth.verify(tokens()["idp"])


def test_what_is_no_session_is_not_found():
    with pytest.raises(NotFound):
        made().sessions.end("x")


def test_without_a_store_nothing_can_be_ended():
    auth = made(store="none")

    assert "alice" == auth.verify(mint()).subject
    with pytest.raises(NotSupported, match="store"):
        auth.sessions.revoke_subject("alice")


def test_without_an_issuer_of_its_own_one_must_be_named():
    config = Config(store="memory://", sources=["basic"])
    auth = Auth(config, directory=MemoryDirectory(alice="x"), clock=now)

    with pytest.raises(NotSupported, match="issuer"):
        auth.sessions.revoke_subject("alice")
    with pytest.raises(ConfigurationError, match="keys"):
        _ = auth._container.issuer


def test_a_blocking_verb_names_its_twin_where_a_loop_runs():
    """The blocking verbs would block the event loop."""
    auth = made()

    async def wrong():
        with pytest.raises(RuntimeError, match=r"async_sessions\.revoke_subject"):
            auth.sessions.revoke_subject("alice")
        with pytest.raises(RuntimeError, match="async_verify"):
            auth.verify(mint())

    asyncio.run(wrong())


def test_what_it_issues_it_accepts():
    auth = made()

    token = auth._container.issuer.issue(Grant(subject="zoe", lifetime_seconds=60), iat_ms=NOW * 1000)

    assert "zoe" == auth.verify(token).subject


def test_the_end_is_the_end():
    """Closing is idempotent; afterwards every request and every verb is 503."""
    auth = made()
    assert 200 == ask_in("wsgi", auth, target="/health").status
    with auth as same:
        assert same is auth
    auth.close()
    asyncio.run(auth.aclose())

    assert [503, 503] == [ask_in(world, auth, target="/health").status for world in WORLDS]
    with pytest.raises(Unavailable):
        auth.verify(mint())
    with pytest.raises(Unavailable):
        auth.sessions.revoke_subject("alice")


def test_the_awaitable_end_lets_go_of_the_loop():
    auth = made()

    async def whole():
        assert "alice" == (await auth.async_verify(mint())).subject
        await auth.aclose()
        with pytest.raises(Unavailable):
            await auth.async_verify(mint())

    asyncio.run(whole())


def life(**fields):
    """Return a configuration that enables the endpoints explicitly."""
    usual = {"keys": {"keys": [OWN_KEY, SECRETS_KEY]}, "sources": ["bearer"], "endpoints": {"enabled": True}}
    return configuration(**usual | fields)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Auth(configuration(), clock=now).wsgi(print), "directory"),
        (lambda: Auth(configuration(), directory=AsyncMemoryDirectory(), clock=now).wsgi(print), "WSGI"),
        (lambda: Auth(life(keys=None), directory=MemoryDirectory(), clock=now).wsgi(print), "nobody can sign in"),
        (
            lambda: Auth(life(keys={"keys": [OWN_KEY]}), directory=MemoryDirectory(), clock=now).wsgi(print),
            "no safeconduct-secrets",
        ),
        (
            lambda: Auth(life(), directory=MemoryDirectory(), store=NULL_STORE, clock=now).wsgi(print),
            "endpoints.*store",
        ),
        (lambda: Auth(life(), clock=now).wsgi(print), "endpoints.*directory"),
        (lambda: Auth(configuration(keys={"keys": [OWN_KEY]}), clock=now), "cookies.*secrets"),
        (
            lambda: Auth(configuration(sources=["bearer"], keys={"keys": [OWN_KEY]}), clock=now).sessions.list("a"),
            "secrets",
        ),
    ],
    ids=[
        "no directory",
        "awaitable directory behind WSGI",
        "no keys",
        "no secrets",
        "a store without sessions",
        "nobody",
        "cookies without secrets",
        "no sessions",
    ],
)
def test_what_cannot_work_together_is_reported_when_it_is_put_together(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


def test_an_awaitable_directory_serves_asgi():
    auth = Auth(configuration(), directory=AsyncMemoryDirectory(alice="x"), clock=now)

    assert "alice" == ask_in("asgi", auth, headers=[("authorization", b"Basic YWxpY2U6eA==")]).report["who"]


def test_a_listener_hears_and_one_that_raises_is_logged(caplog):
    """The standard log receives every event, without the token."""
    heard = []

    def raises(_event):
        raise ZeroDivisionError

    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[raises, heard.append])
    with caplog.at_level(logging.INFO, "safeconduct"):
        ask_in("asgi", auth, headers=[("authorization", b"Bearer " + tokens()["signature"].encode())])

    assert ["TokenRefused"] == [type(event).__name__ for event in heard]
    assert "ZeroDivisionError" in caplog.text
    assert tokens()["signature"] not in caplog.text + repr(heard)


def test_the_flask_extension_takes_the_application_at_once():
    application = Flask("application")

    extension = Safeconduct(made(), application)

    assert application.extensions["safeconduct"] is extension
    assert 401 == application.test_client().get("/", base_url=SITE).status_code


def test_the_starlette_integration_reads_the_scope():
    anonymous = Anonymous()
    connection = HTTPConnection({"type": "http", "safeconduct": anonymous})

    assert identity(connection) is anonymous
    with pytest.raises(MissingCredential):
        principal(connection)
    with pytest.raises(LookupError):
        identity(HTTPConnection({"type": "http"}))


def test_an_application_without_keys_of_its_own_publishes_none():
    auth = Auth(Config(store="memory://", sources=["basic"]), directory=MemoryDirectory(), clock=now)

    assert 401 == ask_in("asgi", auth, target="/.well-known/jwks.json").status


def test_a_path_that_is_no_utf8_is_400():
    seen = ask_in("wsgi", made(), target="/me", PATH_INFO="/\xff", RAW_URI="/%ff")

    assert 400 == seen.status


def test_lifespan_ends_the_connections_of_the_loop():
    """The store is closed after the application's shutdown, however that ended."""
    released = []
    auth = made()

    async def release():
        released.append(True)

    auth.asgi_gate().release = release

    async def application(_scope, _receive, send):
        await send({"type": "lifespan.startup.complete"})
        released.append(False)
        await send({"type": "lifespan.shutdown.failed", "message": "x"})

    sent = asyncio.run(play(auth.asgi(application), {"type": "lifespan"}))

    assert [False, True] == released
    assert ["lifespan.startup.complete", "lifespan.shutdown.failed"] == [message["type"] for message in sent]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sources": ["basic"], "basic": {"allow_plain_http": True}}, ["basic.allow_plain_http"]),
        ({"sources": ["bearer"], "basic": {"allow_plain_http": True}}, []),
        ({"sources": ["bearer"], "revocation": {"accept_eviction": True}}, ["revocation.accept_eviction"]),
        ({"sources": ["cookie"], "cookies": OPEN_COOKIES}, ["cookies.secure"]),
        ({"sources": ["bearer"], "cookies": OPEN_COOKIES}, []),
        ({"sources": ["bearer"], "access": {"preflights": "pass"}}, ["access.preflights"]),
    ],
    ids=str,
)
def test_a_weakened_rule_is_announced_once(fields, expected):
    """The warning comes once, when the ``Auth`` is created, and not for options without effect."""
    heard = []

    auth = Auth(configuration(**fields), directory=MemoryDirectory(), clock=now, listeners=[heard.append])
    auth.asgi(print)
    auth.wsgi(print)

    assert [RuleWeakened(switch=switch) for switch in expected] == heard


def test_the_end_of_the_process_closes_what_is_still_open(monkeypatch):
    """The exit handler closes a live ``Auth``, and ignores one that was garbage-collected."""
    hooks = []
    ends = SimpleNamespace(register=hooks.append, unregister=hooks.remove)
    monkeypatch.setattr(import_module("safeconduct._wiring.container"), "atexit", ends)
    auth, gone = made(), made()
    [end, end_of_gone] = hooks

    end()
    del gone
    gc.collect()
    end_of_gone()

    assert 503 == ask_in("wsgi", auth, headers=[("authorization", f"Bearer {tokens()['alice']}".encode())]).status
    assert [end] == hooks


def test_c1_both_worlds_of_a_process_hash_no_more_than_one():
    """While ASGI uses the only slot, a sign-in by WSGI finds none."""
    may_answer, has_begun = threading.Event(), threading.Event()

    def check(username, _password):
        has_begun.set()
        may_answer.wait(60)
        return Account(username)

    login = {"hashing_threads": 1, "hashing_queue": 0}
    auth = Auth(configuration(login=login), directory=CallableDirectory(check))
    headers = [(name, value.encode()) for name, value in basic("alice", "wonder")]
    with ThreadPoolExecutor(1) as server, auth:
        under_way = server.submit(ask_in, "asgi", auth, headers=headers)
        try:
            has_begun.wait(60)
            refused = ask_in("wsgi", auth, headers=headers)
        finally:
            may_answer.set()

        assert 503 == refused.status
        assert "unavailable" == json.loads(refused.body)["code"]
        assert refused.report is None
        assert 200 == under_way.result().status
        assert 200 == ask_in("wsgi", auth, headers=headers).status
