"""Whether a process could decide about a request now."""

import asyncio

import pytest

from app_reports import WORLDS
from auth_setups import configuration
from command_line import run
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.errors import Unavailable
from safeconduct.testing import Clock
from store_servers import KINDS, started_servers


@pytest.fixture(scope="session")
def servers():
    with started_servers() as start:
        yield start


@pytest.fixture(params=WORLDS)
def check(request):
    """Ask one world of an ``Auth``; the reason why it is not ready, or None."""

    def ask(auth):
        try:
            if request.param == "wsgi":
                auth.check_ready()
            else:
                asyncio.run(_ask(auth))
        except Unavailable as error:
            return error.reason
        return None

    async def _ask(auth):
        try:
            await auth.async_check_ready()
        finally:
            await auth.asgi_gate().release()

    return ask


def auth_with(**fields):
    return Auth(configuration(**fields), directory=MemoryDirectory())


@pytest.mark.parametrize("store", ["memory://", "none"])
def test_without_a_server_it_is_ready(check, store):
    """There is nothing to ask."""
    more = {} if store != "none" else {"revocation": {"consistency": "none"}}

    assert check(auth_with(store=store, **more)) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("consistency", ["strict", "bounded"])
def test_it_is_ready_while_the_store_answers(check, servers, kind, consistency):
    """And not when it is away, however current the local view is."""
    server = servers(kind)
    auth = auth_with(store=server.url, revocation={"consistency": consistency})
    before = check(auth)
    server.kill()
    try:
        during = check(auth)
    finally:
        server.start()
    auth.close()

    assert before is None
    assert during


def test_without_a_signing_key_it_is_not_ready(check, tmp_path, monkeypatch):
    """Nobody could sign in, and every token of our own is refused."""
    monkeypatch.chdir(tmp_path)
    assert 0 == run("keys", "new").code
    auth = auth_with(keys="keys")
    assert check(auth) is None

    for file in (tmp_path / "keys").iterdir():
        if "secrets" not in file.name:
            file.unlink()
    monkeypatch.setattr(auth._container.keys, "_next_check", 0)

    assert "no signing key is left" == check(auth)


def test_a_revocation_of_everything_is_no_outage(check):
    """The store answers; who asks is refused, and signs in again."""
    clock = Clock()
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=clock)
    auth.sessions.revoke_everything()

    assert check(auth) is None


def test_a_closed_auth_is_not_ready(check):
    """It answers every request with 503."""
    auth = auth_with()
    auth.close()

    assert "closed" == check(auth)


def test_a_blocking_check_in_a_loop_names_the_other_one():
    """It would block every other request of the process."""

    async def inside():
        auth_with().check_ready()

    with pytest.raises(RuntimeError, match="await async_check_ready"):
        asyncio.run(inside())
