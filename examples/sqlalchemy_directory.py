"""
Users in a table of your own, by SQLAlchemy: ``People`` blocks, ``AsyncPeople`` is awaited.

With ``pip install "safeconduct[argon2]" "sqlalchemy[asyncio]"`` and a driver of your database::

    auth = Auth(Config.load(), directory=People(create_engine("sqlite:///users.db")))
    auth = Auth(Config.load(), directory=AsyncPeople(create_async_engine("sqlite+aiosqlite:///users.db")))

``People`` serves WSGI and ASGI, where it runs in a bounded pool of threads; ``AsyncPeople`` serves ASGI alone.

Whoever signs in with a hash of older parameters gets a new one.  It is written only where the old one still stands, so
that it undoes no change of the password, and what keeps it from being written keeps nobody from signing in.
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
    """What the tables have in common."""


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What sessions and tokens name him by: it lasts, while a name may change hands, and some databases give the id of
    #: a row that was deleted to the next one.
    subject: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(16))
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    #: Separated by blanks.
    roles: Mapped[str] = mapped_column(default="")
    is_disabled: Mapped[bool] = mapped_column(default=False)

    def account(self) -> Account:
        """Return what is known of him."""
        return Account(self.subject, roles=self.roles.split(), display_name=self.name, disabled=self.is_disabled)


class Passwords:
    """Compare and hash, at the cost of *hasher*."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Who is unknown costs a hash too, or the time would tell who has an account.
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    def prove(self, user: User | None, password: str) -> bool:
        """Say whether *password* is that of *user*, in the same time where there is none."""
        try:
            self._hasher.verify(self._nobodys if user is None else user.password_hash, password)
        except VerifyMismatchError:
            # Any other error says nothing about the password: it is raised, and answered 503.
            return False
        return user is not None

    def renewal(self, user: User, password: str) -> Update | None:
        """Return the statement that writes a new hash, or None where the old one will do."""
        if not self._hasher.check_needs_rehash(user.password_hash):
            return None
        mine = update(User).where(User.id == user.id, User.password_hash == user.password_hash)
        return mine.values(password_hash=self._hasher.hash(password))


def named(username: str) -> Select[tuple[User]]:
    return select(User).where(User.name == username)


def tell(error: SQLAlchemyError) -> None:
    # The text of the error may hold the parameters of the statement, and with them the hash.
    logger.warning("a hash could not be renewed, the old one stays: %s", type(error).__name__)


class People:
    """A directory that blocks."""

    def __init__(self, engine: Engine, passwords: Passwords | None = None) -> None:
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._passwords = passwords or Passwords()

    def check(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        # The connection goes back before the long work of the hash.
        with self._sessions() as session:
            user = session.scalar(named(username))
        if not self._passwords.prove(user, password) or user is None:
            return None
        renewal = self._passwords.renewal(user, password)
        if renewal is not None:
            self._write(renewal)
        return user.account()

    def lookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        with self._sessions() as session:
            user = session.scalar(select(User).where(User.subject == subject))
        return user and user.account()

    def _write(self, renewal: Update) -> None:
        try:
            with self._sessions.begin() as session:
                session.execute(renewal)
        except SQLAlchemyError as error:
            tell(error)


class AsyncPeople:
    """A directory that is awaited; it hashes in threads of its own, since a hash would hold up the loop."""

    def __init__(self, engine: AsyncEngine, passwords: Passwords | None = None, *, hashing_threads: int = 2) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._passwords = passwords or Passwords()
        self._threads = ThreadPoolExecutor(hashing_threads)

    async def acheck(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, else None, in the same time."""
        async with self._sessions() as session:
            user = await session.scalar(named(username))
        run = asyncio.get_running_loop().run_in_executor
        if not await run(self._threads, self._passwords.prove, user, password) or user is None:
            return None
        renewal = await run(self._threads, self._passwords.renewal, user, password)
        if renewal is not None:
            await self._write(renewal)
        return user.account()

    async def alookup(self, subject: str) -> Account | None:
        """Return the account as it is now, or None."""
        async with self._sessions() as session:
            user = await session.scalar(select(User).where(User.subject == subject))
        return user and user.account()

    async def _write(self, renewal: Update) -> None:
        try:
            async with self._sessions.begin() as session:
                await session.execute(renewal)
        except SQLAlchemyError as error:
            tell(error)
