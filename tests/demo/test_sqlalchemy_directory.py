"""Use the example directory over SQLAlchemy, blocking and async, on a database in a file."""

import importlib.util
import sqlite3
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from sqlalchemy import create_engine, event, insert
from sqlalchemy.ext.asyncio import create_async_engine

from login_site import LoginClient, LoginSite

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "sqlalchemy_directory.py"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID)
DEAR = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1, type=Type.ID)
PASSWORD = "p" * 1024
BOSS = {"rules": [{"path": "/boss", "roles": ["boss"]}]}


@pytest.fixture(scope="module")
def example():
    """Return the example as a module, which SQLAlchemy finds by its name."""
    spec = importlib.util.spec_from_file_location("sqlalchemy_directory", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def database(example, tmp_path):
    """Return a database with alice, whose hash is outdated."""
    path = tmp_path / "users.db"
    engine = create_engine(f"sqlite:///{path}")
    example.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        alice = {"subject": "4711", "name": "alice", "password_hash": CHEAP.hash(PASSWORD)}
        connection.execute(insert(example.User).values(**alice))
    engine.dispose()
    return path


@pytest.fixture(params=["asgi-sync", "asgi-async", "wsgi-sync"])
def site(request, example, database):
    """Return a site whose users are in the database, with a higher cost."""
    world, colour = request.param.split("-")
    passwords = example.Passwords(DEAR)
    if colour == "sync":
        engine = create_engine(f"sqlite:///{database}")
        site = LoginSite(world, directory=example.UserTable(engine, passwords), access=BOSS)
        site.refuse_writes = lambda: refuse_writes(engine)
    else:
        engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
        site = LoginSite(world, directory=example.AsyncUserTable(engine, passwords), access=BOSS)
        site.refuse_writes = lambda: refuse_writes(engine.sync_engine)
    yield site
    if colour == "async":
        site._runner.run(engine.dispose())
        site.directory._threads.shutdown()
    site.close()
    if colour == "sync":
        engine.dispose()


@pytest.fixture
def client(site):
    return LoginClient(site)


def refuse_writes(engine):
    """Make every new connection read-only."""
    event.listen(engine, "engine_connect", lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))


def write(database, statement, *values):
    with sqlite3.connect(database) as connection:
        connection.execute(statement, values)
    connection.close()


def hash_in(database):
    with sqlite3.connect(database) as connection:
        [(phc,)] = connection.execute("SELECT password_hash FROM users WHERE name = 'alice'")
    connection.close()
    return phc


def test_a_user_of_the_table_signs_in(client):
    """Every byte of a long password counts, and the display name is that of the row."""
    assert 401 == client.get_tokens("alice", PASSWORD[:-1] + "q")
    assert 200 == client.get_tokens("alice", PASSWORD)

    assert 200 == client.use()
    assert "4711" == client.response.report["who"]


@pytest.mark.parametrize("name", ["nobody", "alice'--", ""], ids=repr)
def test_an_unknown_user_is_refused(client, name):
    assert 401 == client.get_tokens(name, PASSWORD)


def test_what_changes_in_the_table_is_seen_at_the_next_refresh(client, database):
    client.get_tokens("alice", PASSWORD, remember=True)
    before = client.request("GET", "/boss", bearer=client.tokens["access_token"])
    write(database, "UPDATE users SET roles = 'clerk boss'")
    client.refresh()
    after = client.request("GET", "/boss", bearer=client.tokens["access_token"])
    write(database, "UPDATE users SET is_disabled = 1")

    assert (403, 200) == (before, after)
    assert 401 == client.refresh()


def test_a_deleted_row_ends_the_session(client, database):
    client.get_tokens("alice", PASSWORD, remember=True)
    write(database, "DELETE FROM users")

    assert 401 == client.refresh()


def test_a_hash_is_renewed_at_sign_in_and_once(client, database):
    old = hash_in(database)
    wrong = client.get_tokens("alice", "wrong"), hash_in(database)
    right = client.get_tokens("alice", PASSWORD)
    renewed = hash_in(database)
    again = client.get_tokens("alice", PASSWORD), hash_in(database)

    assert (401, old) == wrong
    assert (200, "t=2") == (right, renewed.split("$")[3].split(",")[1])
    assert (200, renewed) == again


def test_a_hash_that_cannot_be_written_does_not_prevent_a_sign_in(site, client, database, caplog):
    """The log shows no hash."""
    old = hash_in(database)
    site.refuse_writes()

    assert 200 == client.get_tokens("alice", PASSWORD)

    assert old == hash_in(database)
    assert ["a hash could not be renewed, the old one stays: OperationalError"] == [
        record.getMessage() for record in caplog.records if record.name == "sqlalchemy_directory"
    ]


def test_a_password_that_was_changed_meanwhile_stays_changed(example, database):
    """The new hash replaces only the hash that was checked."""
    engine = create_engine(f"sqlite:///{database}")
    people = example.UserTable(engine, example.Passwords(DEAR))
    with people._sessions() as session:
        user = session.get(example.User, 1)
    renewal = people._passwords.rehash(user, PASSWORD)
    write(database, "UPDATE users SET password_hash = ?", "changed")

    people._write(renewal)

    assert "changed" == hash_in(database)
    engine.dispose()


def test_a_table_that_is_gone_is_503(client, database):
    """A failing database is never 401."""
    write(database, "DROP TABLE users")

    assert 503 == client.get_tokens("alice", PASSWORD)


def test_the_default_cost_is_that_of_the_library(example):
    assert not PasswordHasher().check_needs_rehash(example.Passwords()._decoy_hash)
