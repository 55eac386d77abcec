"""What is known of revocations without asking, where no store knows it by itself."""

from safeconduct._core.ports import Question


class Blind:
    """The view of a store that has to be asked each time."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = object()

    def holds(self, question: Question) -> bool:
        """Never be certain."""
        del question
        return False


class Unasked:
    """The view where there is no store: whatever was proven counts."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = object()

    def holds(self, question: Question) -> bool:
        """Know of nothing that was revoked."""
        del question
        return True
