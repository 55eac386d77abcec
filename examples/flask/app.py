"""
A Flask application with templates, whose users sign in by the pages of safeconduct.

In this folder::

    safeconduct keys new
    safeconduct users add alice
    python app.py

Then open http://localhost:8000/notes.  Scripts bring a token:
``curl -H "Authorization: Bearer $(safeconduct token issue --subject alice)" http://localhost:8000/notes``.
``safeconduct routes 'app:create_app()'`` shows which paths are public, and what the others require.
"""

from collections import defaultdict

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from safeconduct import Auth, Config, principal, requires
from safeconduct.flask import Safeconduct


def create_app() -> Flask:
    app = Flask(__name__)
    Safeconduct(Auth(Config.load())).init_app(app)
    notes = defaultdict[str, list[str]](list)

    @app.get("/")
    def home() -> str:
        return render_template("home.html")

    @app.get("/notes")
    def show_notes() -> str:
        return render_template("notes.html", notes=notes[principal().subject])

    @app.post("/notes")
    def add_note() -> Response:
        notes[principal().subject].append(request.form["text"])
        return redirect(url_for("show_notes"), 303)

    @app.post("/notes/delete")
    @requires(level="explicit", max_age_seconds=300)
    def delete_notes() -> Response:
        notes.pop(principal().subject, None)
        return redirect(url_for("show_notes"), 303)

    @app.get("/admin")
    def admin() -> dict[str, int]:
        return {"users_with_notes": len(notes)}

    return app


if __name__ == "__main__":
    import waitress

    waitress.serve(create_app(), host="localhost", port=8000)
