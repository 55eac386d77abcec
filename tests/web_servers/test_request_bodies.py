"""Sign nobody in where a client leaves before its body has arrived, and go on serving."""

import json

import pytest

from app_client import SentRequest
from rows_endpoints import LOGIN
from web_servers import raw_request, server_drivers

[SIGNS_IN] = [row for row in LOGIN if row.name == "life-login-json"]


@pytest.fixture(params=server_drivers(), ids=lambda driver: driver.name)
def driver(request):
    yield request.param
    request.param.close()


def test_a_body_that_breaks_off_signs_nobody_in(driver):
    request = SentRequest.of(SIGNS_IN)
    before = driver.ask("life", request)
    whole = raw_request(request, ("x-setup", b"life"), ("x-scheme", b"https"))
    for _ in range(5):
        with driver.connect() as sock:
            sock.sendall(whole[: -len(request.body) // 2])

    after = driver.ask("life", request)

    assert (200, 200) == (before.status, after.status)
    assert 2 == open_sessions(driver, after)


def open_sessions(driver, seen):
    """Return how many sessions the user has who was signed in by *seen*."""
    token = json.loads(seen.body)["access_token"].encode()
    headers = (("host", b"app.example"), ("authorization", b"Bearer " + token))
    return len(json.loads(driver.ask("life", SentRequest("GET", "/auth/sessions", headers, "https")).body)["sessions"])
