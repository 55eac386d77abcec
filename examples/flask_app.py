"""
A Flask application protected by safeconduct.

In this folder::

    safeconduct keys new
    python flask_app.py &
    curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://127.0.0.1:8000/me

``safeconduct routes 'flask_app:create_app()'`` shows which paths are public, and what the others require.
"""

from typing import Any

from flask import Flask

from safeconduct import Auth, Config, current, principal, requires
from safeconduct.flask import Safeconduct


def create_app() -> Flask:
    app = Flask(__name__)
    Safeconduct(Auth(Config.load())).init_app(app)

    @app.get("/public")
    def public() -> dict[str, Any]:
        return {"hello": current().display_name or "guest"}

    @app.get("/me")
    def me() -> dict[str, Any]:
        return {"subject": principal().subject, "roles": sorted(principal().roles)}

    @app.get("/admin")
    def admin() -> dict[str, Any]:
        return {"closed_by": "a rule of safeconduct.toml"}

    @app.post("/payments")
    @requires(scopes=["pay"], level="explicit", max_age_seconds=300)
    def pay() -> dict[str, Any]:
        return {"paid_by": principal().subject}

    return app


if __name__ == "__main__":
    import waitress

    waitress.serve(create_app(), host="127.0.0.1", port=8000)
