"""Where an ``Auth`` is put together."""

from safeconduct._workshop.workshop import Workshop

__all__ = ["Workshop"]
