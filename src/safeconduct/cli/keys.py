"""``safeconduct keys``: make keys, and lead them through their life."""

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
from safeconduct.cli.output import UsageError, json_option, print_json, print_table, tell, warn
from safeconduct.directories.atomic_write import only_writer_into

DEFAULT_FOLDER: Final = Path("keys")
_ENVIRONMENT: Final = "env:"
_DEFAULT_ALGORITHM: Final = {"sig": "ES256", "enc": "A256KW"}

folder_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--folder", type=click.Path(path_type=Path), help="Where the keys lie.  [default: the configuration's, else keys/]"
)


@click.group()
def keys() -> None:
    """
    Make keys and lead them through their life.

    A key is published (next), then signs (active), then only proves what it signed (retired).
    """


@keys.command("new")
@click.option("--algorithm", help="Of the key.  [default: the configuration's, else ES256; A256KW for enc]")
@click.option("--use", type=click.Choice(["sig", "enc"]), help="Sign tokens, or encrypt them.  [default: sig]")
@click.option("--secrets", "is_secrets", is_flag=True, help="A new version of safeconduct-secrets instead.")
@click.option("--state", type=click.Choice(["next", "active", "retired"]), help="[default: active for the first]")
@folder_option
@json_option
@pass_settings
def new(
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

    The first key of a use is active at once; one that comes later waits as next until `keys rotate`.  A folder without
    safeconduct-secrets, from which the keys of the throttle and of sessions are derived, gets that too.
    """
    place = writable_folder(settings, folder)
    if is_secrets and (algorithm or use or state):
        raise UsageError("--secrets goes alone: it is no key of an algorithm, and signs nothing.")
    name = None if is_secrets else _algorithm(settings, algorithm, use)
    with _only_writer(place) as there:
        made: list[dict[str, Any]] = []
        if name is not None:
            begins = state or ("next" if _has_active(there, ALGORITHMS[canonical(name)].use) else "active")
            made.append(new_key(name, now=time.time(), randomness=secrets.token_bytes, state=begins, among=there))
        if is_secrets or there.derived_keys is None:
            made.append(new_secrets(there, randomness=secrets.token_bytes))
        rows = [_written(place, jwk, replaces=False) for jwk in made]
    print_table(rows, as_json=as_json)


@keys.command("list")
@folder_option
@json_option
@pass_settings
def show(settings: Settings, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """List the keys with their states and ages; those that cannot be used say why."""
    there = _read(_source(settings, folder))
    rows = [
        _row(entry.key.kid, entry.key.written, entry.key.use, entry.state)
        for entry in sorted(there.entries, key=lambda entry: entry.key.kid or "")
    ]
    if there.derived_keys is not None:
        rows += _secrets_rows(there.derived_keys)
    rows += [_row(kid, None, None, f"unusable: {reason}") for kid, reason in there.skipped]
    print_table(rows, as_json=as_json)


@keys.command("rotate")
@click.argument("kid", required=False)
@folder_option
@json_option
@pass_settings
def turn(settings: Settings, kid: str | None, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Sign with the key that waits as next from now on, and retire the one before it."""
    place = _present_folder(settings, folder)
    with _only_writer(place) as there:
        if kid is None and not any(entry.state == "next" for entry in there.entries):
            raise UsageError("No key waits as next: make one with `safeconduct keys new`, and rotate in some minutes.")
        changed = rotate(there, kid)
        rows = [_written(place, jwk) for jwk in changed]
    created = created_at(changed[0]["kid"])
    if created is not None and time.time() - created.timestamp() < JWKS_MAX_AGE_SECONDS:
        warn(
            f"the key is younger than {JWKS_MAX_AGE_SECONDS} seconds, for which others may keep the set without it: "
            "until then they may refuse new tokens."
        )
    print_table(rows, as_json=as_json)


@keys.command("retire")
@click.argument("kid")
@folder_option
@json_option
@pass_settings
def end(settings: Settings, kid: str, folder: Path | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """
    Let a key prove only: it signs nothing new.

    Its file may be removed after the longest token's life.  What a stolen key signs is ended by `revoke key`.
    """
    place = _present_folder(settings, folder)
    with _only_writer(place) as there:
        rows = [_written(place, jwk) for jwk in retire(there, kid)]
    print_table(rows, as_json=as_json)


@keys.command("jwks")
@folder_option
@pass_settings
def jwks(settings: Settings, folder: Path | None) -> None:
    """Print the public halves as a JWK Set, as /.well-known/jwks.json shows them."""
    print_json(_read(_source(settings, folder)).published())


def writable_folder(settings: Settings, folder: Path | None) -> Path:
    """
    Return the folder to write keys into.

    Raises:
        Complaint: If the keys lie where the command line does not write.
    """
    source = _source(settings, folder)
    if source.startswith(_ENVIRONMENT) or Path(source).is_file():
        raise UsageError(f"keys are written into a folder only, got {source}; name one with --folder.")
    return Path(source)


def _present_folder(settings: Settings, folder: Path | None) -> Path:
    place = writable_folder(settings, folder)
    if not place.is_dir():
        raise UsageError(f"keys: there is no folder {place}; make one with `safeconduct keys new`.")
    return place


@contextmanager
def _only_writer(place: Path) -> Generator[KeySet]:
    """Let no other command write into the folder meanwhile; give the keys that are there, and tell what is not read."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_writer_into(place):
        there = read_own_keys(place)
        for kid, reason in there.skipped:
            warn(f"{kid or 'a key without kid'} in {place} is left out: {reason}.")
        yield there


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


def _has_active(there: KeySet, use: str) -> bool:
    return any(entry.state == "active" and entry.key.use == use for entry in there.entries)


def _written(place: Path, jwk: dict[str, Any], *, replaces: bool = True) -> dict[str, object]:
    file = write_key(place, jwk, replaces=replaces)
    tell(f"wrote {file}")
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
    created = created_at(kid or "")
    return {
        "kid": kid,
        "algorithm": algorithm,
        "use": use,
        "state": state,
        "created": None if created is None else created.isoformat(),
    }


def created_at(kid: str) -> datetime | None:
    """Return when the key was made, as far as its kid tells."""
    made = made_at(kid)
    return None if made is None else datetime.fromtimestamp(made, UTC)
