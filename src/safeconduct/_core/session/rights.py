"""What the directory says of a user, as a session keeps it: one text, equal if all of it is equal."""

import json
from dataclasses import dataclass, field
from typing import Self

from safeconduct._core.directory import Account, People
from safeconduct.errors import RevokedToken


@dataclass(frozen=True, slots=True)
class Rights:
    """Roles and scopes, and what to call the user, as a directory last gave them."""

    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    display_name: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, account: Account) -> Self:
        """Take the rights of *account*; their order says nothing."""
        return cls(tuple(sorted(set(account.roles))), tuple(sorted(set(account.scopes))), account.display_name)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote."""
        roles, scopes, *name = json.loads(text)
        return cls(tuple(roles), tuple(scopes), *name)

    def to_text(self) -> str:
        """Write them down."""
        name = [] if self.display_name is None else [self.display_name]
        return json.dumps([self.roles, self.scopes, *name], separators=(",", ":"))


async def rights_now(people: People | None, subject: str) -> Rights | None:
    """
    Ask the directory what *subject* may do now; None where it can't be asked again.

    Raises:
        RevokedToken: If the account is gone or disabled.
        Unavailable: If the directory can't be asked.
    """
    if people is None or people.is_static:
        return None
    account = await people.lookup(subject)
    if account is None or account.disabled:
        raise RevokedToken("the account is gone or disabled")
    return Rights.of(account)
