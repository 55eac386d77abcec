"""
Read what outer middlewares have left in a request, also through a bridge between ASGI and WSGI.

a2wsgi puts the scope of the outer application into the environ that it makes, and an outer environ into the scope.
asgiref passes nothing on.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from safeconduct._http.paths import decode_script_name
from safeconduct._http.request import Mount, RawRequest
from safeconduct.config.shown_values import is_table

PROOF: Final = "safeconduct.proof"
"""The key of the ``Passed`` of a request in an environ; in a scope it is ``auth``."""

MOUNT: Final = "safeconduct.mount"
"""
The key, in a scope or an environ, of the ``Mount`` of the outermost middleware of an ``Auth``.

That middleware serves the endpoints.  An inner one of the same ``Auth`` leads people there, and not below its own
prefix.
"""

_SCOPE_IN_ENVIRON: Final = "asgi.scope"
_ENVIRON_IN_SCOPE: Final = "wsgi_environ"
#: So that a scope and an environ that contain each other end the search.
_MOST_LAYERS: Final = 16


def note_mount(raw: RawRequest, owner: object, root_path: str) -> None:
    """Record in *raw* that a middleware of *owner* is mounted at *root_path*, unless an outer one is recorded."""
    left: Mount | None = raw.get(MOUNT)
    if left is None or left[0] is not owner:
        raw[MOUNT] = owner, root_path


def proofs_in(raw: Mapping[str, Any]) -> Iterator[object]:
    """Yield what is found where middlewares leave a ``Passed``, the innermost first; it may be of anyone."""
    for layer in _layers(raw):
        yield layer.get(PROOF if _is_environ(layer) else "auth")


def mounts_in(raw: Mapping[str, Any]) -> list[Mount]:
    """Return the recorded mounts, the outermost first."""
    found: list[Mount] = []
    for layer in _layers(raw):
        mount: Mount | None = layer.get(MOUNT)
        if mount is not None:
            owner, root_path = mount
            found.insert(0, (owner, decode_script_name(root_path)) if _is_environ(layer) else mount)
    return found


def _layers(raw: Mapping[str, Any]) -> Iterator[Any]:
    """Yield *raw*, then each scope or environ from which a bridge has made the one before."""
    layer: Any = raw
    for _ in range(_MOST_LAYERS):
        if not is_table(layer):
            return
        yield layer
        layer = layer.get(_SCOPE_IN_ENVIRON if _is_environ(layer) else _ENVIRON_IN_SCOPE)


def _is_environ(layer: Any) -> bool:
    return "REQUEST_METHOD" in layer
