"""Where an ``Auth`` is put together."""

from safeconduct._wiring.container import Container

__all__ = ["Container"]
