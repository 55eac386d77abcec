"""``safeconduct sessions``: list and end the sessions of a user."""

from datetime import UTC, datetime

import click

from safeconduct._core.sessions.listing import ActiveSession
from safeconduct.cli.context import Settings, open_auth, pass_settings, require_shared_store
from safeconduct.cli.output import Row, UsageError, json_option, print_note, print_record, print_table, warn
from safeconduct.cli.revoke import session as revoke_session
from safeconduct.config import Config


@click.group()
def sessions() -> None:
    """
    List the sessions of a user, or end them.

    Needs a store that other processes see.
    """


@sessions.command("list")
@click.argument("subject")
@json_option
@pass_settings
def list_active(settings: Settings, subject: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """List the open sessions of SUBJECT, the most recently used first."""
    config = _config(settings)
    with open_auth(config) as auth:
        found = auth.sessions.list(subject)
    if not found:
        print_note("There is no open session.")
    print_table([_row(each) for each in found], as_json=as_json)


@sessions.command()
@click.argument("session_id", required=False)
@click.option("--subject", help="End every session of this user instead, and revoke all that they got until now.")
@json_option
@click.pass_context
def end(
    context: click.Context,
    session_id: str | None,
    subject: str | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """End the session SESSION_ID; the next request in every process refuses its tokens."""
    settings = context.ensure_object(Settings)
    if bool(session_id) == bool(subject):
        raise UsageError("Say either SESSION_ID or --subject.")
    config = _config(settings)
    if subject:
        _sign_out_everywhere(config, subject, as_json=as_json)
    else:
        context.invoke(revoke_session, session_id=session_id, as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    require_shared_store(config, command="sessions")
    return config


def _sign_out_everywhere(config: Config, subject: str, *, as_json: bool) -> None:
    if config.consistency == "none":
        warn('revocation.consistency is "none": access tokens that were issued are accepted until they expire.')
    with open_auth(config) as auth:
        auth.sessions.sign_out_everywhere(subject)
    print_record({"signed_out": subject}, as_json=as_json)


def _row(session: ActiveSession) -> Row:
    return {
        "session_id": session.session_id,
        "level": session.level,
        "remembered": session.is_remembered,
        "created": _timestamp(session.created_at),
        "last_used": _timestamp(session.last_used_at),
        "expires": _timestamp(session.expires_at),
        "network": session.network,
        "device": session.device,
    }


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
