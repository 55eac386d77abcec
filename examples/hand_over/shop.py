"""
The first of two servers, in Flask: it signs its users in, and hands their browsers over to the second.

In this folder::

    safeconduct keys new --folder shop-keys && safeconduct keys new --folder billing-keys
    SAFECONDUCT_CONFIG=shop.toml safeconduct keys jwks > shop-jwks.json
    python billing.py &
    python shop.py

Then open http://127.0.0.1:8001 (the two servers are 127.0.0.1 and localhost, since cookies do not tell ports apart).
"""

import secrets

from flask import Flask, Response, render_template_string

from safeconduct import Account, Auth, Config, Principal, current, principal
from safeconduct.flask import Safeconduct

HOME = """<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
{% if user %}
<p>Signed in as <b id="user">{{ user.display_name }}</b>.</p><p><a href="/pay">Pay invoice 7</a></p>
{% else %}
<form id="sign-in"><label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>
<script nonce="{{ nonce }}">
document.getElementById("sign-in").addEventListener("submit", async event => {
  event.preventDefault()
  const body = JSON.stringify({...Object.fromEntries(new FormData(event.target)), cookies: true})
  await fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"}, body})
  location.reload()
})
</script>
{% endif %}</html>"""
PAY = '<!doctype html><html lang="en"><title>Go to billing</title><h1>Go to billing</h1>{{ form|safe }}</html>'


class Customers:
    """Everybody's password is "open sesame", which is none for production."""

    def check(self, username: str, password: str) -> Account | None:
        """Return the account, or None if the password is wrong."""
        return self.lookup(username) if password == "open sesame" else None  # noqa: S105 - an example

    def lookup(self, subject: str) -> Account | None:
        """Return the account, or None if there is none."""
        return Account(subject, scopes=["invoice:pay"]) if subject in {"alice", "bob"} else None


def create_app(config: Config, *, billing: str = "http://localhost:8002") -> Flask:
    """Return the application; *billing* is the origin of the second server."""
    app, auth = Flask(__name__), Auth(config, directory=Customers())
    Safeconduct(auth).init_app(app)

    @app.get("/")
    def home() -> Response:
        user, nonce = current(), secrets.token_urlsafe()
        page = render_template_string(HOME, user=user if isinstance(user, Principal) else None, nonce=nonce)
        return Response(page, headers=headers(nonce, "'self'"))

    @app.get("/pay")
    def pay() -> Response:
        nonce = secrets.token_urlsafe()
        made = auth.tokens.hand_over(
            principal(), audience=config.tokens.audiences[0], next="/invoices/7", scopes=["invoice:pay"]
        )
        form = made.form(f"{billing}/auth/accept", nonce=nonce)
        return Response(render_template_string(PAY, form=form), headers=headers(nonce, billing))

    return app


def headers(nonce: str, forms: str) -> dict[str, str]:
    """Return the header fields of a page whose forms go to *forms*; a hand-over must not be cached."""
    policy = f"default-src 'self'; script-src 'nonce-{nonce}'; form-action {forms}; frame-ancestors 'none'"
    return {"Content-Security-Policy": policy, "Cache-Control": "no-store"}


if __name__ == "__main__":
    import waitress

    waitress.serve(create_app(Config.load("shop.toml")), host="127.0.0.1", port=8001)
