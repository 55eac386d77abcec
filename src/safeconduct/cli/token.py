"""``safeconduct token``: issue, show and check access tokens."""

from collections.abc import Mapping
from typing import Any, Final

import click

from safeconduct._core.opaque import is_opaque_token
from safeconduct._core.sessionless_tokens import acting
from safeconduct._tokens.issuer import Grant
from safeconduct._tokens.reader import decode_segment, read_object
from safeconduct.auth import operator_access
from safeconduct.cli.context import Settings, open_auth, pass_settings
from safeconduct.cli.output import CommandFailed, UsageError, json_option, print_json, print_note, print_record, warn
from safeconduct.cli.standard_input import read_token
from safeconduct.config import Config
from safeconduct.errors import AuthError, MalformedToken
from safeconduct.principal import LEVELS, Level

_PARTS_OF_JWS: Final = 3
_PARTS_OF_JWE: Final = 5


@click.group()
def token() -> None:
    """Issue, show or check access tokens."""


@token.command()
@click.option("--subject", required=True, help="The user that the token names.")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="A scope; may be repeated.")
@click.option(
    "--level",
    type=click.Choice(LEVELS[1:]),
    default="remembered",
    show_default=True,
    help="How the user was authenticated; a level above remembered says that they proved it just now.",
)
@click.option("--lifetime", type=click.IntRange(min=1), help="In seconds.  [default: tokens.access_lifetime_seconds]")
@click.option("--client-id", help="[default: tokens.client_id, else the issuer]")
@click.option("--audience", help="Another server, one of tokens.audiences.  [default: audience]")
@pass_settings
def issue(
    settings: Settings,
    subject: str,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    level: Level,
    lifetime: int | None,
    client_id: str | None,
    audience: str | None,
) -> None:
    """Issue an access token and print nothing else."""
    config = settings.config()
    lifetime_seconds = lifetime or config.tokens.access_lifetime_seconds
    _require_issuable(config, subject, lifetime_seconds)
    actor = _actor_for(config, audience, level)
    _note_memory_store(config, "a cut-off in the serving process is not known here, and may end this token")
    with open_auth(config) as auth:
        access = operator_access(auth)
        iat_ms = access.issue_time_ms(subject=subject, client_id=client_id)
        grant = Grant(
            subject=subject,
            level=level,
            scopes=scopes,
            roles=roles,
            lifetime_seconds=lifetime_seconds,
            client_id=client_id,
            auth_time=None if level == "remembered" else iat_ms // 1000,
            actor=actor,
            audience=audience,
        )
        click.echo(access.issue(grant, iat_ms=iat_ms))


def _require_issuable(config: Config, subject: str, lifetime_seconds: int) -> None:
    longest = config.tokens.max_lifetime_seconds
    if lifetime_seconds > longest:
        raise UsageError(f"--lifetime must be at most {longest} (tokens.max_lifetime_seconds), got {lifetime_seconds}.")
    if not subject:
        raise UsageError("--subject must not be empty.")


def _actor_for(config: Config, audience: str | None, level: Level) -> Mapping[str, Any] | None:
    """Return who acts with a token for another server; None for our own audience."""
    if audience is None or audience == config.audience:
        if config.tokens.format == "opaque":
            raise UsageError('tokens.format is "opaque", and an opaque token needs a session: sign in.')
        return None
    if audience not in config.tokens.audiences:
        raise UsageError("--audience must be one of tokens.audiences, or our own.")
    if level != "remembered":
        raise UsageError("--level must be remembered in a token for another server: nobody signed in to it.")
    return acting(config.tokens.client_id or config.issuer or "", None)


@token.command()
@click.argument("token")
def show(token: str) -> None:
    """Print the header and claims of TOKEN (- for standard input) without checking them."""
    value = read_token(token)
    if is_opaque_token(value):
        raise UsageError("TOKEN is opaque and says nothing; `safeconduct token check` asks the store.")
    parts = value.encode("utf-8", "replace").split(b".")
    if len(parts) not in {_PARTS_OF_JWS, _PARTS_OF_JWE}:
        raise UsageError(f"TOKEN must have three parts or five, got {len(parts)}.")
    try:
        shown: dict[str, Any] = {"header": read_object(decode_segment(parts[0]))}
        if len(parts) == _PARTS_OF_JWS:
            shown["claims"] = read_object(decode_segment(parts[1]))
    except MalformedToken as error:
        raise UsageError(f"TOKEN cannot be read: {error.reason}.") from None
    print_json(shown)
    if len(parts) == _PARTS_OF_JWE:
        print_note("The claims are encrypted; `safeconduct token check` decrypts them.")
    warn("NOTHING WAS CHECKED: anyone can have written this.  `safeconduct token check` proves it.")


@token.command()
@click.argument("token")
@json_option
@pass_settings
def check(settings: Settings, token: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """Check TOKEN (- for standard input) as a request's token is checked; the status is 1 if it is refused."""
    value = read_token(token)
    config = settings.config()
    _note_memory_store(config, "whether it was revoked is known to the serving process only")
    compares_cut_offs = config.login.cut_off == "cached"
    if compares_cut_offs and config.login.users is None:
        print_note("Note: the directory is in the application's code, so the cut-off of the account is not checked.")
    with open_auth(config, knows_users=compares_cut_offs) as auth:
        try:
            principal = auth.verify(value)
        except AuthError as error:
            if as_json:
                print_json({"accepted": False, "error": type(error).__name__, "reason": error.reason})
            raise CommandFailed(f"refused: {type(error).__name__}: {error.reason or error.detail}") from None
    record: dict[str, object] = {
        "accepted": True,
        "subject": principal.subject,
        "issuer": principal.issuer,
        "level": principal.level,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "session_id": principal.session_id,
        "token_id": principal.token_id,
        "client_id": principal.client_id,
        "auth_time": principal.auth_time,
        "expires_at": principal.expires_at,
    }
    print_record(record, as_json=as_json)


def _note_memory_store(config: Config, consequence: str) -> None:
    if config.store.url == "memory://":
        print_note(f"Note: store is memory://, so {consequence}.")
