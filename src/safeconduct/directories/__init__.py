"""Who the users are: the built-in users file, an author's functions, and the ports behind which they are asked."""

from safeconduct.directories.adapters import people_for, queue_for
from safeconduct.directories.argon2id import Cost
from safeconduct.directories.callables import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.users_file import UsersFile

__all__ = ["AsyncCallableDirectory", "CallableDirectory", "Cost", "UsersFile", "people_for", "queue_for"]
