"""
The text of a users file: what is in it, and nothing of where it lies.

A JSON object with one member for each user, whose name is the user name::

    {
      "alice": {
        "hash": "$argon2id$v=19$m=19456,t=2,p=1$…$…",
        "roles": ["user"],
        "scopes": ["read"],
        "display_name": "Alice",
        "level": "explicit",
        "subject": "4711",
        "disabled": false
      }
    }

Only ``hash`` is needed.  ``subject`` is the user name where it is left out; no two users may have the same one.  A user
name has neither a colon nor control characters (RFC 7617 §2) and no more than 1,024 bytes; it is compared as it is,
without regard to any normal form.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from safeconduct._core.directory import Account, are_texts, is_text
from safeconduct._http.authorization import MAX_PART_BYTES
from safeconduct.directories.argon2id import Cost, cost_of
from safeconduct.directories.validation import octets_of
from safeconduct.principal import LEVELS, Level

_MEMBERS: Final = frozenset({"hash", "roles", "scopes", "display_name", "level", "subject", "disabled"})
_BOM: Final = "\ufeff"


class UnreadableUsers(Exception):
    """The text is not that of a users file; what is told names users and members, never a hash."""


@dataclass(frozen=True, slots=True)
class UserRecord:
    """One user: the account and what its password is checked against."""

    account: Account
    phc: str = field(repr=False)
    cost: Cost


def read_users(text: str) -> dict[str, UserRecord]:
    """
    Read the text of a users file.

    Raises:
        UnreadableUsers: If anything about it is wrong; no user of it counts then.
    """
    try:
        members: Any = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError):
        # The error of JSON holds the whole text, hashes and all.
        raise UnreadableUsers("the file is not JSON") from None
    if not isinstance(members, dict):
        raise UnreadableUsers("the file must hold an object")
    records = {name: _read_user(name, value) for name, value in cast("dict[str, Any]", members).items()}
    if len({record.account.subject for record in records.values()}) != len(records):
        raise UnreadableUsers("two users have the same subject")
    return records


def write_users(records: Mapping[str, UserRecord]) -> str:
    """Write the text that ``read_users`` reads back to the same."""
    members = {name: _to_members(record) for name, record in sorted(records.items())}
    return json.dumps(members, indent=2, ensure_ascii=False) + "\n"


def name_problem(name: str) -> str | None:
    """Return what is wrong with a user name, or None."""
    if not octets_of(name, at_most=MAX_PART_BYTES):
        return f"must be Unicode of 1 to {MAX_PART_BYTES} bytes"
    if ":" in name or name.startswith(_BOM) or any(_is_control(letter) for letter in name):
        return "must have no colon, no control character and no byte order mark"
    return None


def _is_control(letter: str) -> bool:
    return letter <= "\x1f" or "\x7f" <= letter <= "\x9f"


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableUsers("a user or a member stands twice")
    return members


def _read_user(name: str, value: Any) -> UserRecord:
    problem = name_problem(name)
    if problem is not None:
        raise UnreadableUsers(f"the user name {name!r} {problem}")
    members = _Members.of(name, value)
    account = Account(
        members.text("subject") or name,
        roles=members.words("roles"),
        scopes=members.words("scopes"),
        level=members.level(),
        display_name=members.text("display_name"),
        disabled=members.flag("disabled"),
    )
    phc, cost = members.hash()
    return UserRecord(account, phc, cost)


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of one user, read one by one."""

    name: str
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, name: str, value: Any) -> "_Members":
        if not isinstance(value, dict):
            raise UnreadableUsers(f"{name!r} must be an object")
        values = cast("dict[str, Any]", value)
        if not values.keys() <= _MEMBERS:
            raise UnreadableUsers(f"{name!r} must have no members but {', '.join(sorted(_MEMBERS))}")
        return cls(name, values)

    def hash(self) -> tuple[str, Cost]:
        phc = self.values.get("hash")
        cost = cost_of(phc) if isinstance(phc, str) else None
        if not isinstance(phc, str) or cost is None:
            raise self._wrong("hash", "an Argon2id hash in PHC form")
        return phc, cost

    def text(self, member: str) -> str | None:
        value = self.values.get(member)
        if value is not None and not is_text(value):
            raise self._wrong(member, "a text that is not empty")
        return value

    def words(self, member: str) -> tuple[str, ...]:
        words = self.values.get(member, [])
        if not are_texts(words):
            raise self._wrong(member, "a list of texts")
        return tuple(words)

    def flag(self, member: str) -> bool:
        value = self.values.get(member, False)
        if not isinstance(value, bool):
            raise self._wrong(member, "true or false")
        return value

    def level(self) -> Level:
        value = self.values.get("level", "explicit")
        for level in LEVELS[1:]:
            if value == level:
                return level
        raise self._wrong("level", f"one of {', '.join(LEVELS[1:])}")

    def _wrong(self, member: str, wanted: str) -> UnreadableUsers:
        return UnreadableUsers(f"{member} of {self.name!r} must be {wanted}")


def _to_members(record: UserRecord) -> dict[str, Any]:
    account = record.account
    return {
        "hash": record.phc,
        "roles": list(account.roles),
        "scopes": list(account.scopes),
        **({} if account.display_name is None else {"display_name": account.display_name}),
        "level": account.level,
        "subject": account.subject,
        "disabled": account.disabled,
    }
