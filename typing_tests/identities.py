"""``is_authenticated`` tells identities apart: mypy reads its truth, and pyright and mypy read ``is True``."""

from typing import Literal, assert_type

from safeconduct import Anonymous, Identity, Principal, current


class Request:
    user: Identity


def by_literal(identity: Identity, request: Request) -> str:
    assert_type(request.user.subject if request.user.is_authenticated is True else None, str | None)
    if identity.is_authenticated is True:
        assert_type(identity, Principal)
        assert_type(identity.is_authenticated, Literal[True])
        return identity.subject
    assert_type(identity, Anonymous)
    assert_type(identity.is_authenticated, Literal[False])
    return identity.reason


def by_class() -> str | None:
    if isinstance(me := current(), Principal):
        return me.subject
    assert_type(me, Anonymous)
    return None


# pyright narrows no union by the truth of a member; the two lines below fail once it does.
def by_truth(identity: Identity) -> None:
    if identity.is_authenticated:
        assert_type(identity, Principal)  # pyright: ignore[reportAssertTypeFailure]
    else:
        assert_type(identity, Anonymous)  # pyright: ignore[reportAssertTypeFailure]
