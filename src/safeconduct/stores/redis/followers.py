"""Follow the shards of a store that no single connection can follow."""

from collections.abc import Sequence
from typing import Protocol

from safeconduct.stores.view.local_view import Keeper, LocalView


class Following(Keeper, Protocol):
    """Follows some shards."""

    def wait(self, ends_at: float) -> None:
        """Wait until the thread has ended, or until *ends_at* by the real monotonic clock."""
        ...

    def reset(self) -> object:
        """Begin anew in a forked child, and return the parent's connection, which must not be used."""
        ...


class Followers:
    """
    Follow the shards of a store together, one follower for each group of them.

    Args:
        view: What all of them keep current.
        followers: One for each group.
    """

    def __init__(self, view: LocalView, followers: Sequence[Following]) -> None:
        self.view = view
        self._followers = tuple(followers)

    def start(self) -> None:
        """Start the threads, each once."""
        for follower in self._followers:
            follower.start()

    def end(self) -> None:
        """Stop; does not wait for the threads."""
        for follower in self._followers:
            follower.end()

    def wait(self, ends_at: float) -> None:
        """Wait until the threads have ended, or until *ends_at* by the real monotonic clock."""
        for follower in self._followers:
            follower.wait(ends_at)

    def reset(self) -> list[object]:
        """Begin anew in a forked child, and return the parent's connections, which must not be used."""
        return [follower.reset() for follower in self._followers]
