"""What a user may do, as a session keeps it: one text, equal for equal rights."""

import json
from dataclasses import dataclass
from typing import Self

from safeconduct._core.ports import Account


@dataclass(frozen=True, slots=True)
class Rights:
    """Roles and scopes as a directory last gave them."""

    roles: tuple[str, ...]
    scopes: tuple[str, ...]

    @classmethod
    def of(cls, account: Account) -> Self:
        """Take the rights of *account*; their order says nothing."""
        return cls(tuple(sorted(set(account.roles))), tuple(sorted(set(account.scopes))))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote."""
        roles, scopes = json.loads(text)
        return cls(tuple(roles), tuple(scopes))

    def to_text(self) -> str:
        """Write them down."""
        return json.dumps([self.roles, self.scopes], separators=(",", ":"))
