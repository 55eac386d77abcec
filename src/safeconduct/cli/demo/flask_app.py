"""The demo as a Flask application, served by waitress."""

import socket
from collections.abc import Callable
from typing import Any

import waitress.server  # type: ignore[import-untyped]  # waitress has none
import waitress.wasyncore  # type: ignore[import-untyped]  # as above
from flask import Flask, Response, jsonify, request

from safeconduct.auth import Auth
from safeconduct.cli.demo.api_keys import SCHEMES, listed, shown_once, wanted
from safeconduct.cli.demo.page import STEP_UP_SECONDS, new_page
from safeconduct.flask import Safeconduct
from safeconduct.guard import current, principal, requires


def create_app(auth: Auth) -> Flask:
    """Build the application."""
    app = Flask("safeconduct.demo")

    @app.get("/")
    def index() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Show the page, which signs users in."""
        page = new_page()
        return Response(page.text, mimetype="text/html", headers=page.fields)

    @app.get("/public")
    def public() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Greet everybody, by name if they are signed in."""
        return jsonify(hello=current().display_name or "guest")

    @app.get("/me")
    def me() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Return who is asking."""
        who = principal()
        return jsonify(subject=who.subject, roles=sorted(who.roles), level=who.level, scheme=who.scheme)

    @app.get("/admin")
    def admin() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Answer admins; a rule of the configuration refuses everybody else."""
        return jsonify(admin=current().display_name)

    @app.route("/danger", methods=["GET", "POST"])
    @requires(level="explicit", max_age_seconds=STEP_UP_SECONDS)
    def danger() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Answer users who have just proved their password; the line above refuses everybody else."""
        return jsonify(done_by=current().display_name)

    _add_api_keys(app, auth)
    Safeconduct(auth).init_app(app)
    return app


def _add_api_keys(app: Flask, auth: Auth) -> None:
    keys = auth.api_keys

    @app.get("/api-keys")
    @requires(schemes=SCHEMES)
    def list_keys() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """List the caller's keys."""
        return jsonify(keys=[listed(key) for key in keys.list(principal().subject)])

    @app.post("/api-keys")
    @requires(schemes=SCHEMES, level="explicit", max_age_seconds=STEP_UP_SECONDS)
    def create_key() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Make a key for callers who have just proved their password, and show it once."""
        who = principal()
        key = keys.create(who.subject, **wanted(who, request.get_data()))
        response = jsonify(shown_once(key))
        response.status_code = 201
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.delete("/api-keys/<key_id>")
    @requires(schemes=SCHEMES)
    def revoke_key(key_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """End one of the caller's keys."""
        keys.revoke(principal().subject, key_id)
        return Response(status=204)


def serve(auth: Auth, listener: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve the demo on *listener* until a signal comes."""
    # What waitress would leave open at its end: the server, its wake-up pipe, and every idle connection.
    channels: Any = {}
    try:
        server = waitress.server.create_server(create_app(auth), map=channels, sockets=[listener])
        on_start()
        server.run()
    finally:
        waitress.wasyncore.close_all(channels)
