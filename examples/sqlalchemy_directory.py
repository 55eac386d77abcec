"""
Look users up in your own table with SQLAlchemy: ``UserTable`` blocks, ``AsyncUserTable`` is awaited.

With ``pip install "safeconduct[argon2]" "sqlalchemy[asyncio]"`` and a driver of your database::

    auth = Auth(Config.load(), directory=UserTable(create_engine("sqlite:///users.db")))
    auth = Auth(Config.load(), directory=AsyncUserTable(create_async_engine("sqlite+aiosqlite:///users.db")))

``UserTable`` works with WSGI, and with ASGI, where it runs in a bounded thread pool; ``AsyncUserTable`` works with ASGI
only.

A user who signs in with a hash of older parameters gets a new one.  It is written only if the old hash is still there,
so that it does not undo a change of the password, and the sign-in succeeds even if it cannot be written.
"""

import asyncio
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Engine, Select, Update, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from safeconduct import Account

logger = logging.getLogger(__name__)


class Base(DeclarativeBase):
    """The base class of the tables."""


class User(Base):
    """A user who may sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The name in sessions and tokens.  It never changes, whereas another user may take over a user name, and some
    #: databases give the id of a deleted row to the next one.
    subject: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(16))
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    #: Separated by spaces.
    roles: Mapped[str] = mapped_column(default="")
    is_disabled: Mapped[bool] = mapped_column(default=False)

    def account(self) -> Account:
        """Return the account."""
        return Account(self.subject, roles=self.roles.split(), display_name=self.name, disabled=self.is_disabled)


class Passwords:
    """Verify and hash passwords with *hasher*."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # A hash is verified for an unknown user too, or the response time would reveal who has an account.
        self._decoy_hash = self._hasher.hash(secrets.token_urlsafe())

    def verify(self, user: User | None, password: str) -> bool:
        """Tell whether *password* is that of *user*; take the same time if there is no user."""
        try:
            self._hasher.verify(self._decoy_hash if user is None else user.password_hash, password)
        except VerifyMismatchError:
            # Any other error says nothing about the password: it is raised, and answered 503.
            return False
        return user is not None

    def rehash(self, user: User, password: str) -> Update | None:
        """Return the statement that writes a new hash, or None if the old one is good enough."""
        if not self._hasher.check_needs_rehash(user.password_hash):
            return None
        unchanged = update(User).where(User.id == user.id, User.password_hash == user.password_hash)
        return unchanged.values(password_hash=self._hasher.hash(password))


def user_by_name(username: str) -> Select[tuple[User]]:
    return select(User).where(User.name == username)


def log_failure(error: SQLAlchemyError) -> None:
    # The text of the error may hold the parameters of the statement, and so the hash.
    logger.warning("a hash could not be renewed, the old one stays: %s", type(error).__name__)


class UserTable:
    """A directory that blocks."""

    def __init__(self, engine: Engine, passwords: Passwords | None = None) -> None:
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._passwords = passwords or Passwords()

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        # Give the connection back before the slow hash.
        with self._sessions() as session:
            user = session.scalar(user_by_name(username))
        if not self._passwords.verify(user, password) or user is None:
            return None
        statement = self._passwords.rehash(user, password)
        if statement is not None:
            self._write(statement)
        return user.account()

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        with self._sessions() as session:
            user = session.scalar(select(User).where(User.subject == subject))
        return user and user.account()

    def _write(self, statement: Update) -> None:
        try:
            with self._sessions.begin() as session:
                session.execute(statement)
        except SQLAlchemyError as error:
            log_failure(error)


class AsyncUserTable:
    """A directory that is awaited; it hashes in its own threads, since a hash would block the event loop."""

    def __init__(self, engine: AsyncEngine, passwords: Passwords | None = None, *, hashing_threads: int = 2) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._passwords = passwords or Passwords()
        self._threads = ThreadPoolExecutor(hashing_threads)

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        async with self._sessions() as session:
            user = await session.scalar(user_by_name(username))
        run = asyncio.get_running_loop().run_in_executor
        if not await run(self._threads, self._passwords.verify, user, password) or user is None:
            return None
        statement = await run(self._threads, self._passwords.rehash, user, password)
        if statement is not None:
            await self._write(statement)
        return user.account()

    async def alookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        async with self._sessions() as session:
            user = await session.scalar(select(User).where(User.subject == subject))
        return user and user.account()

    async def _write(self, statement: Update) -> None:
        try:
            async with self._sessions.begin() as session:
                await session.execute(statement)
        except SQLAlchemyError as error:
            log_failure(error)
