"""The demo as a Flask application."""

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
        """Be open to anybody, and sign in."""
        page = new_page()
        return Response(page.text, mimetype="text/html", headers=page.fields)

    @app.get("/public")
    def public() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Anybody may; the caller is recognised all the same."""
        return jsonify(hello=current().display_name or "stranger")

    @app.get("/me")
    def me() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Say who is asking."""
        who = principal()
        return jsonify(subject=who.subject, roles=sorted(who.roles), level=who.level, scheme=who.scheme)

    @app.get("/admin")
    def admin() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Be closed by a rule of the configuration."""
        return jsonify(admin=current().display_name)

    @app.route("/danger", methods=["GET", "POST"])
    @requires(level="explicit", max_age_seconds=STEP_UP_SECONDS)
    def danger() -> Response:  # pyright: ignore[reportUnusedFunction] - Flask keeps it
        """Be closed by the line above."""
        return jsonify(done_by=current().display_name)

    Safeconduct(auth).init_app(app)
    return app
