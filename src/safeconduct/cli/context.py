"""What every command starts from: the configuration of the folder it is called in, and what that comes to."""

import logging
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import click

from safeconduct._core.revocation_keys import issue_time_query
from safeconduct._core.run_sync import run_sync
from safeconduct._wiring.container import Container
from safeconduct.auth import Auth
from safeconduct.cli.output import UsageError, warn
from safeconduct.config import Config
from safeconduct.config.loading import DEFAULT_FILE, PREFIX, is_of_service
from safeconduct.directories import CallableDirectory
from safeconduct.events import Event, RuleWeakened

WITHOUT_STORE: Final = frozenset({"memory://", "none"})
_PATIENCE_MS: Final = 2000


@dataclass(frozen=True, slots=True)
class Settings:
    """The options in front of every command."""

    path: Path | None = None

    @property
    def are_given(self) -> bool:
        """Whether there is any configuration to read."""
        named = self.path is not None or os.path.lexists(DEFAULT_FILE)
        return named or any(
            name.startswith(PREFIX) and not is_of_service(name, value) for name, value in os.environ.items()
        )

    def config(self) -> Config:
        """
        Read the configuration.

        Raises:
            ConfigurationError: If there is none, or it is wrong.
        """
        if not self.are_given:
            raise UsageError(f"There is no configuration: write {DEFAULT_FILE}, or name one with --config.")
        return Config.load(self.path)

    def config_if_any(self) -> Config | None:
        """Read the configuration where there is one; a wrong one is an error all the same."""
        return self.config() if self.are_given else None


pass_settings = click.make_pass_decorator(Settings, ensure=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """An ``Auth`` for the life of one command, with the parts that only the command line may take out of it."""

    auth: Auth
    config: Config

    @property
    def container(self) -> Container:
        """The parts."""
        # The command line issues and revokes with the very parts that serve.
        return self.auth._container  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - see above


def patient(config: Config) -> Config:
    """Return *config* with the store's deadline of a person, who also waits until the driver is loaded."""
    deadline_ms = max(config.store.deadline_ms, _PATIENCE_MS)
    return replace(config, store=replace(config.store, deadline_ms=deadline_ms))


@contextmanager
def opened(config: Config, *, serves: bool = False) -> Generator[Opened]:
    """
    Make what *config* comes to; what goes wrong on the way is told on standard error.

    Args:
        config: The configuration.
        serves: Whether users may sign in: else a users file that cannot be read keeps nobody from revoking.

    Raises:
        ConfigurationError: If it comes to nothing.
    """
    nobody = None if serves else CallableDirectory(lambda _username, _password: None)
    with Auth(config if serves else _without_sign_in(config), directory=nobody, listeners=[_tell]) as auth:
        tools = Opened(auth, config)
        try:
            yield tools
        finally:
            run_sync(tools.container.store("wsgi").close())


def _without_sign_in(config: Config) -> Config:
    """Return *config* for a command that lets nobody sign in, and must work without what a sign-in needs."""
    endpoints = replace(config.endpoints, enabled=False)
    if config.keys is None:
        return replace(config, endpoints=endpoints)
    sources = tuple(source for source in config.sources if source != "basic") or ("bearer",)
    return replace(config, endpoints=endpoints, sources=sources)


def refuse_without_store(config: Config, *, verb: str) -> None:
    """
    Return if other processes see what is written to the store.

    Raises:
        Complaint: If there is no store, or it is this process's own memory.
    """
    if config.store.url in WITHOUT_STORE:
        raise UsageError(
            f"{verb} needs a store that other processes see: store is {config.store.url}, wanted redis://…"
        )


def _tell(event: Event) -> None:
    # What a command does is not weaker for it, and `doctor` tells.
    if event.log_level >= logging.WARNING and not isinstance(event, RuleWeakened):
        told = ", ".join(f"{each.name}: {getattr(event, each.name)}" for each in fields(event))
        warn(f"{type(event).__name__} ({told})")


def instant_ms(tools: Opened, *, subject: str, client_id: str | None = None) -> int:
    """
    Return the ``iat_ms`` of a token: where processes share a store by its clock, and after every cut-off that meets it.

    Raises:
        Unavailable: If the store does not answer.
    """
    config = tools.config
    revocations = None if config.store.url in WITHOUT_STORE else tools.container.revocations("wsgi")
    if revocations is None or config.issuer is None:
        return int(time.time() * 1000)
    question = issue_time_query(
        issuer=config.issuer,
        subject=subject,
        client_id=client_id or config.tokens.client_id or config.issuer,
        shards=config.store.shards,
    )
    return run_sync(revocations.issue_time(question))
