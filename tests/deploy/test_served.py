"""The application of ``examples/deploy`` behind the nginx and with the Valkey that its files describe."""

import ssl

import httpx2
import pytest

from command_line import without_environment
from deployed_shop import NAME, deployed, store_options
from store_servers import Server

PASSWORD = "a long pass phrase"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("shop")
        patch.chdir(folder)
        without_environment(patch)
        with deployed(folder, PASSWORD) as found:
            yield found


@pytest.fixture
def client(site):
    url, authority, _ = site
    extensions = {"sni_hostname": NAME}
    context = ssl.create_default_context(cafile=authority)
    with httpx2.Client(base_url=url, verify=context, headers={"host": NAME}, timeout=60) as client:
        client.event_hooks["request"].append(lambda request: request.extensions.update(extensions))
        yield client


def sign_in(client, **headers):
    body = {"username": "alice", "password": PASSWORD}
    return client.post("/auth/login", json=body, headers=headers)


def test_a_user_signs_in_through_the_proxy(client):
    """By TLS, which the proxy ends, with a token for the application."""
    token = sign_in(client).json()["access_token"]

    answer = client.get("/me", headers={"authorization": f"Bearer {token}"})

    assert (200, {"subject": "alice"}) == (answer.status_code, answer.json())
    assert 401 == client.get("/me").status_code


def test_a_browser_signs_in_by_cookies(client):
    """The origin is the configured one, and the cookie is for https alone."""
    body = {"username": "alice", "password": PASSWORD, "cookies": True}

    answer = client.post("/auth/login", json=body, headers={"origin": f"https://{NAME}"})

    assert 200 == answer.status_code
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_the_worker_is_ready_and_its_metrics_are_there(site, client):
    """For those who reach it without the proxy."""
    sign_in(client)
    direct = f"http://127.0.0.1:{site[2]}"

    assert [204, 204] == [httpx2.get(f"{direct}/{name}", timeout=60).status_code for name in ("live", "ready")]
    assert "safeconduct_events_total" in httpx2.get(f"{direct}/metrics", timeout=60).text


def test_the_proxy_shows_neither_metrics_nor_readiness(client):
    """They are for the inside."""
    assert [404, 404] == [client.get(f"/{name}").status_code for name in ("metrics", "ready")]
    assert 204 == client.get("/live").status_code


@pytest.mark.parametrize("field", ["X-Forwarded-For", "X_Forwarded_For", "Forwarded"])
def test_a_client_cannot_choose_its_address(client, field):
    """The list of sessions shows the network that the proxy saw."""
    value = "for=203.0.113.9" if field == "Forwarded" else "203.0.113.9"
    token = sign_in(client, **{field: value}).json()["access_token"]

    found = client.get("/auth/sessions", headers={"authorization": f"Bearer {token}"}).json()

    assert all(not each["network"].startswith("203.0.113.") for each in found["sessions"])
    assert any(each["network"].startswith("127.0.0.") for each in found["sessions"])


def test_the_store_keeps_what_it_acknowledged_and_evicts_nothing():
    """As the command of the compose file has it."""
    server = Server("valkey", *store_options())
    try:
        settings = [server.say("CONFIG", "GET", name) for name in ("maxmemory-policy", "appendonly", "appendfsync")]
    finally:
        server.stop()

    assert ["noeviction", "yes", "everysec"] == [reply.split("\r\n")[-2] for reply in settings]
