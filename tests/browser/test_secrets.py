"""Show that no script on the page can read a token."""

from playwright.sync_api import expect

#: Shorter parts of a token are no secret: they may occur in a text by chance.
SHORTEST = 16

WITHOUT_THE_SERVER = {
    "document.cookie": "document.cookie",
    "cookieStore.getAll": "cookieStore.getAll()",
    "localStorage": "({ ...localStorage })",
    "sessionStorage": "({ ...sessionStorage })",
    "indexedDB": "indexedDB.databases()",
    "caches": "caches.keys()",
    "service workers": "navigator.serviceWorker.getRegistrations().then((all) => all.map((each) => each.scope))",
    "window.name": "window.name",
    "history.state": "history.state",
    "location": "location.href + document.referrer",
    "the document": "document.documentElement.outerHTML",
    "performance": "performance.getEntries().map((entry) => entry.toJSON())",
    "the page's own state": "[session, [...document.forms].map((form) => [...new FormData(form)])]",
}


class Secrets:
    """Every value that the browser's cookies had, with its longer parts."""

    def __init__(self, tab):
        self._tab, self._parts = tab, set()

    def look(self):
        """Add the current values of the cookies."""
        values = [cookie["value"] for cookie in self._tab.page.context.cookies()]
        self._parts |= {part for value in values for part in (value, *value.split(".")) if len(part) >= SHORTEST}
        return self

    def within(self, text):
        """Return whether *text* contains one of them."""
        return any(part in text for part in self._parts)

    def __len__(self):
        return len(self._parts)


def test_no_store_of_the_browser_has_one(tab):
    """Scripts can read these stores."""
    tab.sign_in(remember=True).demote()
    secrets = Secrets(tab).look()
    script = "Promise.resolve({}).then((found) => JSON.stringify(found) ?? '')"

    found = {name: tab.page.evaluate(script.format(call)) for name, call in WITHOUT_THE_SERVER.items()}

    assert len(secrets) > 3
    assert [] == [name for name, text in found.items() if secrets.within(text)]


CALLS = (
    ("GET", "/", None),
    ("GET", "/public", None),
    ("GET", "/me", None),
    ("GET", "/admin", None),
    ("POST", "/danger", None),
    ("GET", "/nothing", None),
    ("GET", "/auth/openapi.json", None),
    ("GET", "/.well-known/jwks.json", None),
    ("GET", "/auth/session", None),
    ("GET", "/auth/sessions", None),
    ("POST", "/auth/refresh", {}),
    ("POST", "/auth/refresh", {"extend": True}),
    ("POST", "/auth/refresh", {"cookies": False}),
    ("POST", "/auth/renew", {}),
    ("POST", "/auth/renew", {"cookies": False}),
    ("POST", "/auth/step-up", {"password": "right"}),
    ("POST", "/auth/step-up", {"password": "wrong"}),
    ("POST", "/auth/login", {"username": "alice", "password": "right"}),
    ("POST", "/auth/login", {"username": "alice", "password": "right", "cookies": False}),
    ("POST", "/auth/login", {"username": "alice", "password": "right", "remember": True}),
    ("POST", "/auth/login", {"username": "alice", "password": "right", "remember": True, "cookies": False}),
    ("POST", "/auth/login", {"username": "alice", "password": "right", "remember": True, "cookies": True}),
    ("DELETE", "/auth/sessions/none", None),
    ("GET", "/auth/sign-in", None),
    ("GET", "/auth/continue", None),
    ("POST", "/auth/logout-everywhere", {}),
    ("POST", "/auth/login", {"username": "alice", "password": "right", "remember": True, "cookies": True}),
    ("POST", "/auth/logout", {}),
    ("POST", "/auth/refresh", {}),
)


def test_no_answer_has_one(site, tab):
    """A script asks every endpoint for a token in every way, with and without the CSRF token."""
    tab.sign_in(remember=True)
    secrets, leaks, statuses = Secrets(tab), [], {}
    right = site.passwords["alice"]

    for guarded in (True, False):
        for number, (method, path, json_body) in enumerate(CALLS):
            if guarded and number in {10, 14}:
                site.clock.advance(seconds=31)
            words = json_body and {name: right if value == "right" else value for name, value in json_body.items()}
            answer = ask(tab, secrets, method, path, words, guarded=guarded)
            statuses.setdefault(path, []).append(answer["status"])
            if secrets.within(str(answer)):
                leaks.append((method, path, json_body))

    assert [] == leaks
    assert len(secrets) > 30
    good = {path for path, seen in statuses.items() if {200, 204} & set(seen)}
    assert {path for _, path, _ in CALLS} - good == {"/admin", "/nothing", "/auth/sessions/none"}


def ask(tab, secrets, method, path, json_body, *, guarded):
    """Send one request, and add the cookies before and after it to the secrets."""
    token = tab.ask("GET", "/auth/session")["json"].get("csrf_token") if guarded else None
    secrets.look()
    answer = tab.ask(method, path, json_body, **({"X-CSRF-Token": token} if token else {}))
    secrets.look()
    assert [] == answer["cookies"]
    return answer


def test_every_endpoint_is_asked(tab):
    """The table above has every path that the server documents."""
    paths = tab.ask("GET", "/auth/openapi.json")["json"]["paths"]

    called = {path.replace("none", "{id}") for _, path, _ in CALLS}

    assert [] == [path for path in paths if path not in called]


def test_a_script_of_somebody_else_does_not_run(tab):
    """Injected markup has no nonce, and text cannot be turned into a script."""
    expect(tab.signed_out).to_be_visible()

    ran = tab.page.evaluate("""async () => {
      const place = document.createElement("div");
      document.body.append(place);
      const tries = [
        () => { place.innerHTML = "<img src=x onerror='window.ran = 1'>"; },
        () => { const s = document.createElement("script"); s.append("window.ran = 1"); document.body.append(s); },
        () => { const s = document.createElement("script"); s.src = "data:,window.ran=1"; document.body.append(s); },
        () => { window.setTimeout("window.ran = 1"); },
      ];
      for (const attempt of tries) { try { attempt(); } catch { /* refused at once */ } }
      // What was not refused at once would have its turn by then.
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return window.ran ?? null;
    }""")

    assert ran is None
    assert 4 <= len(tab.broken)
    tab.broken.clear()
