"""``POST /auth/login``: tokens for a password, by the way that was asked for."""

import json
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest

from safeconduct.directories import Cost, UsersFile
from visiting import ACCESS, DEVICE, OWN_PAGE, REFRESH, Visitor

FORM = (("content-type", "application/x-www-form-urlencoded"),)


def test_a_program_gets_tokens_in_the_body(visitor, clock):
    """No cookie is set, and nobody may keep the answer (RFC 6749 §5.1)."""
    assert 200 == visitor.take()

    answer = visitor.answer
    assert {"access_token", "token_type", "expires_in", "renew_after", "level", "session_id"} == answer.keys()
    assert ("Bearer", 900, "explicit") == (answer["token_type"], answer["expires_in"], answer["level"])
    assert int(clock()) + 450 == answer["renew_after"]
    assert ("no-store",) == visitor.seen.values("cache-control")
    assert () == visitor.seen.values("set-cookie")
    assert 200 == visitor.use()


def test_a_long_term_token_comes_only_if_it_was_asked_for(visitor):
    """L5, L7: with the proof in the same request."""
    visitor.take(remember=True)

    assert {"refresh_token", "extend_after", "extend_before"} <= visitor.answer.keys()


def test_a_page_gets_cookies_and_no_token(visitor):
    """A script on the page can read neither (K1)."""
    assert 200 == visitor.sign_in(remember=True)

    lines = {line.partition("=")[0]: line for line in visitor.seen.values("set-cookie")}
    assert {ACCESS, REFRESH, DEVICE} == lines.keys()
    assert all("Secure" in line and "HttpOnly" in line and "Path=/" in line for line in lines.values())
    assert "SameSite=Lax" in lines[ACCESS]
    assert "SameSite=Strict" in lines[REFRESH]
    assert "Max-Age=900" in lines[ACCESS]
    assert "Max-Age=1209600" in lines[REFRESH]
    assert {"access_token", "refresh_token", "token_type"}.isdisjoint(visitor.answer)
    assert visitor.jar[ACCESS] not in visitor.seen.body.decode()
    assert 43 == len(visitor.answer["csrf_token"])
    assert 200 == visitor.ask("GET", "/me")


def test_t5_every_cookie_of_a_life_has_an_end_in_both_ways(visitor):
    """What sets, what renews, what deletes: ``Expires`` is the instant of ``Max-Age``, or long ago."""
    visitor.sign_in(remember=True)
    lines = list(visitor.seen.values("set-cookie"))
    for target in ("/auth/refresh", "/auth/logout"):
        visitor.place.clock.advance(seconds=600)
        visitor.ask("POST", target)
        lines += visitor.seen.values("set-cookie")

    assert {ACCESS, REFRESH, DEVICE} == {line.partition("=")[0] for line in lines}
    for line in lines:
        [morsel] = SimpleCookie(line).values()
        ends = parsedate_to_datetime(morsel["expires"]).timestamp()
        is_gone = morsel["max-age"] == "0"
        began = {ends - int(morsel["max-age"])}
        assert began == {0.0} if is_gone else began < {1_800_000_000.0, 1_800_000_600.0, 1_800_001_200.0}


def test_without_remember_there_is_no_refresh_cookie(visitor):
    visitor.sign_in()

    assert {ACCESS, DEVICE} == visitor.jar.keys()


def test_cookies_are_set_for_own_pages_only(visitor):
    """Login CSRF: nobody is signed in to an attacker's account."""
    said = {"username": "alice", "password": "wonder", "cookies": True}
    foreign = visitor.ask("POST", "/auth/login", said=said, headers=[("origin", "https://evil.example")])
    silent = visitor.ask("POST", "/auth/login", said=said)

    assert (403, 403) == (foreign, silent)
    assert {} == visitor.jar
    assert 0 == visitor.place.folk.checks


@pytest.mark.parametrize("mode", ["offer", "require"])
@pytest.mark.parametrize(
    "page",
    [
        [("origin", "https://evil.example")],
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "null")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["form", "json"])
def test_c4_a_foreign_page_uses_no_try_up(make, mode, page, kind):
    """Five posts of any page in the victim's browser locked their network out; a device cookie changes nothing."""
    place = make(cookies={"mode": mode}, login={})
    victim = Visitor(place)
    assert 200 == victim.sign_in()
    said = {"username": "alice", "password": "no"}
    how = {"said": said} if kind == "json" else {"body": urlencode(said).encode()}

    fields = [*(FORM if kind == "form" else ()), *page]

    statuses = [victim.ask("POST", "/auth/login", headers=fields, page=False, **how) for _ in range(60)]

    assert [403] * 60 == statuses
    assert "cross_site_request" == victim.answer["code"]
    assert 1 == place.folk.checks
    assert 200 == Visitor(place).take()


@pytest.mark.parametrize("page", [OWN_PAGE, [("sec-fetch-site", "same-origin")]], ids=str)
def test_c4_an_own_page_signs_in_without_cookies(visitor, page):
    said = {"username": "alice", "password": "wonder"}

    assert 200 == visitor.ask("POST", "/auth/login", said=said, headers=page)
    assert "access_token" in visitor.answer


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
    """Without ``external_url``; of JSON from another origin, CORS was asked before it was sent."""
    visitor = Visitor(make(sources=["bearer"], external_url=None))
    said = {"username": "alice", "password": "wonder"}
    how = {"said": said} if kind == "json" else {"body": urlencode(said).encode()}

    assert status == visitor.ask("POST", "/auth/login", headers=[*(FORM if kind == "form" else ()), *headers], **how)

    assert (1 if status == 200 else 0) == visitor.place.folk.checks


@pytest.mark.parametrize("origin", ["https://spa.example", "https://evil.example"])
def test_c4_a_page_that_is_trusted_by_name_signs_in_by_json(make, origin):
    """With ``csrf.trusted_origins`` the others are foreign, ``external_url`` or not."""
    trusted = {"trusted_origins": ["https://spa.example"]}
    visitor = Visitor(make(sources=["bearer"], external_url=None, csrf=trusted))

    said = {"username": "alice", "password": "wonder"}
    status = visitor.ask("POST", "/auth/login", said=said, headers=[("origin", origin)])

    assert (200 if origin == "https://spa.example" else 403) == status


@pytest.mark.parametrize("name", ["al\0ice", "alice\r\nroot", "alice\n", "\x1b[0malice", "\ufeffalice"], ids=ascii)
def test_c7_a_name_with_a_control_character_reaches_no_directory(visitor, name):
    """401, as in Basic; the throttle counts nothing."""
    statuses = [visitor.take(name) for _ in range(8)]

    assert [401] * 8 == statuses
    assert "invalid_token" == visitor.answer["code"]
    assert 1 == len(visitor.seen.values("www-authenticate"))
    assert 0 == visitor.place.folk.checks


def test_a_form_says_the_same(visitor):
    body = urlencode({"username": "alice", "password": "wonder", "remember": "on", "cookies": "true"}).encode()

    status = visitor.ask("POST", "/auth/login", body=body, headers=[*FORM, *OWN_PAGE])

    assert 200 == status
    assert REFRESH in visitor.jar


@pytest.mark.parametrize("name", ["nobody", "alice"])
def test_a_wrong_pair_is_one_answer(visitor, name):
    """Nobody learns whether there is such a user (ASVS 6.3.8)."""
    assert 401 == visitor.take(name, "wrong")

    assert "invalid_token" == visitor.answer["code"]
    assert 1 == len(visitor.seen.values("www-authenticate"))
    assert () == visitor.seen.values("set-cookie")


@pytest.mark.parametrize(
    "said",
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
def test_what_is_not_said_in_one_way_is_400(visitor, said):
    assert 400 == visitor.ask("POST", "/auth/login", said=said)

    assert "invalid_request" == visitor.answer["code"]
    assert 0 == visitor.place.folk.checks


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
def test_a_body_is_read_in_one_way_or_not_at_all(visitor, headers, body, status):
    """``text/plain`` is what a foreign form can send (CVE-2021-32677)."""
    assert status == visitor.ask("POST", "/auth/login", headers=headers, body=body)

    assert 0 == visitor.place.folk.checks


def test_two_types_are_none(world, make):
    """A server for WSGI joins them, and that is no type either."""
    visitor = Visitor(make())
    headers = [("content-type", "application/json"), ("content-type", "application/json")]

    status = visitor.ask("POST", "/auth/login", headers=headers, body=b"{}")

    assert (400 if world == "asgi" else 415) == status


def test_a_hash_that_was_too_cheap_is_renewed_by_a_sign_in(make, tmp_path):
    """Nobody else's, and not by a wrong password; a password may have 1,024 bytes."""
    path, password = tmp_path / "users.json", "p" * 1024
    for name in ("alice", "bob"):
        UsersFile.create(path, cost=Cost(memory_kib=8, passes=1)).add(name, password)
    visitor = Visitor(make(folk=UsersFile(path, cost=Cost(memory_kib=16, passes=1))))

    statuses = [visitor.take("bob", "wrong"), visitor.take("alice", password), visitor.take("alice", password)]

    assert [401, 200, 200] == statuses
    hashes = {name: user["hash"].split("$")[3] for name, user in json.loads(path.read_text("utf-8")).items()}
    assert {"alice": "m=16,t=1,p=1", "bob": "m=8,t=1,p=1"} == hashes


def test_a_stale_credential_blocks_no_sign_in(visitor):
    """Each endpoint reads what it names."""
    visitor.jar = {ACCESS: "stale", REFRESH: "stale", DEVICE: '"'}

    said = {"username": "alice", "password": "wonder", "cookies": True, "remember": True}
    status = visitor.ask("POST", "/auth/login", said=said, bearer="x.y.z")

    assert 200 == status
    assert "stale" not in visitor.jar.values()


@pytest.mark.parametrize("fields", [{"sources": ["bearer"]}, {"cookies": {"mode": "off"}}], ids=["source", "mode"])
def test_where_cookies_are_off_nobody_gets_them(make, fields):
    visitor = Visitor(make(**fields))

    status = visitor.sign_in()

    assert (501, {}) == (status, visitor.jar)
    assert 200 == visitor.take()


def test_where_cookies_are_required_a_browser_gets_no_token(make):
    """A page that forgets to ask for cookies must not hold a token; a program is no browser."""
    visitor = Visitor(make(cookies={"mode": "require"}))
    said = {"username": "alice", "password": "wonder"}

    status = visitor.ask("POST", "/auth/login", said=said, headers=[*OWN_PAGE, ("sec-fetch-site", "same-origin")])

    assert 200 == status
    assert "access_token" not in visitor.answer
    assert ACCESS in visitor.jar
    assert 200 == visitor.take()
    assert "access_token" in visitor.answer


def test_too_many_tries_are_429_and_the_right_password_too(make):
    """The time is told, and it is the same for everybody."""
    visitor = Visitor(make(login={"failures_per_account_and_network": 2}))
    for _ in range(2):
        visitor.take("alice", "wrong")

    statuses = [visitor.take("alice", "wonder"), visitor.take("bob", "builder")]

    assert [429, 200] == statuses


def test_a_device_that_was_signed_in_skips_what_strangers_fill(make):
    """A mark counts for its own account alone."""
    place = make(login={"failures_per_account": 2, "failures_per_account_and_network": 3})
    known, stranger = Visitor(place), Visitor(place)
    known.sign_in()
    for _ in range(2):
        stranger.take("alice", "wrong")

    assert 429 == stranger.take()
    assert 200 == known.sign_in()
    assert 401 == known.ask("POST", "/auth/login", said={"username": "bob", "password": "x"})
    assert 401 == known.ask("POST", "/auth/login", said={"username": "bob", "password": "x"})
    assert 429 == known.ask("POST", "/auth/login", said={"username": "bob", "password": "builder"})


def test_the_list_tells_device_and_network(visitor):
    visitor.ask(
        "POST",
        "/auth/login",
        said={"username": "alice", "password": "wonder"},
        headers=[("user-agent", "a browser")],
    )
    visitor.held = visitor.answer

    visitor.ask("GET", "/auth/sessions", bearer=visitor.held["access_token"])

    [session] = visitor.answer["sessions"]
    assert ("a browser", "192.0.2.1", True) == (session["device"], session["network"], session["is_current"])
