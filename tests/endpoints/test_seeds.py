"""Answer in the forms that existing clients know, from the configuration alone (missions A1 and T4)."""

import json

import pytest

from login_site import LoginClient
from memory_directory import MemoryDirectory

EMAIL = "alice@example.com"


@pytest.fixture
def people():
    return MemoryDirectory(**{EMAIL: "wonder"})


@pytest.fixture
def seed(make, people):
    return LoginClient(make(directory=people, endpoints={"login_answer": "token"}))


def test_a1_a_login_with_email_answers_token(seed):
    """``POST /auth/login`` with an e-mail address and a password: the answer has ``token``, which then counts."""
    assert 200 == seed.request("POST", "/auth/login", json_body={"email": EMAIL, "password": "wonder"})

    assert seed.json["token"] == seed.json["access_token"]
    assert "Bearer" == seed.json["token_type"]
    assert 200 == seed.use(seed.json["token"])


def test_a1_by_cookie_no_token_is_in_the_body(seed):
    """K1: no script reads the token, whatever the form of the answer."""
    json_body = {"email": EMAIL, "password": "wonder", "cookies": True}

    assert 200 == seed.request("POST", "/auth/login", json_body=json_body, headers=seed.page)

    assert {"token", "access_token"}.isdisjoint(seed.json)


def test_a1_only_a_sign_in_answers_token(seed):
    """What comes after a sign-in has the standard names alone."""
    json_body = {"email": EMAIL, "password": "wonder", "remember": True}
    seed.request("POST", "/auth/login", json_body=json_body)

    assert 200 == seed.refresh(seed.json["refresh_token"])

    assert "token" not in seed.json


def test_a1_the_standard_answer_has_no_token(make, people):
    client = LoginClient(make(directory=people))

    assert 200 == client.request("POST", "/auth/login", json_body={"email": EMAIL, "password": "wonder"})

    assert "token" not in client.json


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"username": EMAIL, "email": EMAIL},
        {"username": "", "email": EMAIL},
        {"username": EMAIL, "email": True},
        {"email": False},
        {"Email": EMAIL},
    ],
    ids=str,
)
@pytest.mark.parametrize("page", [True, False], ids=["page", "program"])
def test_a1_one_name_and_one_alone_is_read(seed, people, names, page):
    """With two, a proxy might have looked at the one that is not checked here."""
    fields = [("content-type", "application/json"), *(seed.page if page else ())]
    body = json.dumps({**names, "password": "wonder", "cookies": page}).encode()

    assert 400 == seed.request("POST", "/auth/login", headers=fields, body=body)

    assert 0 == people.checks


@pytest.mark.parametrize("body", [b"email=a&email=a&password=b", b"email=a&username=a&password=b", b"email&password=b"])
def test_a1_a_form_names_the_user_once(seed, people, body):
    headers = [("content-type", "application/x-www-form-urlencoded")]

    assert 400 == seed.request("POST", "/auth/login", headers=headers, body=body)

    assert 0 == people.checks


def test_a1_both_names_share_the_limits_of_the_throttle(make, people):
    """An attacker gains no attempts by the other name."""
    client = LoginClient(make(directory=people, login={"failures_per_account_and_network": 2}))

    statuses = [
        client.request("POST", "/auth/login", json_body={name: EMAIL, "password": "no"})
        for name in ("username", "email", "email", "username")
    ]

    assert [401, 401, 429, 429] == statuses


def test_a1_t4_the_wire_of_another_api_from_the_configuration_alone(make, people):
    """``POST /login`` with email and password, ``token``, Bearer, and refusals with ``error`` and ``message``."""
    client = LoginClient(
        make(
            directory=people,
            endpoints={"prefix": "", "login_answer": "token"},
            problem_style="error_message",
            sources=["bearer"],
        )
    )

    assert 401 == client.request("GET", "/invoices")
    assert {"error": "Unauthorized", "message": "This request needs a credential."} == client.json
    assert 401 == client.request("POST", "/login", json_body={"email": EMAIL, "password": "no"})
    assert "Unauthorized" == client.json["error"]
    assert 200 == client.request("POST", "/login", json_body={"email": EMAIL, "password": "wonder"})
    token = client.json["token"]
    assert 200 == client.request("GET", "/invoices", bearer=token)
    assert 204 == client.request("POST", "/logout", bearer=token)
    assert 401 == client.request("GET", "/invoices", bearer=token)
    assert "Unauthorized" == client.json["error"]
