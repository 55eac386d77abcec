"""``safeconduct revoke``: revoke a token, a session, or all that was issued to a subject, to a client or by a key."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from safeconduct._core.opaque import is_opaque_token
from safeconduct._core.revoker import RevocationReceipt
from safeconduct._core.store import RevocationKind
from safeconduct.auth import Auth
from safeconduct.cli.context import Settings, open_auth, pass_settings, require_shared_store
from safeconduct.cli.output import CommandFailed, UsageError, json_option, print_note, print_record, warn
from safeconduct.cli.standard_input import read_token, require_standard_input
from safeconduct.config import Config
from safeconduct.errors import RevokedToken
from safeconduct.sessions import Sessions

Revocation = Callable[[Sessions], RevocationReceipt]

issuer_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--issuer", help="Who issued it.  [default: the configured issuer]"
)


@click.group()
def revoke() -> None:
    """
    Revoke credentials; the next request in every process refuses them.

    Needs a store that other processes see.  Revoking again is harmless.
    """


# One id in 64 begins with a dash and must not be taken for an option.
@revoke.command(context_settings={"ignore_unknown_options": True})
@click.argument("token")
@click.option("--subject", help="The user that the token names; with it, only one shard is written to.")
@click.option("--expires-at", type=click.IntRange(min=0), help="When the token expires, in seconds since the epoch.")
@issuer_option
@json_option
@pass_settings
def token(
    settings: Settings,
    token: str,
    subject: str | None,
    expires_at: int | None,
    issuer: str | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """Revoke TOKEN: a token id (jti), or a whole token, which is checked first; - reads it from standard input."""
    value = read_token(token)
    config = _config(settings)
    with open_auth(config) as auth:
        if not _is_whole_token(value):
            receipt = auth.sessions.revoke_token(value, issuer=issuer, subject=subject, expires_at=expires_at)
        else:
            if subject or expires_at is not None or issuer:
                raise UsageError("A whole token names its subject, expiry and issuer itself: leave the options out.")
            receipt_or_none = _revoke_whole_token(auth, value)
            if receipt_or_none is None:
                print_note("It was revoked already.")
                return
            receipt = receipt_or_none
    _report("token", receipt, config, as_json=as_json)


@revoke.command()
@click.argument("session_id")
@json_option
@pass_settings
def session(settings: Settings, session_id: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """End a session of the configured issuer, with all its tokens."""
    _revoke(settings, "session", lambda sessions: sessions.end(session_id), as_json=as_json)


@revoke.command()
@click.argument("name")
@issuer_option
@json_option
@pass_settings
def subject(settings: Settings, name: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Revoke all that was issued to a subject until now; a later sign-in is not affected."""
    _revoke(settings, "subject", lambda sessions: sessions.revoke_subject(name, issuer=issuer), as_json=as_json)


@revoke.command()
@click.argument("client_id")
@issuer_option
@json_option
@pass_settings
def client(settings: Settings, client_id: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Revoke all that was issued to a client until now."""
    _revoke(settings, "client", lambda sessions: sessions.revoke_client(client_id, issuer=issuer), as_json=as_json)


@revoke.command()
@click.argument("kid")
@issuer_option
@json_option
@pass_settings
def key(settings: Settings, kid: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Revoke all that a key has signed or will ever sign; for a key that was stolen."""
    _revoke(settings, "key", lambda sessions: sessions.revoke_key(kid, issuer=issuer), as_json=as_json)


@revoke.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@issuer_option
@json_option
@pass_settings
def everything(settings: Settings, yes: bool, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Revoke all that the issuer issued until now: every user must sign in again."""
    config = _config(settings)
    if not yes:
        require_standard_input("The answer")
        click.confirm(f"End every token and session of {issuer or config.issuer}?", abort=True, err=True)
    _revoke(settings, "everything", lambda sessions: sessions.revoke_everything(issuer=issuer), as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    require_shared_store(config, command="revoke")
    if config.consistency == "none":
        warn('revocation.consistency is "none": only rules that say "strict" ask for revocations.')
    return config


def _revoke(settings: Settings, kind: RevocationKind, revocation: Revocation, *, as_json: bool) -> None:
    config = _config(settings)
    with open_auth(config) as auth:
        receipt = revocation(auth.sessions)
    _report(kind, receipt, config, as_json=as_json)


def _is_whole_token(value: str) -> bool:
    # The header of every signed token begins with {"; a random id does not, and none of ours is as long as a reference.
    return (value.startswith("eyJ") and value.count(".") in {2, 4}) or is_opaque_token(value)


def _revoke_whole_token(auth: Auth, value: str) -> RevocationReceipt | None:
    """Revoke a token; return None if that was done before."""
    try:
        principal = auth.verify(value)
    except RevokedToken:
        return None
    # A token without a jti is never accepted.
    token_id: str = principal.claims["jti"]
    return auth.sessions.revoke_token(
        token_id, issuer=principal.issuer, subject=principal.subject, expires_at=principal.expires_at
    )


def _report(kind: RevocationKind, receipt: RevocationReceipt, config: Config, *, as_json: bool) -> None:
    """
    Print the result of a revocation.

    Raises:
        CommandFailed: If a shard missed it, or too few replicas have it.
    """
    before_ms = receipt.before_ms
    before = None if before_ms is None else datetime.fromtimestamp(before_ms / 1000, UTC).isoformat("T", "milliseconds")
    record: dict[str, object] = {
        "revoked": kind,
        "issued_until": before,
        "shards": len(receipt.shards),
        "missed": list(receipt.missed),
        "replicas": receipt.replicas,
        "durability": receipt.durability,
    }
    print_record(record, as_json=as_json)
    if receipt.missed:
        raise CommandFailed(f"Not ended on {len(receipt.missed)} shards that did not answer: revoke again.")
    wanted = config.revocation.min_replicas
    if receipt.replicas < wanted:
        raise CommandFailed(f"Written, but only {receipt.replicas} of {wanted} replicas have it yet: revoke again.")
