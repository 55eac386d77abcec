"""``safeconduct keys``: create, list, rotate and retire signing keys, and print the JWK Set."""

import os
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from safeconduct._core.endpoints.routes import JWKS_MAX_AGE_SECONDS
from safeconduct._keys.folder import read_own_keys, write_key
from safeconduct._keys.generate import made_at, new_key, new_secrets, retire, rotate
from safeconduct._keys.keyset import STATE_MEMBER, KeySet, State
from safeconduct._tokens.algorithms import ALGORITHMS, canonical
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.cli.context import Settings, pass_settings
from safeconduct.cli.output import UsageError, json_option, print_json, print_note, print_table, warn
from safeconduct.directories.atomic_write import lock_folder

DEFAULT_FOLDER: Final = Path("keys")
_ENVIRONMENT: Final = "env:"
_DEFAULT_ALGORITHM: Final = {"sig": "ES256", "enc": "A256KW"}

folder_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="The folder of the keys.  [default: the one of the configuration, else keys/]",
)


@click.group()
def keys() -> None:
    """
    Create, list, rotate and retire keys.

    A key is first published (next), then signs (active), then only verifies what it signed (retired).
    """


@keys.command("new")
@click.option("--algorithm", help="[default: tokens.algorithm of the configuration, else ES256; A256KW for enc]")
@click.option("--use", type=click.Choice(["sig", "enc"]), help="Sign tokens, or encrypt them.  [default: sig]")
@click.option("--secrets", "is_secrets", is_flag=True, help="Make a new version of safeconduct-secrets instead.")
@click.option("--state", type=click.Choice(["next", "active", "retired"]), help="[default: active for the first key]")
@folder_option
@json_option
@pass_settings
def create(
    settings: Settings,
    algorithm: str | None,
    use: str | None,
    is_secrets: bool,  # noqa: FBT001 - click passes every option by its name
    state: State | None,
    folder: Path | None,
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """
    Make a key.

    The first key of a use is active at once; a later one waits as next until `keys rotate`.  A folder without
    safeconduct-secrets gets that too: the keys of the throttle and of sessions are derived from it.
    """
    path = _folder_to_write(settings, folder)
    if is_secrets and (algorithm or use or state):
        raise UsageError("--secrets goes alone: it has no algorithm, no use and no state.")
    name = None if is_secrets else _algorithm(settings, algorithm, use)
    with _locked(path) as present:
        jwks: list[dict[str, Any]] = []
        if name is not None:
            first_state = state or ("next" if _has_active(present, ALGORITHMS[canonical(name)].use) else "active")
            jwks.append(
                new_key(name, now=time.time(), randomness=secrets.token_bytes, state=first_state, among=present)
            )
        if is_secrets or present.derived_keys is None:
            jwks.append(new_secrets(present, randomness=secrets.token_bytes))
        rows = [_write(path, jwk, replaces=False) for jwk in jwks]
    print_table(rows, as_json=as_json)


@keys.command("list")
@folder_option
@json_option
@pass_settings
def list_keys(settings: Settings, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """List the keys with their states and ages; a key that cannot be used is listed with the reason."""
    present = _read(_source(settings, folder))
    rows = [
        _row(entry.key.kid, entry.key.written, entry.key.use, entry.state)
        for entry in sorted(present.entries, key=lambda entry: entry.key.kid or "")
    ]
    if present.derived_keys is not None:
        rows += _secrets_rows(present.derived_keys)
    rows += [_row(kid, None, None, f"unusable: {reason}") for kid, reason in present.skipped]
    print_table(rows, as_json=as_json)


@keys.command("rotate")
@click.argument("kid", required=False)
@folder_option
@json_option
@pass_settings
def rotate_keys(settings: Settings, kid: str | None, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Sign with the key that waits as next from now on, and retire the one before it."""
    path = _existing_folder(settings, folder)
    with _locked(path) as present:
        if kid is None and not any(entry.state == "next" for entry in present.entries):
            raise UsageError("No key waits as next: make one with `safeconduct keys new`, and rotate in some minutes.")
        changed = rotate(present, kid)
        rows = [_write(path, jwk) for jwk in changed]
    made = made_at(changed[0]["kid"])
    if made is not None and time.time() - made < JWKS_MAX_AGE_SECONDS:
        warn(
            f"the key is younger than {JWKS_MAX_AGE_SECONDS} seconds, for which others may cache the set without it: "
            "until then they may refuse new tokens."
        )
    print_table(rows, as_json=as_json)


@keys.command("retire")
@click.argument("kid")
@folder_option
@json_option
@pass_settings
def retire_key(settings: Settings, kid: str, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """
    Let a key verify only: it signs nothing new.

    Its file may be removed once the longest token has expired.  To refuse what a stolen key signs, use `revoke key`.
    """
    path = _existing_folder(settings, folder)
    with _locked(path) as present:
        rows = [_write(path, jwk) for jwk in retire(present, kid)]
    print_table(rows, as_json=as_json)


@keys.command("jwks")
@folder_option
@pass_settings
def jwks(settings: Settings, folder: Path | None) -> None:
    """Print the public keys as a JWK Set, as /.well-known/jwks.json publishes them."""
    print_json(_read(_source(settings, folder)).published())


def _folder_to_write(settings: Settings, folder: Path | None) -> Path:
    source = _source(settings, folder)
    if source.startswith(_ENVIRONMENT) or Path(source).is_file():
        raise UsageError(f"keys are written into a folder only, got {source}; name one with --folder.")
    return Path(source)


def _existing_folder(settings: Settings, folder: Path | None) -> Path:
    path = _folder_to_write(settings, folder)
    if not path.is_dir():
        raise UsageError(f"keys: there is no folder {path}; make one with `safeconduct keys new`.")
    return path


@contextmanager
def _locked(path: Path) -> Generator[KeySet]:
    """Keep other commands from writing into the folder, and yield the keys in it; warn of each that cannot be read."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_folder(path):
        present = read_own_keys(path)
        for kid, reason in present.skipped:
            warn(f"{kid or 'a key without kid'} in {path} is left out: {reason}.")
        yield present


def _source(settings: Settings, folder: Path | None) -> str:
    if folder is not None:
        return str(folder)
    config = settings.config_if_any()
    source = None if config is None else config.keys
    return str(source) if isinstance(source, str | Path) else str(DEFAULT_FOLDER)


def _read(source: str) -> KeySet:
    if not source.startswith(_ENVIRONMENT):
        return read_own_keys(Path(source))
    name = source.removeprefix(_ENVIRONMENT)
    if name not in os.environ:
        raise UsageError(f"keys: the environment has no variable {name!r}.")
    return KeySet.parse(os.environ[name].encode("utf-8", "surrogateescape"), is_own=True)


def _algorithm(settings: Settings, algorithm: str | None, use: str | None) -> str:
    if algorithm is None:
        if use == "enc":
            return _DEFAULT_ALGORITHM["enc"]
        config = settings.config_if_any()
        return _DEFAULT_ALGORITHM["sig"] if config is None else config.tokens.algorithm
    known = ALGORITHMS.get(canonical(algorithm))
    if known is not None and use is not None and known.use != use:
        raise UsageError(f"{algorithm} is of use {known.use}, got --use {use}.")
    if known is None or known.name == "dir":
        offered = ", ".join(name for name in ALGORITHMS if name != "dir")
        raise UsageError(f"--algorithm must be one of {offered}, got {algorithm}.")
    return algorithm


def _has_active(present: KeySet, use: str) -> bool:
    return any(entry.state == "active" and entry.key.use == use for entry in present.entries)


def _write(path: Path, jwk: dict[str, Any], *, replaces: bool = True) -> dict[str, object]:
    """Write a key into its file, and return its row."""
    file = write_key(path, jwk, replaces=replaces)
    print_note(f"wrote {file}")
    return _row(jwk["kid"], jwk.get("alg", "HKDF"), jwk.get("use", "derive"), jwk[STATE_MEMBER])


def _secrets_rows(derived: DerivedKeys) -> list[dict[str, object]]:
    return [
        _row(
            "safeconduct-secrets" if version == 1 else f"safeconduct-secrets-{version}",
            "HKDF",
            "derive",
            "active" if version == derived.current else "retired",
        )
        for version in sorted(derived.versions)
    ]


def _row(kid: str | None, algorithm: str | None, use: str | None, state: str) -> dict[str, object]:
    made = made_at(kid or "")
    return {
        "kid": kid,
        "algorithm": algorithm,
        "use": use,
        "state": state,
        "created": None if made is None else datetime.fromtimestamp(made, UTC).isoformat(),
    }
