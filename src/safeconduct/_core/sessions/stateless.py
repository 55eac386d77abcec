"""
The verbs on sessions where no store keeps them (``store = "none"``), each with the signature of its namesake.

=====================  ======================================================================================
verb                   what it does here
=====================  ======================================================================================
sign in                as elsewhere; the long-term credential is the session itself, sealed
refresh                an access token of ``level(now)``; the long-term credential stays as it is
refresh with extend    ``NotSupported``: nothing could end what would be extended again and again
renew                  ``NotRenewable``: the short life of an access token is all that ends it
step up                as elsewhere, and a new long-term credential with the same end if one came along
sign out               nothing: the caller forgets his tokens, and a copy of them lives on
the others             ``NotSupported``
=====================  ======================================================================================

A step-up without a long-term credential knows neither its session's end nor what the user called himself: its access
token ends as that of a sign-in does, and the password is asked for under the subject's own name.  Wrong passwords are
counted by the throttle alone, since there is no session to end after five.
"""

from collections.abc import Callable
from dataclasses import replace

from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.sessions.active import ActiveSession, SessionPage, SessionStatus
from safeconduct._core.sessions.lookup import SessionKeys
from safeconduct._core.sessions.model import Rights
from safeconduct._core.sessions.refresh_token import new_session_id, text_of
from safeconduct._core.sessions.rotation import RequestOrigin
from safeconduct._core.sessions.stateless_token import CarriedSession, StatelessRotation
from safeconduct._core.sessions.tokens import Tokens
from safeconduct.errors import BadCredentials, BindingMismatch, NotRenewable, NotSupported
from safeconduct.events import SignedIn, SteppedUp
from safeconduct.principal import Principal


def _no_device(_username: str) -> bool:
    return False


class StatelessLogins:
    """
    Give tokens.

    Args:
        token_rotation: Turns what is presented into tokens.
        session_keys: Names sessions.
    """

    def __init__(self, token_rotation: StatelessRotation, session_keys: SessionKeys) -> None:
        self._token_rotation = token_rotation
        self._session_keys = session_keys

    async def sign_in(
        self, account: Account, *, username: str, remember: bool = False, origin: RequestOrigin | None = None
    ) -> Tokens:
        """
        Begin a session for an account whose password was proven in this very request.

        Args:
            account: What the directory proved.
            username: As it was submitted; a later step-up asks with it.
            remember: Whether the user asked for a long-term credential.
            origin: Where the request comes from.

        Raises:
            BadCredentials: If the account is disabled.
            Unavailable: If the author's hook failed.
        """
        if account.disabled:
            raise BadCredentials("the account is disabled")
        token_rotation = self._token_rotation
        session_id = text_of(new_session_id(self._session_keys.shard_of(account.subject), None, token_rotation.draw))
        tokens = token_rotation.proven(
            session_id,
            account,
            Rights.of(account),
            username=username,
            ends_at=None,
            is_remembered=remember,
            origin=origin or RequestOrigin(),
        )
        token_rotation.announce(SignedIn(subject=account.subject, session_id=session_id, level=account.level))
        return tokens

    async def refresh(self, refresh_token: str, *, extend: bool = False, origin: RequestOrigin | None = None) -> Tokens:
        """
        Give an access token of the session's present level; the refresh token goes on as it is.

        Args:
            refresh_token: As it was presented.
            extend: Refused.
            origin: Where the request comes from.

        Raises:
            NotSupported: If *extend* was asked for.
            InvalidToken: If it is none of ours, its session is over, or the account is gone or disabled.
            BindingMismatch: If it came by another transport, or from another place and that is refused.
            Unavailable: If the directory or the author's hook can't be asked.
        """
        if extend:
            raise NotSupported("without a store no session is extended")
        token_rotation = self._token_rotation
        found = token_rotation.read(refresh_token, origin or RequestOrigin())
        rights = await token_rotation.rights(found.session.subject)
        if rights is not None:
            found = replace(found, session=replace(found.session, rights=rights.to_text()))
        return token_rotation.given(found, now_ms=token_rotation.now_ms)

    async def renew(self, principal: Principal) -> Tokens:
        """
        Refuse.

        Raises:
            NotRenewable: Always.
        """
        del principal
        raise NotRenewable("without a store no access token is renewed")


class StatelessStepUps:
    """
    Take proofs within a session.

    Args:
        token_rotation: Turns what is presented into tokens.
        session_keys: Names sessions.
        passwords: Proves passwords; None where there is no directory.
    """

    def __init__(
        self, token_rotation: StatelessRotation, session_keys: SessionKeys, passwords: Passwords | None
    ) -> None:
        self._token_rotation = token_rotation
        self._session_keys = session_keys
        self._passwords = passwords

    async def step_up(
        self,
        principal: Principal,
        password: str,
        *,
        refresh_token: str | None = None,
        origin: RequestOrigin | None = None,
        knows_device: Callable[[str], bool] = _no_device,
    ) -> Tokens:
        """
        Prove anew who the user is; the session's older tokens live on until their end.

        Args:
            principal: Whom the access token names.
            password: As it was submitted.
            refresh_token: The refresh token that came along; a new one with the same end is given for it.
            origin: Where the request comes from.
            knows_device: Says whether the caller holds a device cookie of an account, by its submitted name.

        Raises:
            NotRenewable: If no session stands behind the access token.
            BadCredentials: If the password is wrong.
            TooManyAttempts: If a bound of the throttle is reached.
            InvalidToken: If the refresh token does not count or is not of this session, or the account is gone.
            NotSupported: If there is no directory.
            Unavailable: If the directory or the author's hook can't be asked.
        """
        origin = origin or RequestOrigin()
        session_id = self._session_keys.of_principal(principal).session_id
        own = None if refresh_token is None else self._own(refresh_token, principal, origin)
        username = principal.subject if own is None else own.session.username
        account = await self._prove(principal, username, password, network=origin.network, knows_device=knows_device)
        token_rotation = self._token_rotation
        rights = await token_rotation.rights(account.subject) or Rights.of(account)
        tokens = token_rotation.proven(
            session_id,
            account,
            rights,
            username=username,
            ends_at=None if own is None else own.session.ends_ms // 1000,
            is_remembered=own is not None,
            origin=origin,
        )
        token_rotation.announce(SteppedUp(subject=account.subject, session_id=session_id, level=account.level))
        return tokens

    def _own(self, refresh_token: str, principal: Principal, origin: RequestOrigin) -> CarriedSession:
        found = self._token_rotation.read(refresh_token, origin)
        if (found.session_id, found.session.subject) != (principal.session_id, principal.subject):
            raise BindingMismatch("the refresh token is of another session than the access token")
        return found

    async def _prove(
        self, principal: Principal, username: str, password: str, *, network: str, knows_device: Callable[[str], bool]
    ) -> Account:
        if self._passwords is None:
            raise NotSupported("there is no directory to prove a password with")
        account = await self._passwords.prove(
            username, password, network=network, scheme="step-up", has_device=knows_device(username)
        )
        if account.subject != principal.subject:
            raise BadCredentials("the user name is another subject's")
        return account


class StatelessActiveSessions:
    """
    Refuse what only a store can do, and forget what only the caller has.

    Args:
        session_keys: Names sessions.
    """

    def __init__(self, session_keys: SessionKeys) -> None:
        self._session_keys = session_keys

    async def sign_out(self, principal: Principal) -> None:
        """Do nothing: the caller forgets his tokens, and whoever has a copy keeps it until its end."""
        del principal

    async def sign_out_with(self, refresh_token: str) -> str | None:
        """Do nothing, whatever the token is: no session was ended."""
        del refresh_token
        return None

    async def sign_out_of(self, session_id: str) -> None:
        """Do nothing, as ``sign_out``."""
        del session_id

    async def sign_out_everywhere(self, subject: str) -> None:
        """
        Refuse.

        Raises:
            NotSupported: Always.
        """
        del subject
        raise NotSupported("without a store no session is ended")

    async def list(self, subject: str, *, current: str | None = None) -> tuple[ActiveSession, ...]:
        """
        Refuse.

        Raises:
            NotSupported: Always.
        """
        del subject, current
        raise NotSupported("without a store nobody knows which sessions there are")

    async def page(self, subject: str, *, current: str | None = None, cursor: str | None = None) -> SessionPage:
        """
        Refuse.

        Raises:
            NotSupported: Always.
        """
        del subject, current, cursor
        raise NotSupported("without a store nobody knows which sessions there are")

    async def end(self, session_id: str, *, subject: str | None = None) -> None:
        """
        Refuse.

        Raises:
            NotSupported: Always.
        """
        del session_id, subject
        raise NotSupported("without a store no session is ended")

    async def touch(self, principal: Principal) -> None:
        """
        Return if there is a session behind an access token; it stands as long as its tokens do, and no use is noted.

        Raises:
            NotRenewable: If there is none.
        """
        self._session_keys.of_principal(principal)

    async def prospects(self, principal: Principal) -> SessionStatus:
        """
        Say what may become of the session behind an access token: nothing that the access token knows of.

        Whether there is a long-term credential only its holder knows, so *is_remembered* says no.

        Raises:
            NotRenewable: If there is none.
        """
        self._session_keys.of_principal(principal)
        return SessionStatus(
            is_kept=False, is_remembered=False, renew_after=None, extend_after=None, extend_before=None
        )
