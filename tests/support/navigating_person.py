"""A person who navigates: a browser's fields, its rules for cookies, and its patience with redirections."""

from html import unescape
from http.cookies import SimpleCookie
from re import search
from urllib.parse import urljoin

ACCESS, REFRESH, CONTINUED = (f"__Host-safeconduct{end}" for end in ("", "-refresh", "-continued"))
SITE = "https://app.example"
#: A browser shows an error after twenty; none of ours needs more than this.
MOST_STEPS = 6


class Person:
    """A browser at *site* without scripts, which keeps cookies until they end by the clock of the site."""

    def __init__(self, site, prefix="/auth"):
        self.site, self.prefix = site, prefix
        self.jar = {}
        self.steps, self.response, self.place = [], None, None

    @property
    def cookies(self):
        """Return the values of the cookies that have not ended."""
        return {name: value for name, (value, ends, _) in self.jar.items() if ends > self.site.clock()}

    def send(self, method, target, headers=(), body=b"", *, is_strict=True):
        """Send one request and keep the cookies of the response; return it."""
        kept = {name: self.jar[name] for name in self.cookies}
        line = "; ".join(f"{name}={value}" for name, (value, _, same) in kept.items() if is_strict or same == "Lax")
        fields = [*headers, *([("cookie", line)] if line else [])]
        self.response = self.site.request(method, target, fields, body)
        for set_cookie in self.response.values("set-cookie"):
            for name, morsel in SimpleCookie(set_cookie).items():
                self.jar[name] = morsel.value, self.site.clock() + int(morsel["max-age"]), morsel["samesite"]
        return self.response

    def sign_in(self, **more):
        """Send the sign-in form of the page."""
        fields = {"username": "alice", "password": "wonder", **more}
        body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
        page = [("origin", SITE), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")]
        form = ("content-type", "application/x-www-form-urlencoded")
        return self.send("POST", f"{self.prefix}/login", [*page, form], body).status

    def one(self, target, site="none", *, headers=(), method="GET", dest="document"):
        """Send one navigation, without following where it leads."""
        fields = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", dest), ("sec-fetch-site", site)]
        return self.send(method, target, [*fields, *headers], is_strict=site != "cross-site")

    def navigate(self, target, site="none"):
        """Go to *target*, as typed or by a link on *site*, follow every step, and return the last status."""
        self.steps = []
        for _ in range(MOST_STEPS):
            self.steps.append(target)
            self.place = target
            response = self.one(target, site)
            refreshed = search(r'http-equiv="refresh" content="0; url=([^"]*)"', response.body.decode())
            if response.status == 303:
                (location,) = response.values("location")
            elif refreshed:
                # A page of ours begins the next one.
                location, site = unescape(refreshed[1]), "same-origin"
            else:
                return response.status
            target = urljoin(target, location)
        raise AssertionError(f"a loop of redirections: {self.steps}")
