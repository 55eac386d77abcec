"""Raise in every layer below a served application, at any time (fault 31)."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app_reports import WORLDS
from login_site import LoginClient
from login_stack import ManualTime
from raising_layers import LAYERS, RaisingSite
from safeconduct.events import Event, Fault, HookFailed, RequestRefused

RENEWED_AFTER_SECONDS = 600
SECRET = "secret of the layer"
ERRORS = (
    ValueError, KeyError, TypeError, RuntimeError, OSError, AssertionError, RecursionError, StopIteration,
    StopAsyncIteration, TimeoutError, MemoryError, ConnectionError, NotImplementedError, UnicodeError,
)  # fmt: skip


def _with_refresh_token(client):
    return {"refresh_token": client.tokens["refresh_token"]}


#: What a client sends: method, path, body, and whether with its token or its cookies.
REQUESTS = {
    "bearer": ("GET", "/me", None, "bearer"),
    "cookie": ("GET", "/me", None, "cookies"),
    "unsafe cookie": ("POST", "/me", None, "cookies"),
    "revoked": ("GET", "/me", None, "revoked"),
    "nobody": ("GET", "/me", None, None),
    "login": ("POST", "/auth/login", lambda _: {"username": "alice", "password": "wonder", "remember": True}, None),
    "wrong login": ("POST", "/auth/login", lambda _: {"username": "alice", "password": "wrong"}, None),
    "refresh": ("POST", "/auth/refresh", _with_refresh_token, None),
    "renew": ("POST", "/auth/renew", None, "bearer"),
    "step up": ("POST", "/auth/step-up", lambda _: {"password": "wonder"}, "bearer"),
    "session": ("GET", "/auth/session", None, "bearer"),
    "sessions": ("GET", "/auth/sessions", None, "bearer"),
    "logout": ("POST", "/auth/logout", _with_refresh_token, None),
    "logout everywhere": ("POST", "/auth/logout-everywhere", None, "bearer"),
}


class Site:
    """A site with two clients, one of whom was signed out."""

    def __init__(self, world, server, consistency):
        self.moment = ManualTime()
        self.site = RaisingSite(world, server, self.moment, consistency)
        self.faults = self.site.faults
        self.client, self.revoked, self.page = (LoginClient(self.site) for _ in range(3))
        self.sign_in()
        assert 200 == self.revoked.get_tokens()
        self.site.auth.sessions.sign_out(self.revoked.tokens["access_token"])

    def sign_in(self):
        """Sign the client in again, with a token and by cookies, and use both."""
        assert 200 == self.client.get_tokens(remember=True)
        self.page = LoginClient(self.site)
        assert 200 == self.page.sign_in()
        assert (200, 200) == (self.client.use(), self.page.request("GET", "/me"))

    def send(self, name):
        """Send one of the requests, and return the response."""
        method, target, body, by = REQUESTS[name]
        if name == "renew":
            self.moment.clock.advance(seconds=RENEWED_AFTER_SECONDS)
        client = {"cookies": self.page, "revoked": self.revoked}.get(by, self.client)
        bearer = client.tokens["access_token"] if by in {"bearer", "revoked"} else None
        json_body = None if body is None else body(client)
        client.request(method, target, json_body=json_body, bearer=bearer, with_cookies=by == "cookies")
        return client.response


@pytest.fixture(scope="module", params=WORLDS)
def site(request, valkey, consistency):
    made = Site(request.param, valkey, consistency)
    yield made
    made.site.close()


EXPECTED = {"revoked": 401, "nobody": 401, "wrong login": 401, "logout": 204, "logout everywhere": 204}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(layer=st.sampled_from(LAYERS), kind=st.sampled_from(ERRORS), name=st.sampled_from(sorted(REQUESTS)))
def test_b31_whatever_raises_nothing_passes_and_all_answers_are_alike(site, layer, kind, name):
    """The answer that was due, or 503 with the one body and a reported fault; afterwards all is as before."""
    heard, expected = site.site.events, EXPECTED.get(name, 200)
    heard.clear()
    site.faults.arm(layer, lambda: kind(SECRET))

    response = site.send(name)

    met = site.faults.count
    site.faults.arm(None, None)
    assert response.status in {expected, 503}
    assert expected == response.status or met
    assert (name in {"bearer", "cookie", "unsafe cookie"} and response.status == 200) == (response.report is not None)
    assert response.report is None or "alice" == response.report["who"]
    if response.status == 503:
        # What a directory raises goes to the log with its traceback.
        assert layer == "directory" or any(isinstance(event, Fault | HookFailed) for event in heard)
        assert [503] == [event.status for event in heard if isinstance(event, RequestRefused)]
        assert "unavailable" == json.loads(response.body)["code"]
        assert not response.values("set-cookie")
    assert SECRET not in repr((response, heard))
    assert all(isinstance(event, Event) for event in heard)
    site.sign_in()
    assert 401 == site.revoked.use()
