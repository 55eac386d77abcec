"""``safeconduct revoke``: end a token, a session, a subject, a client, a key, everything."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from safeconduct._core.opaque import is_opaque_token
from safeconduct._core.revoker import RevocationReceipt
from safeconduct._core.store import RevocationKind
from safeconduct.cli.context import Opened, Settings, opened, pass_settings, patient, refuse_without_store
from safeconduct.cli.output import CommandFailed, UsageError, json_option, print_record, tell, warn
from safeconduct.cli.standard_input import require_standard_input
from safeconduct.cli.token import read_token
from safeconduct.config import Config
from safeconduct.errors import RevokedToken
from safeconduct.sessions import Sessions

Verb = Callable[[Sessions], RevocationReceipt]

issuer_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--issuer", help="Whose.  [default: the own issuer]"
)


@click.group()
def revoke() -> None:
    """
    End what was granted, for the next request in every process.

    Needs a store that other processes see.  Revoking again is harmless.
    """


# One id in 64 begins with a dash, and is no option.
@revoke.command(context_settings={"ignore_unknown_options": True})
@click.argument("token")
@click.option("--subject", help="Whom it names; spares writing to every shard.")
@click.option("--expires-at", type=click.IntRange(min=0), help="When it ends by itself, in seconds since the epoch.")
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
    """End TOKEN: a token id (jti), or a whole token, which is proven first; - reads it from standard input."""
    value = read_token(token)
    config = _config(settings)
    with opened(patient(config)) as tools:
        if not _is_whole(value):
            receipt = tools.auth.sessions.revoke_token(value, issuer=issuer, subject=subject, expires_at=expires_at)
        else:
            if subject or expires_at is not None or issuer:
                raise UsageError("A whole token says its subject, end and issuer itself: leave the options out.")
            found = _revoke_whole(tools, value)
            if found is None:
                tell("It was revoked already.")
                return
            receipt = found
    _report("token", receipt, config, as_json=as_json)


@revoke.command()
@click.argument("session_id")
@json_option
@pass_settings
def session(settings: Settings, session_id: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """End a session of the own issuer, with all its tokens."""
    _revoke(settings, "session", lambda sessions: sessions.end(session_id), as_json=as_json)


@revoke.command()
@click.argument("name")
@issuer_option
@json_option
@pass_settings
def subject(settings: Settings, name: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """End everything that was issued to a subject until now; a later sign-in is not touched."""
    _revoke(settings, "subject", lambda sessions: sessions.revoke_subject(name, issuer=issuer), as_json=as_json)


@revoke.command()
@click.argument("client_id")
@issuer_option
@json_option
@pass_settings
def client(settings: Settings, client_id: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """End everything that was issued to a client until now."""
    _revoke(settings, "client", lambda sessions: sessions.revoke_client(client_id, issuer=issuer), as_json=as_json)


@revoke.command()
@click.argument("kid")
@issuer_option
@json_option
@pass_settings
def key(settings: Settings, kid: str, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """End everything that a key ever signs, for ever; for a key that was stolen."""
    _revoke(settings, "key", lambda sessions: sessions.revoke_key(kid, issuer=issuer), as_json=as_json)


@revoke.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@issuer_option
@json_option
@pass_settings
def everything(settings: Settings, yes: bool, issuer: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """End everything that the issuer issued until now: every user must sign in anew."""
    config = _config(settings)
    if not yes:
        whose = issuer or config.issuer
        require_standard_input("The answer")
        click.confirm(f"End every token and session of {whose}?", abort=True, err=True)
    _revoke(settings, "everything", lambda sessions: sessions.revoke_everything(issuer=issuer), as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    refuse_without_store(config, verb="revoke")
    if config.consistency == "none":
        warn('revocation.consistency is "none": nobody asks for revocations but rules that say "strict".')
    return config


def _revoke(settings: Settings, kind: RevocationKind, verb: Verb, *, as_json: bool) -> None:
    config = _config(settings)
    with opened(patient(config)) as tools:
        receipt = verb(tools.auth.sessions)
    _report(kind, receipt, config, as_json=as_json)


def _is_whole(value: str) -> bool:
    # The header of every signed token begins with {"; a random id does not, nor is one of ours as long as a reference.
    return (value.startswith("eyJ") and value.count(".") in {2, 4}) or is_opaque_token(value)


def _revoke_whole(tools: Opened, value: str) -> RevocationReceipt | None:
    """End the token that *value* is; None if that was done before."""
    try:
        principal = tools.auth.verify(value)
    except RevokedToken:
        return None
    # No token without a jti is ever proven.
    token_id: str = principal.claims["jti"]
    return tools.auth.sessions.revoke_token(
        token_id, issuer=principal.issuer, subject=principal.subject, expires_at=principal.expires_at
    )


def _report(kind: RevocationKind, receipt: RevocationReceipt, config: Config, *, as_json: bool) -> None:
    """
    Print what became of a revocation.

    Raises:
        Refusal: If it does not hold everywhere, or on fewer replicas than the configuration wants.
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
