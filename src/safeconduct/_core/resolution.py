"""
From any access token to what it proves: a signed one says it itself, an opaque one is told by the store.

What the store tells of an opaque token goes through the very checks that the claims of a signed one go through.
"""

from collections.abc import Callable
from dataclasses import dataclass

from safeconduct._core.decision import Passed
from safeconduct._core.members import session_place
from safeconduct._core.ports import Question
from safeconduct._core.recognition import Place, Recognition
from safeconduct._core.reference import References, is_reference
from safeconduct._core.reference_ports import ReferenceStore, Sought
from safeconduct._core.revocation import Revocations
from safeconduct._tokens.claims import Claims
from safeconduct._tokens.policy import Policy
from safeconduct._tokens.proof import read_claims
from safeconduct._tokens.reader import read_object
from safeconduct.errors import MalformedToken, RevokedToken, Unavailable


@dataclass(frozen=True, slots=True)
class Told:
    """What the store says of an opaque token that counts, and what it is asked about it from now on."""

    claims: Claims
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where opaque tokens are looked up, for one world."""

    references: References
    store: ReferenceStore
    revocations: Revocations
    #: The rules for own tokens.
    policy: Policy
    shards: int


class Resolution:
    """
    Prove access tokens of either kind.

    Args:
        recognition: Proves signed ones, and remembers proofs.
        desk: Returns where opaque ones are looked up, None where there can be none.
    """

    def __init__(self, recognition: Recognition, desk: Callable[[], Desk | None]) -> None:
        self._recognition = recognition
        self._desk_or_none = desk

    async def prove(self, token: str, place: Place, *, now: float) -> Passed | None:
        """
        Ask the store what an opaque *token* says, and whether it counts; None for a token that is not opaque.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        remembered = self._recognition.remembered
        told = await self._told(token, now)
        return None if told is None else self._recognition.passed(told.claims, told.question, place, remembered)

    async def resolve(self, token: str, *, now: float) -> Claims | None:
        """
        Return what an opaque *token* says, if it counts; None for a token that is not opaque.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        return None if told is None else told.claims

    async def told(self, token: str, *, now: float) -> Told:
        """
        Return what any *token* says, and what the store is asked about it; whether a signed one was ended is not asked.

        Raises:
            InvalidToken: If anything about it is wrong.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        if told is None:
            claims = self._recognition.verify(token, now=now)
            told = Told(claims, self._recognition.question(claims))
        return told

    async def counting(self, token: str, revocations: Revocations | None, *, now: float) -> Claims:
        """
        Return what any *token* says that counts; *revocations* are asked whatever the consistency.

        Raises:
            InvalidToken: If anything about it is wrong, or it was ended.
            Unavailable: If the store cannot be asked.
        """
        told = await self._told(token, now)
        if told is not None:
            return told.claims
        claims = self._recognition.verify(token, now=now)
        if revocations is not None:
            await revocations.check(self._recognition.question(claims), now_ms=int(now * 1000))
        return claims

    async def verify(self, token: str, *, now: float) -> Claims:
        """
        Return what any *token* says; whether a signed one was ended is not asked.

        Raises:
            InvalidToken: If anything about it is wrong.
            Unavailable: If the store cannot be asked.
        """
        return (await self.told(token, now=now)).claims

    def session_of(self, token: str) -> str | None:
        """
        Return the session that an opaque *token* names, None for any other token.

        Raises:
            InvalidToken: If it is none of ours.
        """
        desk = self._desk_for(token)
        return None if desk is None else desk.references.read(token).session_id

    def _desk_for(self, token: str) -> Desk | None:
        return self._desk_or_none() if is_reference(token) else None

    async def _told(self, token: str, now: float) -> Told | None:
        desk = self._desk_for(token)
        if desk is None:
            return None
        reference = desk.references.read(token)
        place = session_place(reference.session_id)
        if place is None or place[0] >= desk.shards:
            # Of a time when the store had more shards.
            raise RevokedToken("an opaque token of a shard that is gone")
        sought = Sought(place[0], reference.session_id, reference.digest)
        text = await desk.revocations.resolve(lambda: desk.store.resolve(sought), sought.shard, now_ms=int(now * 1000))
        claims = read_claims(_members(text), desk.policy, None, now)
        question = self._recognition.question(claims, reference=sought.reference)
        if claims.session_id != sought.session_id or question.shard != sought.shard:
            raise Unavailable("the store keeps another session's claims under an opaque token")
        return Told(claims, question)


def _members(text: str) -> dict[str, object]:
    try:
        return read_object(text.encode())
    except MalformedToken as error:
        # Not the caller's fault: his reference has its right tag.
        raise Unavailable("the store keeps something else under an opaque token") from error
