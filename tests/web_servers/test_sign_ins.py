"""Sign many users in at once at a real server, with hashes at their full cost."""

import json
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from app_client import SentRequest
from safeconduct.directories import UsersFile
from web_servers import WebServer, raw_request

_OTHERS = [f"user{number}" for number in range(40)]
_JSON = ("content-type", b"application/json")
_HTTPS = ("x-forwarded-proto", b"https")


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    """Return a users file with the default cost, whose users share one hash to save time."""
    path = tmp_path_factory.mktemp("users") / "users.json"
    UsersFile.create(path).add("alice", "wonder")
    book = json.loads(path.read_text("utf-8"))
    book |= {name: {**book["alice"], "subject": name} for name in _OTHERS}
    path.write_text(json.dumps(book), "utf-8")
    return path


@pytest.fixture
def crowded(users):
    served = WebServer("gunicorn gthread", "served_apps:login_wsgi", USERS_FILE=str(users), THREADS="16")
    yield served
    served.close()


def sign_in(served, name, password="wonder"):
    body = json.dumps({"username": name, "password": password}).encode()
    request = SentRequest("POST", "/auth/login", (("host", b"app.example"), _JSON), "https", body)
    return served.say(raw_request(request), method="POST").status


def test_c1_one_account_in_a_loop_refuses_no_other(crowded):
    """Four connections sign one account in repeatedly; of forty other users none is refused."""
    has_ended = threading.Event()

    def loop():
        statuses = [sign_in(crowded, "alice")]
        while not has_ended.is_set():
            statuses.append(sign_in(crowded, "alice"))
        return statuses

    with ThreadPoolExecutor(16) as callers:
        looping = [callers.submit(loop) for _ in range(4)]
        try:
            others = list(callers.map(lambda name: sign_in(crowded, name), _OTHERS))
        finally:
            has_ended.set()
        alice = [status for future in looping for status in future.result()]

    assert [200] * 40 == others
    assert {200} == set(alice)


def test_c6_twelve_right_sign_ins_of_one_account_at_once_all_pass(crowded):
    """The attempts wait for each other, and none counts as a failure."""
    with ThreadPoolExecutor(12) as callers:
        statuses = list(callers.map(lambda _: sign_in(crowded, "alice"), range(12)))

    assert [200] * 12 == statuses


@pytest.fixture(params=["uvicorn", "gunicorn gthread"])
def behind_a_socket(request, users, tmp_path):
    """Return a function that starts a server on a Unix socket."""
    started = []

    def start(trusted):
        world = "asgi" if request.param == "uvicorn" else "wsgi"
        path = str(tmp_path / f"socket{len(started)}")
        factory = f"served_apps:login_{world}"
        started.append(WebServer(request.param, factory, path=path, USERS_FILE=str(users), TRUSTED=trusted))
        return started[-1]

    yield start
    for served in started:
        served.close()


def ask(served, password, *, client):
    credential = b"Basic " + b64encode(f"alice:{password}".encode())
    headers = (("host", b"app.example"), ("authorization", credential), ("x-forwarded-for", client), _HTTPS)
    return served.say(raw_request(SentRequest("GET", "/me", headers, "http"))).status


def test_c2_behind_a_named_unix_socket_each_client_is_its_own(behind_a_socket):
    """Basic works there, and five failures of one client lock nobody else out."""
    served = behind_a_socket("unix")

    wrong = [ask(served, "no", client=b"198.51.100.1") for _ in range(6)]

    assert [401] * 5 + [429] == wrong
    assert 429 == ask(served, "wonder", client=b"198.51.100.1")
    assert 200 == ask(served, "wonder", client=b"198.51.100.2")


def test_c2_behind_a_unix_socket_that_is_not_named_one_client_locks_nobody_out(behind_a_socket):
    """The attempts of all such clients count together and for the account."""
    served = behind_a_socket("10.0.0.0/8")

    wrong = [sign_in(served, "alice", "no") for _ in range(8)]

    assert [401] * 8 == wrong
    assert 200 == sign_in(served, "alice")
    assert 200 == sign_in(served, "user1")
