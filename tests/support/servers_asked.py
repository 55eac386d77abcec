"""The servers that the table is asked over, and what each answers before a request reaches us."""

from wire import Wire

_ASGI = {"asgi", "asgi-only", "guards", "trace"}
_WSGI = {"wsgi", "guards", "trace", "joins"}


_RAISES_METHODS = "the server hands the method on in capitals, to us and to the application alike"
_READS_CAPITALS = "the server refuses a method in small letters"
_CAPITALS = {
    "method-lower-case-public": (400, None, _READS_CAPITALS),
    "method-rule-lower-case": (400, None, _READS_CAPITALS),
    "preflight-lower-case": (400, None, _READS_CAPITALS),
    "cookie-lower-case-get": (400, None, _READS_CAPITALS),
}
_RAISED = {
    "method-lower-case-public": (200, "anonymous", _RAISES_METHODS),
    "preflight-lower-case": (200, "anonymous", _RAISES_METHODS),
    "cookie-lower-case-get": (200, "alice", _RAISES_METHODS),
}
_ONE_SLASH = "the server hands '//health' on as '/health', to us and to the application alike"
_SLASHES = {
    "path-empty-segment": (200, "anonymous", _ONE_SLASH),
    "path-empty-segment-with-token": (200, "alice", _ONE_SLASH),
}


def over_the_wire():
    """Make every driver over the wire; none is started before it is asked."""
    return [
        Wire("uvicorn", "starlette_stages", _ASGI, {}),
        Wire("hypercorn", "fastapi_stages", _ASGI, _RAISED),
        Wire("gunicorn sync", "flask_stages", _WSGI, _CAPITALS),
        Wire("gunicorn gthread", "wsgi_stages", _WSGI, _CAPITALS),
        Wire("waitress", "flask_stages", _WSGI, _CAPITALS | _SLASHES),
    ]
