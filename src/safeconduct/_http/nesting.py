"""
Read what a middleware further out has left in a request, also through a bridge between ASGI and WSGI.

a2wsgi hands the scope of the application outside on in the environ that it makes, and an environ in the scope.
asgiref hands nothing on.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from safeconduct._http.paths import decode_script_name
from safeconduct._http.request import Mount, RawRequest
from safeconduct.config.shown_values import is_table

PROOF: Final = "safeconduct.proof"
"""Where an environ keeps what let the request pass; a scope keeps it under ``auth``."""

MOUNT: Final = "safeconduct.mount"
"""
Where a scope or an environ keeps the ``Mount`` of the outermost middleware of an ``Auth``, which serves its endpoints.

A middleware further in that has the same ``Auth`` leads people there, and not below its own prefix.
"""

_BRIDGED: Final = ("asgi.scope", "wsgi_environ")
#: An application that puts a scope and an environ into each other must not hang.
_MOST_LAYERS: Final = 16


def note_mount(raw: RawRequest, owner: object, root_path: str) -> None:
    """Keep *root_path* in *raw* as that of the outermost middleware of *owner*, unless one further out has done so."""
    left: Mount | None = raw.get(MOUNT)
    if left is None or left[0] is not owner:
        raw[MOUNT] = owner, root_path


def proofs_in(raw: Mapping[str, Any]) -> Iterator[object]:
    """Yield what middlewares further out may have left as what let the request pass, the nearest first."""
    for layer in _layers(raw):
        yield layer.get(PROOF if _is_environ(layer) else "auth")


def mounts_in(raw: Mapping[str, Any]) -> list[Mount]:
    """Return the mounts of middlewares, the outermost first."""
    found: list[Mount] = []
    for layer in _layers(raw):
        mount: Mount | None = layer.get(MOUNT)
        if mount is not None:
            owner, root_path = mount
            found.insert(0, (owner, decode_script_name(root_path)) if _is_environ(layer) else mount)
    return found


def _layers(raw: Mapping[str, Any]) -> Iterator[Any]:
    """Yield *raw*, and the scope or the environ of which a bridge has made it."""
    layer: Any = raw
    for _ in range(_MOST_LAYERS):
        if not is_table(layer):
            return
        yield layer
        layer = layer.get(_BRIDGED[0] if _is_environ(layer) else _BRIDGED[1])


def _is_environ(layer: Any) -> bool:
    return "REQUEST_METHOD" in layer
