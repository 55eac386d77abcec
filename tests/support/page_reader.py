"""A browser without scripts, in process: it navigates, keeps cookies, reads our pages and sends their forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from login_site import SITE, LoginClient

NAVIGATION = (
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
)
FORM_TYPE = ("content-type", "application/x-www-form-urlencoded")
#: Every field that our pages have, besides their type and length.
PAGE_FIELDS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


@dataclass
class Form:
    """A form of a page."""

    action: str
    method: str
    #: The attributes of its inputs, by their names.
    inputs: dict = field(default_factory=dict)

    @property
    def values(self):
        """Return the values of the inputs that have one and are not boxes."""
        return {
            name: each["value"] for name, each in self.inputs.items() if "value" in each and each["type"] != "checkbox"
        }


class Page(HTMLParser):
    """A page: its title, its text, its links and its forms."""

    def __init__(self, html):
        super().__init__()
        self.title, self.text, self.links, self.forms, self.tags = "", "", [], [], []
        self._open = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "title":
            self._open.append(tag)
        elif tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(given["action"], given["method"]))
        elif tag == "input":
            self.forms[-1].inputs[given["name"]] = {"type": "text", **given}

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        if self._open:
            self.title += data
        else:
            self.text += data


class PageReader:
    """A browser of *site*, mounted below *root_path*."""

    def __init__(self, site, *, root_path=""):
        self.site, self.root_path = site, root_path
        self.client = LoginClient(self, page=())
        self.response = None

    def request(self, method, target, headers=(), body=b""):
        """Send one request as the server would hand it on."""
        fields = tuple((name, value.encode("latin-1")) for name, value in headers)
        sent = SentRequest(method, target, (("host", b"app.example"), *fields), "https", body)
        if self.site.world == "asgi":
            scope = asgi_scope(sent, root_path=self.root_path)
            return self.site._runner.run(call_asgi(self.site.application, scope, body))
        octets = self.root_path.encode().decode("latin-1")
        environ = wsgi_environ(sent, SCRIPT_NAME=octets)
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(octets)
        return call_wsgi(self.site.application, environ)

    def open(self, target, *, headers=(), method="GET"):
        """Navigate to *target* and return the status."""
        return self._send(method, target, [*NAVIGATION, *headers])

    def post(self, target, values, *, headers=None, body=None):
        """Send a form by a navigation, from a page of ours, and return the status."""
        own = (("origin", SITE), ("sec-fetch-site", "same-origin")) if headers is None else headers
        encoded = urlencode(values).encode() if body is None else body
        return self._send("POST", target, [*NAVIGATION, FORM_TYPE, *own], encoded)

    def submit(self, form=None, **values):
        """Fill in a form of the page and send it."""
        form = form or self.page.forms[0]
        assert "post" == form.method
        assert values.keys() <= form.inputs.keys()
        return self.post(form.action, form.values | values)

    def sign_in(self, name="alice", password="wonder", target="/me", **more):
        """Sign in on the page."""
        assert 200 == self.open(f"{self.root_path}/auth/sign-in?{urlencode({'next': target})}")
        return self.submit(username=name, password=password, **more)

    @property
    def page(self):
        """Return the page of the last answer."""
        assert ("text/html; charset=utf-8",) == self.response.values("content-type")
        return Page(self.response.body.decode())

    @property
    def location(self):
        """Return where the last answer leads."""
        [location] = self.response.values("location")
        return location

    @property
    def cookies(self):
        """Return the cookies by their names."""
        return self.client.cookies

    def _send(self, method, target, headers, body=b""):
        status = self.client.request(method, target, headers=headers, body=body)
        self.response = self.client.response
        return status
