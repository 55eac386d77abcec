"""What every command starts from: the configuration of the working directory, and an ``Auth`` made from it."""

import logging
import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import click

from safeconduct.auth import Auth, operator_access
from safeconduct.cli.output import UsageError, warn
from safeconduct.config import Config
from safeconduct.config.loading import DEFAULT_FILE, FILE_VARIABLE, PREFIX, is_of_service
from safeconduct.directories import CallableDirectory
from safeconduct.events import Event, RuleWeakened

_UNSHARED_STORES: Final = frozenset({"memory://", "none"})
#: A person can wait longer than a request, and the first question also waits until the driver is loaded.
_MIN_DEADLINE_MS: Final = 2000


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that stand before every command."""

    path: Path | None = None

    @property
    def has_file(self) -> bool:
        """Whether a file is named or found."""
        return self.path is not None or FILE_VARIABLE in os.environ or os.path.lexists(DEFAULT_FILE)

    @property
    def has_config(self) -> bool:
        """Whether there is any configuration to read."""
        if self.has_file:
            return True
        return any(name.startswith(PREFIX) and not is_of_service(name, value) for name, value in os.environ.items())

    def config(self) -> Config:
        """
        Read the configuration.

        Raises:
            UsageError: If there is none.
            ConfigurationError: If it is wrong.
        """
        if not self.has_config:
            raise UsageError(f"There is no configuration: write {DEFAULT_FILE}, or name one with --config.")
        return Config.load(self.path)

    def config_if_any(self) -> Config | None:
        """Read the configuration if there is one; raise ``ConfigurationError`` if it is wrong."""
        return self.config() if self.has_config else None


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def open_auth(config: Config, *, knows_users: bool = False) -> AbstractContextManager[Auth]:
    """
    Make an ``Auth`` that can issue, verify and revoke, and close it at the end of the block.

    Nobody can sign in with it, so it works without the users file, and it waits for the store as long as a person does.
    With *knows_users* it asks the users file who the users are, if the configuration names one; otherwise it compares
    no cut-offs of accounts, since there is nobody to ask.

    Raises:
        ConfigurationError: If *config* is not enough to make one.
    """
    deadline_ms = max(config.store.deadline_ms, _MIN_DEADLINE_MS)
    without_users = replace(_without_sign_in(config), store=replace(config.store, deadline_ms=deadline_ms))
    if knows_users and config.login.users is not None:
        return _closing(Auth(without_users, listeners=[_print_warning]))
    nobody = CallableDirectory(lambda _username, _password: None)
    without_users = replace(without_users, login=replace(config.login, cut_off="renewal"))
    return _closing(Auth(without_users, directory=nobody, listeners=[_print_warning]))


def open_serving_auth(config: Config) -> AbstractContextManager[Auth]:
    """
    Make the ``Auth`` that an application would make of *config*, and close it at the end of the block.

    Raises:
        ConfigurationError: If *config* is not enough to make one.
    """
    return _closing(Auth(config, listeners=[_print_warning]))


@contextmanager
def _closing(auth: Auth) -> Generator[Auth]:
    with auth:
        try:
            yield auth
        finally:
            operator_access(auth).close_store()


def _without_sign_in(config: Config) -> Config:
    """Remove from *config* what only a sign-in needs."""
    endpoints = replace(config.endpoints, enabled=False)
    if config.keys is None:
        return replace(config, endpoints=endpoints)
    sources = tuple(source for source in config.sources if source != "basic") or ("bearer",)
    return replace(config, endpoints=endpoints, sources=sources)


def require_shared_store(config: Config, *, command: str) -> None:
    """
    Raise unless other processes see what *command* writes to the store.

    Raises:
        UsageError: If there is no store, or it is the memory of this process.
    """
    if config.store.url in _UNSHARED_STORES:
        raise UsageError(
            f"{command} needs a store that other processes see: store is {config.store.url}, wanted redis://…"
        )


def _print_warning(event: Event) -> None:
    # `doctor` reports weakened rules; no other command depends on them.
    if event.log_level >= logging.WARNING and not isinstance(event, RuleWeakened):
        values = ", ".join(f"{each.name}: {getattr(event, each.name)}" for each in fields(event))
        warn(f"{type(event).__name__} ({values})")
