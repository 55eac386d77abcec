"""Where an ``Auth`` is put together."""

from safeconduct._wiring.container import Workshop

__all__ = ["Workshop"]
