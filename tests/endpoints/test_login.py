"""Exchange a password for tokens: ``POST /auth/login``."""

import json
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest

from login_site import ACCESS, DEVICE, OWN_PAGE, REFRESH, LoginClient
from safeconduct.directories import Cost, UsersFile

FORM = (("content-type", "application/x-www-form-urlencoded"),)


def test_a_program_gets_tokens_in_the_body(client, clock):
    """No cookie is set, and the response may not be cached (RFC 6749 §5.1)."""
    assert 200 == client.get_tokens()

    answer = client.json
    assert {"access_token", "token_type", "expires_in", "renew_after", "level", "session_id"} == answer.keys()
    assert ("Bearer", 900, "explicit") == (answer["token_type"], answer["expires_in"], answer["level"])
    assert int(clock()) + 450 == answer["renew_after"]
    assert ("no-store",) == client.response.values("cache-control")
    assert () == client.response.values("set-cookie")
    assert 200 == client.use()


def test_a_long_term_token_comes_only_if_it_was_asked_for(client):
    """L5, L7: the new level is proven in the same request."""
    client.get_tokens(remember=True)

    assert {"refresh_token", "extend_after", "extend_before"} <= client.json.keys()


def test_a_page_gets_cookies_and_no_token(client):
    """No script can read either cookie (K1)."""
    assert 200 == client.sign_in(remember=True)

    lines = {line.partition("=")[0]: line for line in client.response.values("set-cookie")}
    assert {ACCESS, REFRESH, DEVICE} == lines.keys()
    assert all("Secure" in line and "HttpOnly" in line and "Path=/" in line for line in lines.values())
    assert "SameSite=Lax" in lines[ACCESS]
    assert "SameSite=Strict" in lines[REFRESH]
    assert "Max-Age=900" in lines[ACCESS]
    assert "Max-Age=1209600" in lines[REFRESH]
    assert {"access_token", "refresh_token", "token_type"}.isdisjoint(client.json)
    assert client.cookies[ACCESS] not in client.response.body.decode()
    assert 43 == len(client.json["csrf_token"])
    assert 200 == client.request("GET", "/me")


def test_t5_every_cookie_of_a_life_has_an_end_in_both_ways(client):
    """Set, renewed or deleted: ``Expires`` matches ``Max-Age``, or is long ago."""
    client.sign_in(remember=True)
    lines = list(client.response.values("set-cookie"))
    for target in ("/auth/refresh", "/auth/logout"):
        client.site.clock.advance(seconds=600)
        client.request("POST", target)
        lines += client.response.values("set-cookie")

    assert {ACCESS, REFRESH, DEVICE} == {line.partition("=")[0] for line in lines}
    for line in lines:
        [morsel] = SimpleCookie(line).values()
        ends = parsedate_to_datetime(morsel["expires"]).timestamp()
        is_gone = morsel["max-age"] == "0"
        began = {ends - int(morsel["max-age"])}
        assert began == {0.0} if is_gone else began < {1_800_000_000.0, 1_800_000_600.0, 1_800_001_200.0}


def test_without_remember_there_is_no_refresh_cookie(client):
    client.sign_in()

    assert {ACCESS, DEVICE} == client.cookies.keys()


def test_cookies_are_set_for_our_pages_only(client):
    """Login CSRF: nobody is signed in to an attacker's account."""
    json_body = {"username": "alice", "password": "wonder", "cookies": True}
    foreign = client.request("POST", "/auth/login", json_body=json_body, headers=[("origin", "https://evil.example")])
    silent = client.request("POST", "/auth/login", json_body=json_body)

    assert (403, 403) == (foreign, silent)
    assert {} == client.cookies
    assert 0 == client.site.directory.checks


@pytest.mark.parametrize("mode", ["offer", "require"])
@pytest.mark.parametrize(
    "page",
    [
        [("origin", "https://evil.example")],
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "null")],
        [("origin", "null"), ("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["form", "json"])
def test_c4_a_foreign_page_uses_no_try_up(make, mode, page, kind):
    """Otherwise five posts of a foreign page would lock the victim's network out."""
    site = make(cookies={"mode": mode}, login={})
    victim = LoginClient(site)
    assert 200 == victim.sign_in()
    json_body = {"username": "alice", "password": "no"}
    how = {"json_body": json_body} if kind == "json" else {"body": urlencode(json_body).encode()}

    fields = [*(FORM if kind == "form" else ()), *page]

    statuses = [victim.request("POST", "/auth/login", headers=fields, page=False, **how) for _ in range(60)]

    assert [403] * 60 == statuses
    shows = (
        b"did not come from a page of this site" if ("sec-fetch-mode", "navigate") in page else b"cross_site_request"
    )
    assert shows in victim.response.body
    assert 1 == site.directory.checks
    assert 200 == LoginClient(site).get_tokens()


#: What a page of ours sends with ``Referrer-Policy: no-referrer``.
SILENT_PAGE = (("origin", "null"), ("sec-fetch-site", "same-origin"))


@pytest.mark.parametrize("page", [OWN_PAGE, [("sec-fetch-site", "same-origin")], SILENT_PAGE], ids=str)
def test_c4_a_page_of_ours_signs_in_without_cookies(client, page):
    json_body = {"username": "alice", "password": "wonder"}

    assert 200 == client.request("POST", "/auth/login", json_body=json_body, headers=page)
    assert "access_token" in client.json


@pytest.mark.parametrize(
    ("headers", "kind", "status"),
    [
        ([("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], "form", 403),
        ([("origin", "https://old.example")], "form", 403),
        ([("origin", "https://spa.example"), ("sec-fetch-site", "cross-site")], "json", 200),
        ([("origin", "https://own.example"), ("sec-fetch-site", "same-origin")], "form", 200),
        ([], "form", 200),
    ],
    ids=str,
)
def test_c4_where_nobody_knows_which_pages_are_ours_a_foreign_form_is_refused(make, headers, kind, status):
    """Without ``external_url`` JSON is accepted, because a browser sends it cross-origin only after CORS."""
    client = LoginClient(make(sources=["bearer"], external_url=None))
    json_body = {"username": "alice", "password": "wonder"}
    how = {"json_body": json_body} if kind == "json" else {"body": urlencode(json_body).encode()}

    assert status == client.request("POST", "/auth/login", headers=[*(FORM if kind == "form" else ()), *headers], **how)

    assert (1 if status == 200 else 0) == client.site.directory.checks


@pytest.mark.parametrize("origin", ["https://spa.example", "https://evil.example"])
def test_c4_a_page_that_is_trusted_by_name_signs_in_by_json(make, origin):
    """With ``csrf.trusted_origins`` all other origins are foreign, with or without ``external_url``."""
    trusted = {"trusted_origins": ["https://spa.example"]}
    client = LoginClient(make(sources=["bearer"], external_url=None, csrf=trusted))

    json_body = {"username": "alice", "password": "wonder"}
    status = client.request("POST", "/auth/login", json_body=json_body, headers=[("origin", origin)])

    assert (200 if origin == "https://spa.example" else 403) == status


@pytest.mark.parametrize("name", ["al\0ice", "alice\r\nroot", "alice\n", "\x1b[0malice", "\ufeffalice"], ids=ascii)
def test_c7_a_name_with_a_control_character_asks_no_directory(client, name):
    """The answer is 401, as for Basic, and the throttle counts nothing."""
    statuses = [client.get_tokens(name) for _ in range(8)]

    assert [401] * 8 == statuses
    assert "invalid_token" == client.json["code"]
    assert 1 == len(client.response.values("www-authenticate"))
    assert 0 == client.site.directory.checks


def test_a_form_says_the_same(client):
    body = urlencode({"username": "alice", "password": "wonder", "remember": "on", "cookies": "true"}).encode()

    status = client.request("POST", "/auth/login", body=body, headers=[*FORM, *OWN_PAGE])

    assert 200 == status
    assert REFRESH in client.cookies


@pytest.mark.parametrize("name", ["nobody", "alice"])
def test_a_wrong_pair_is_one_answer(client, name):
    """The response does not reveal whether the user exists (ASVS 6.3.8)."""
    assert 401 == client.get_tokens(name, "wrong")

    assert "invalid_token" == client.json["code"]
    assert 1 == len(client.response.values("www-authenticate"))
    assert () == client.response.values("set-cookie")


@pytest.mark.parametrize(
    "json_body",
    [
        {},
        {"username": "alice"},
        {"password": "wonder"},
        {"username": True, "password": "wonder"},
        {"username": "alice", "password": "wonder", "remember": "perhaps"},
        {"username": "alice", "password": "wonder", "cookies": "perhaps"},
    ],
    ids=json.dumps,
)
def test_an_ambiguous_body_is_400(client, json_body):
    assert 400 == client.request("POST", "/auth/login", json_body=json_body)

    assert "invalid_request" == client.json["code"]
    assert 0 == client.site.directory.checks


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([("content-type", "text/plain")], b'{"username":"alice","password":"wonder"}', 415),
        ([("content-type", "application/json")], b'{"username":"' + b"a" * 17_000 + b'"}', 413),
        ([("content-type", "application/json")], b"[", 400),
        ([], b"", 400),
    ],
    ids=["plain text", "too long", "no JSON", "nothing"],
)
def test_a_body_is_read_in_one_way_or_not_at_all(client, headers, body, status):
    """A foreign form can send ``text/plain`` (CVE-2021-32677)."""
    assert status == client.request("POST", "/auth/login", headers=headers, body=body)

    assert 0 == client.site.directory.checks


def test_two_types_are_none(world, make):
    """A WSGI server joins the two, which is no valid type either."""
    client = LoginClient(make())
    headers = [("content-type", "application/json"), ("content-type", "application/json")]

    status = client.request("POST", "/auth/login", headers=headers, body=b"{}")

    assert (400 if world == "asgi" else 415) == status


def test_a_hash_that_was_too_cheap_is_renewed_by_a_sign_in(make, tmp_path):
    """Only the user's own attempts are reset, and only by the right password of up to 1,024 bytes."""
    path, password = tmp_path / "users.json", "p" * 1024
    for name in ("alice", "bob"):
        UsersFile.create(path, cost=Cost(memory_kib=8, passes=1)).add(name, password)
    client = LoginClient(make(directory=UsersFile(path, cost=Cost(memory_kib=16, passes=1))))

    statuses = [
        client.get_tokens("bob", "wrong"),
        client.get_tokens("alice", password),
        client.get_tokens("alice", password),
    ]

    assert [401, 200, 200] == statuses
    hashes = {name: user["hash"].split("$")[3] for name, user in json.loads(path.read_text("utf-8")).items()}
    assert {"alice": "m=16,t=1,p=1", "bob": "m=8,t=1,p=1"} == hashes


def test_a_stale_credential_blocks_no_sign_in(client):
    """Each endpoint reads only the credential that it names."""
    client.cookies = {ACCESS: "stale", REFRESH: "stale", DEVICE: '"'}

    json_body = {"username": "alice", "password": "wonder", "cookies": True, "remember": True}
    status = client.request("POST", "/auth/login", json_body=json_body, bearer="x.y.z")

    assert 200 == status
    assert "stale" not in client.cookies.values()


@pytest.mark.parametrize("fields", [{"sources": ["bearer"]}, {"cookies": {"mode": "off"}}], ids=["source", "mode"])
def test_where_cookies_are_off_nobody_gets_them(make, fields):
    client = LoginClient(make(**fields))

    status = client.sign_in()

    assert (501, {}) == (status, client.cookies)
    assert 200 == client.get_tokens()


def test_where_cookies_are_required_a_browser_gets_no_token(make):
    """A page that forgets to ask for cookies gets no tokens; a program does."""
    client = LoginClient(make(cookies={"mode": "require"}))
    json_body = {"username": "alice", "password": "wonder"}

    status = client.request(
        "POST", "/auth/login", json_body=json_body, headers=[*OWN_PAGE, ("sec-fetch-site", "same-origin")]
    )

    assert 200 == status
    assert "access_token" not in client.json
    assert ACCESS in client.cookies
    assert 200 == client.get_tokens()
    assert "access_token" in client.json


def test_too_many_tries_are_429_and_the_right_password_too(make):
    """The response gives the waiting time, which does not depend on the user."""
    client = LoginClient(make(login={"failures_per_account_and_network": 2}))
    for _ in range(2):
        client.get_tokens("alice", "wrong")

    statuses = [client.get_tokens("alice", "wonder"), client.get_tokens("bob", "builder")]

    assert [429, 200] == statuses


def test_a_device_that_was_signed_in_skips_what_unknown_devices_fill(make):
    """A device cookie counts only for its own account."""
    site = make(login={"failures_per_account": 2, "failures_per_account_and_network": 3})
    known, unknown = LoginClient(site), LoginClient(site)
    known.sign_in()
    for _ in range(2):
        unknown.get_tokens("alice", "wrong")

    assert 429 == unknown.get_tokens()
    assert 200 == known.sign_in()
    assert 401 == known.request("POST", "/auth/login", json_body={"username": "bob", "password": "x"})
    assert 401 == known.request("POST", "/auth/login", json_body={"username": "bob", "password": "x"})
    assert 429 == known.request("POST", "/auth/login", json_body={"username": "bob", "password": "builder"})


def test_the_list_tells_device_and_network(client):
    client.request(
        "POST",
        "/auth/login",
        json_body={"username": "alice", "password": "wonder"},
        headers=[("user-agent", "a browser")],
    )
    client.tokens = client.json

    client.request("GET", "/auth/sessions", bearer=client.tokens["access_token"])

    [session] = client.json["sessions"]
    assert ("a browser", "192.0.2.1", True) == (session["device"], session["network"], session["is_current"])
