"""Directories of users: the built-in users file, and directories made of functions."""

from safeconduct.directories.argon2id import Cost
from safeconduct.directories.callables import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.users_file import UsersFile

__all__ = ["AsyncCallableDirectory", "CallableDirectory", "Cost", "UsersFile"]
