"""A guarded function keeps its type, and classes tell identities apart."""

from collections.abc import Awaitable, Callable
from typing import assert_type

from safeconduct import Anonymous, Auth, Identity, Principal, allows, current, principal, requires


@requires(scopes={"read"})
def show(number: int, *, loud: bool = False) -> str:
    return str(number) if loud else principal().subject


@requires(roles=("admin",), level="explicit", max_age_seconds=300, schemes=["cookie"])
async def remove(number: int) -> bytes:
    return bytes(number)


def who() -> str:
    identity = current()
    assert_type(identity, Identity)
    if isinstance(identity, Anonymous):
        assert_type(identity.display_name, None)
        return identity.reason
    assert_type(identity, Principal)
    assert_type(identity.display_name, str | None)
    return identity.subject


def menu(auth: Auth, caller: Identity) -> list[bool]:
    assert_type(allows("POST", "/payments/7"), bool)
    assert_type(auth.allows(caller, "GET", "/", root_path="/api"), bool)
    return [auth.allows(Anonymous(), "GET", "/"), allows("GET", "/", root_path="/api")]


async def call() -> None:
    assert_type(show(1, loud=True), str)
    assert_type(await remove(1), bytes)


same: Callable[[int], Awaitable[bytes]] = remove
