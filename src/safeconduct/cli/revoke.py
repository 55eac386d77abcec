"""``safeconduct revoke``: revoke a token, a session, or all that was issued to a subject, to a client or by a key."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from safeconduct._core.opaque import is_opaque_token
from safeconduct._core.receipt import RevocationReceipt, TooFewReplicas
from safeconduct._core.revocation_query import RevocationKind
from safeconduct.auth import Auth
from safeconduct.cli.context import Settings, open_auth, pass_settings, require_shared_store
from safeconduct.cli.output import CommandFailed, UsageError, json_option, print_note, print_record, warn
from safeconduct.cli.standard_input import read_token, require_standard_input
from safeconduct.config import Config
from safeconduct.errors import RevokedToken
from safeconduct.principal import Principal
from safeconduct.sessions import Sessions

Revocation = Callable[[Sessions], RevocationReceipt]
Verb = Callable[..., Any]

issuer_option: Callable[[Verb], Verb] = click.option(
    "--issuer", help="Who issued it.  [default: the configured issuer]"
)
replicas_option: Callable[[Verb], Verb] = click.option(
    "--min-replicas",
    type=click.IntRange(0, 100),
    help="How many replicas must confirm it.  [default: revocation.min_replicas]",
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
@replicas_option
@json_option
@pass_settings
def token(
    settings: Settings,
    token: str,
    subject: str | None,
    expires_at: int | None,
    issuer: str | None,
    min_replicas: int | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """Revoke TOKEN: a token id (jti), or a whole token, which is checked first; - reads it from standard input."""
    value = read_token(token)
    if not _is_whole_token(value):
        _revoke(
            settings,
            "token",
            lambda sessions: sessions.revoke_token(
                value, issuer=issuer, subject=subject, expires_at=expires_at, min_replicas=min_replicas
            ),
            as_json=as_json,
        )
        return
    if subject or expires_at is not None or issuer:
        raise UsageError("A whole token names its subject, expiry and issuer itself: leave the options out.")
    config = _config(settings)
    with open_auth(config) as auth:
        principal = _principal_of(auth, value)
        if principal is None:
            print_note("It was revoked already.")
            if min_replicas or (min_replicas is None and config.revocation.min_replicas):
                raise CommandFailed("How many replicas have that is not known: revoke it by its id (jti).")
            return
        _report("token", *_receipt_of(auth, lambda sessions: sessions.revoke_token(
            # One without a jti, which only a client signs, is named by its digest.
            principal.token_id or "", issuer=principal.claims["iss"],
            # A person who was handed over is on another shard than our own of that name.
            subject=None if "pi" in principal.claims else principal.subject,
            expires_at=principal.expires_at, min_replicas=min_replicas,
        )), as_json=as_json)  # fmt: skip


@revoke.command()
@click.argument("session_id")
@replicas_option
@json_option
@pass_settings
def session(settings: Settings, session_id: str, *, min_replicas: int | None = None, as_json: bool) -> None:
    """End a session of the configured issuer, with all its tokens."""
    _revoke(settings, "session", lambda each: each.end(session_id, min_replicas=min_replicas), as_json=as_json)


@revoke.command()
@click.argument("name")
@issuer_option
@replicas_option
@json_option
@pass_settings
def subject(settings: Settings, /, name: str, *, as_json: bool, **options: Any) -> None:
    """Revoke all that was issued to a subject until now; a later sign-in is not affected."""
    _revoke(settings, "subject", lambda sessions: sessions.revoke_subject(name, **options), as_json=as_json)


@revoke.command()
@click.argument("client_id")
@issuer_option
@replicas_option
@json_option
@pass_settings
def client(settings: Settings, /, client_id: str, *, as_json: bool, **options: Any) -> None:
    """Revoke all that was issued to a client until now, and what it signs itself, now and later."""
    _revoke(settings, "client", lambda sessions: sessions.revoke_client(client_id, **options), as_json=as_json)


@revoke.command()
@click.argument("kid")
@issuer_option
@replicas_option
@json_option
@pass_settings
def key(settings: Settings, /, kid: str, *, as_json: bool, **options: Any) -> None:
    """Revoke all that a key has signed or will ever sign; for a key that was stolen."""
    _revoke(settings, "key", lambda sessions: sessions.revoke_key(kid, **options), as_json=as_json)


@revoke.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@issuer_option
@replicas_option
@json_option
@pass_settings
def everything(settings: Settings, /, *, yes: bool, as_json: bool, **options: Any) -> None:
    """Revoke all that the issuer issued until now: every user must sign in again."""
    config = _config(settings)
    if not yes:
        require_standard_input("The answer")
        click.confirm(f"End every token and session of {options['issuer'] or config.issuer}?", abort=True, err=True)
    _revoke(settings, "everything", lambda sessions: sessions.revoke_everything(**options), as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    require_shared_store(config, command="revoke")
    if config.consistency == "none":
        warn('revocation.consistency is "none": only rules that say "strict" ask for revocations.')
    return config


def _revoke(settings: Settings, kind: RevocationKind, revocation: Revocation, *, as_json: bool) -> None:
    with open_auth(_config(settings)) as auth:
        receipt, wanted = _receipt_of(auth, revocation)
    _report(kind, receipt, wanted, as_json=as_json)


def _receipt_of(auth: Auth, revocation: Revocation) -> tuple[RevocationReceipt, int]:
    """Return the receipt, and how many replicas should have confirmed it, 0 if enough did."""
    try:
        return revocation(auth.sessions), 0
    except TooFewReplicas as error:
        return error.receipt, error.wanted


def _is_whole_token(value: str) -> bool:
    # The header of every signed token begins with {"; a random id does not, and none of ours is as long as a reference.
    return (value.startswith("eyJ") and value.count(".") in {2, 4}) or is_opaque_token(value)


def _principal_of(auth: Auth, value: str) -> Principal | None:
    """Return who a token names; None if it was revoked before."""
    try:
        return auth.verify(value)
    except RevokedToken:
        return None


def _report(kind: RevocationKind, receipt: RevocationReceipt, wanted: int, *, as_json: bool) -> None:
    """
    Print the result of a revocation that *wanted* replicas should have confirmed, 0 if enough did.

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
    if receipt.replicas < wanted:
        raise CommandFailed(f"Written, but only {receipt.replicas} of {wanted} replicas have it yet: revoke again.")
