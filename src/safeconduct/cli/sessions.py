"""``safeconduct sessions``: the logins of a user, and their end."""

from datetime import UTC, datetime

import click

from safeconduct._core.sessions.verbs import ActiveSession
from safeconduct.cli.context import Settings, opened, pass_settings, patient, refuse_without_store
from safeconduct.cli.output import Row, UsageError, json_option, print_record, print_table, tell, warn
from safeconduct.cli.revoke import session as revoke_session
from safeconduct.config import Config


@click.group()
def sessions() -> None:
    """
    List the logins of a user, or end them.

    Needs a store that other processes see.
    """


@sessions.command("list")
@click.argument("subject")
@json_option
@pass_settings
def list_open(settings: Settings, subject: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """List the open sessions of SUBJECT, the one used last first."""
    config = _config(settings)
    with opened(patient(config)) as tools:
        found = tools.auth.sessions.list(subject)
    if not found:
        tell("There is no open session.")
    print_table([_row(each) for each in found], as_json=as_json)


@sessions.command()
@click.argument("session_id", required=False)
@click.option("--subject", help="End every session of this user instead, and all that was issued to him until now.")
@json_option
@click.pass_context
def end(
    context: click.Context,
    session_id: str | None,
    subject: str | None,
    as_json: bool,  # noqa: FBT001 - click passes every option by its name
) -> None:
    """End the session SESSION_ID, with all its tokens, for the next request in every process."""
    settings = context.ensure_object(Settings)
    if bool(session_id) == bool(subject):
        raise UsageError("Say either SESSION_ID or --subject.")
    config = _config(settings)
    if subject:
        _sign_out_everywhere(config, subject, as_json=as_json)
    else:
        # The same command by the name under which one looks for it, with what it says of shards and replicas.
        context.invoke(revoke_session, session_id=session_id, as_json=as_json)


def _config(settings: Settings) -> Config:
    config = settings.config()
    refuse_without_store(config, verb="sessions")
    return config


def _sign_out_everywhere(config: Config, subject: str, *, as_json: bool) -> None:
    if config.consistency == "none":
        warn('revocation.consistency is "none": access tokens that are out pass until they expire.')
    with opened(patient(config)) as tools:
        tools.auth.sessions.sign_out_everywhere(subject)
    print_record({"signed_out": subject}, as_json=as_json)


def _row(session: ActiveSession) -> Row:
    return {
        "session_id": session.session_id,
        "level": session.level,
        "remembered": session.is_remembered,
        "created": _instant(session.created_at),
        "last_used": _instant(session.last_used_at),
        "expires": _instant(session.expires_at),
        "network": session.network,
        "device": session.device,
    }


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
