"""
Read and write the text of a users file.

It is a JSON object with one member for each user, named by the user name::

    {
      "alice": {
        "hash": "$argon2id$v=19$m=19456,t=2,p=1$…$…",
        "roles": ["user"],
        "scopes": ["read"],
        "display_name": "Alice",
        "level": "explicit",
        "subject": "4711",
        "disabled": false,
        "cut_off": 1767225600
      }
    }

Only ``hash`` is required.  ``subject`` is the user name by default; no two users may have the same one.  ``cut_off`` is
in seconds since the epoch.  A user name has no colon, no control characters (RFC 7617 §2) and at most 1,024 bytes; it
is compared as it is, without Unicode normalisation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from safeconduct._core.directory import Account, are_texts, is_instant_or_none, is_text
from safeconduct._http.authorization import MAX_PART_BYTES
from safeconduct.directories.argon2id import Cost, cost_of
from safeconduct.directories.validation import octets_of
from safeconduct.principal import CLIENT_SUBJECT, LEVELS, Level

_FIELDS: Final = frozenset({"hash", "roles", "scopes", "display_name", "level", "subject", "disabled", "cut_off"})
_OTHER_HASHES: Final = (
    "remove this user from the file, and add them again with `safeconduct users add`; or keep hashes of another kind, "
    "and check them in a directory of your own: docs/how-to/use-your-own-user-database.md"
)
_BOM: Final = "\ufeff"


class UnreadableUsers(Exception):
    """The text is not that of a users file; the message names users and fields, never a hash."""


@dataclass(frozen=True, slots=True)
class UserRecord:
    """One user: the account, and the hash that its password is checked against."""

    account: Account
    phc: str = field(repr=False)
    cost: Cost


def read_users(text: str) -> dict[str, UserRecord]:
    """
    Read the text of a users file.

    Raises:
        UnreadableUsers: If anything in it is wrong; no user is taken from it.
    """
    try:
        document: Any = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        # The error of `json` would hold the whole text, with all hashes.
        raise UnreadableUsers("the file is not JSON") from None
    if not isinstance(document, dict):
        raise UnreadableUsers("the file must hold an object")
    records = {name: _read_user(name, value) for name, value in cast("dict[str, Any]", document).items()}
    if len({record.account.subject for record in records.values()}) != len(records):
        raise UnreadableUsers("two users have the same subject")
    return records


def write_users(records: Mapping[str, UserRecord]) -> str:
    """Return the text from which ``read_users`` reads the same users."""
    document = {name: _to_fields(record) for name, record in sorted(records.items())}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def name_problem(name: str) -> str | None:
    """Return what is wrong with a user name, or None."""
    if not octets_of(name, at_most=MAX_PART_BYTES):
        return f"must be Unicode of 1 to {MAX_PART_BYTES} bytes"
    if ":" in name or name.startswith(_BOM) or any(_is_control(letter) for letter in name):
        return "must have no colon, no control character and no byte order mark"
    return None


def _is_control(letter: str) -> bool:
    return letter <= "\x1f" or "\x7f" <= letter <= "\x9f"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise UnreadableUsers("a user or a field is in it twice")
    return fields


def _read_user(name: str, value: Any) -> UserRecord:
    problem = name_problem(name)
    if problem is not None:
        raise UnreadableUsers(f"the user name {name!r} {problem}")
    fields = _UserFields.of(name, value)
    subject = fields.text("subject") or name
    if subject.startswith(CLIENT_SUBJECT):
        raise UnreadableUsers(f"the subject {subject!r} is that of a client")
    account = Account(
        subject,
        roles=fields.words("roles"),
        scopes=fields.words("scopes"),
        level=fields.level(),
        display_name=fields.text("display_name"),
        disabled=fields.flag("disabled"),
        cut_off=fields.instant("cut_off"),
    )
    phc, cost = fields.hash()
    return UserRecord(account, phc, cost)


@dataclass(frozen=True, slots=True)
class _UserFields:
    """Reads the fields of one user."""

    name: str
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, name: str, value: Any) -> "_UserFields":
        if not isinstance(value, dict):
            raise UnreadableUsers(f"{name!r} must be an object")
        values = cast("dict[str, Any]", value)
        if not values.keys() <= _FIELDS:
            raise UnreadableUsers(f"{name!r} must have no fields but {', '.join(sorted(_FIELDS))}")
        return cls(name, values)

    def hash(self) -> tuple[str, Cost]:
        phc = self.values.get("hash")
        cost = cost_of(phc) if isinstance(phc, str) else None
        if not isinstance(phc, str) or cost is None:
            raise self._wrong("hash", f"an Argon2id hash in PHC form: {_OTHER_HASHES}")
        return phc, cost

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is not None and not is_text(value):
            raise self._wrong(name, "a text that is not empty")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        words = self.values.get(name, [])
        if not are_texts(words):
            raise self._wrong(name, "a list of texts")
        return tuple(words)

    def instant(self, name: str) -> float | None:
        value = self.values.get(name)
        if not is_instant_or_none(value):
            raise self._wrong(name, "seconds since the epoch, or null")
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def level(self) -> Level:
        value = self.values.get("level", "explicit")
        for level in LEVELS[1:]:
            if value == level:
                return level
        raise self._wrong("level", f"one of {', '.join(LEVELS[1:])}")

    def _wrong(self, name: str, wanted: str) -> UnreadableUsers:
        return UnreadableUsers(f"{name} of {self.name!r} must be {wanted}")


def _to_fields(record: UserRecord) -> dict[str, Any]:
    account = record.account
    return {
        "hash": record.phc,
        "roles": list(account.roles),
        "scopes": list(account.scopes),
        **({} if account.display_name is None else {"display_name": account.display_name}),
        "level": account.level,
        "subject": account.subject,
        "disabled": account.disabled,
        **({} if account.cut_off is None else {"cut_off": account.cut_off}),
    }
