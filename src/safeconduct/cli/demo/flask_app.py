"""The demo as a Flask application, served by waitress."""

import socket
from collections.abc import Callable
from typing import Any

import waitress.server  # type: ignore[import-untyped]  # waitress has none
import waitress.wasyncore  # type: ignore[import-untyped]  # as above
from flask import Flask, Response, jsonify

from safeconduct.auth import Auth
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

    Safeconduct(auth).init_app(app)
    return app


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
