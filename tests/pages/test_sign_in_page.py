"""The page on which a person signs in, or sees that they have."""

import html

import pytest

from login_site import ACCESS, DEVICE, REFRESH
from memory_directory import MemoryDirectory
from page_reader import PAGE_FIELDS, PageReader
from safeconduct import Account


def test_it_asks_for_a_name_and_a_password(reader):
    """The fields have labels, and say to a password manager what they are for."""
    browser = reader(endpoints={"title": "The shop"})

    assert 200 == browser.open("/auth/sign-in?next=/orders%3Fpage=2")

    page = browser.page
    [form] = page.forms
    assert "Sign in · The shop" == page.title
    assert ("post", "/auth/login") == (form.method, form.action)
    assert {"next": "/orders?page=2"} == form.values
    assert ["next", "username", "password", "remember"] == list(form.inputs)
    assert ("username", "current-password") == tuple(
        form.inputs[name]["autocomplete"] for name in ("username", "password")
    )
    assert "password" == form.inputs["password"]["type"]
    assert ("checkbox", "true") == (form.inputs["remember"]["type"], form.inputs["remember"]["value"])
    assert "checked" not in form.inputs["remember"]
    labels = [f'for="{name}"' for name in ("username", "password", "remember")]
    assert all(label in browser.response.body.decode() for label in labels)
    assert "script" not in page.tags


def test_it_has_the_fields_of_a_page_that_asks_for_a_password(reader):
    """No cache keeps it, nothing frames it, and it loads and runs nothing."""
    browser = reader()

    browser.open("/auth/sign-in")

    assert PAGE_FIELDS == {name: value for name, value in browser.response.fields if name in PAGE_FIELDS}
    assert () == browser.response.values("set-cookie")
    assert b'content="light dark"' in browser.response.body
    assert b"<title>Sign in</title>" in browser.response.body


def test_head_gets_its_fields(reader):
    browser = reader()
    browser.open("/auth/sign-in?next=/me")
    fields = browser.response.fields

    assert 200 == browser.open("/auth/sign-in?next=/me", method="HEAD")

    assert (fields, b"") == (browser.response.fields, browser.response.body)


def test_another_method_is_refused(reader):
    assert 405 == reader().post("/auth/sign-in", {})


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("invalid_credentials", "The user name or the password is wrong."),
        ("too_many_attempts", "There were too many failed attempts. Try again later."),
        ("unavailable", "Nobody can sign in at the moment. Try again later."),
    ],
)
def test_it_says_what_went_wrong(reader, error, text):
    """A screen reader announces it."""
    browser = reader()

    assert 200 == browser.open(f"/auth/sign-in?error={error}")

    assert f'<p role="alert">{text}</p>' in browser.response.body.decode()


@pytest.mark.parametrize("error", ["", "nonsense", "<script>alert(1)</script>", "INVALID_CREDENTIALS", "Call+555-0199"])
def test_it_says_nothing_that_a_link_may_put_into_its_mouth(reader, error):
    """Only the values that we send ourselves have a text, and none is shown as it came."""
    browser = reader()
    browser.open("/auth/sign-in")
    usual = browser.response.body

    assert 200 == browser.open(f"/auth/sign-in?error={error}")

    assert usual == browser.response.body


def test_a_person_who_is_signed_in_sees_who_they_are(reader):
    """The page never redirects by itself, and offers the way on and the way out."""
    browser = reader()
    browser.sign_in()

    assert 200 == browser.open("/auth/sign-in?next=/orders%3Fa=1%26b=2&error=invalid_credentials")

    page = browser.page
    assert "You are signed in as alice." in page.text
    assert "wrong" not in page.text
    assert ["/orders?a=1&b=2"] == page.links
    [form] = page.forms
    assert "/auth/logout" == form.action
    assert ["csrf_token"] == list(form.inputs)
    assert 303 == browser.submit(form)
    assert browser.cookies.keys() == {DEVICE}


def test_the_token_of_its_form_differs_each_time(reader):
    """A part of the page comes from the link, and a proxy may compress it (BREACH)."""
    browser = reader()
    browser.sign_in()

    tokens = set()
    for _ in range(3):
        browser.open("/auth/sign-in")
        tokens.add(browser.page.forms[0].values["csrf_token"])

    assert 3 == len(tokens)


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer nonsense")],
        [("authorization", "Basic nonsense")],
        [("cookie", f"{ACCESS}=nonsense")],
        [("cookie", f"{ACCESS}=a; {ACCESS}=b")],
        [("cookie", f"{REFRESH}=nonsense")],
    ],
    ids=str,
)
def test_no_stale_credential_hides_the_form(reader, headers):
    browser = reader()

    assert 200 == browser.open("/auth/sign-in", headers=headers)

    assert "/auth/login" == browser.page.forms[0].action


def test_a_token_in_a_header_signs_no_page_in(reader):
    """The page is for the cookies of a browser."""
    browser = reader()
    token = browser.site.auth.sessions.sign_in(Account("alice")).access_token

    browser.open("/auth/sign-in", headers=[("authorization", f"Bearer {token}")])

    assert "/auth/login" == browser.page.forms[0].action


def test_a_session_that_is_over_gets_the_form(reader):
    browser = reader()
    browser.sign_in()
    browser.site.auth.sessions.sign_out_everywhere("alice")

    browser.open("/auth/sign-in")

    assert "/auth/login" == browser.page.forms[0].action


def test_it_names_a_person_by_their_display_name(reader):
    """Markup in a name is text."""
    directory = MemoryDirectory(alice="wonder")
    directory.accounts["alice"] = Account("alice", display_name='<b onclick="x">Alice</b>&')
    browser = reader(directory=directory)
    browser.sign_in()

    browser.open("/auth/sign-in")

    assert f"<strong>{html.escape(directory.accounts['alice'].display_name)}</strong>" in browser.response.body.decode()
    assert "b" not in browser.page.tags


def test_markup_in_its_title_is_text(reader):
    browser = reader(endpoints={"title": "</title><script>x</script>"})

    browser.open("/auth/sign-in")

    assert "script" not in browser.page.tags
    assert "Sign in · </title><script>x</script>" == browser.page.title


@pytest.mark.parametrize("query", ["next=/a&next=/b", "error=x&error=y", "next=%ff"])
def test_a_query_that_is_ambiguous_is_refused(reader, query):
    browser = reader()

    assert 400 == browser.open(f"/auth/sign-in?{query}")

    assert "malformed or ambiguous" in browser.page.text


@pytest.mark.parametrize("root_path", ["/shop", "/caf\u00e9"])
def test_below_a_mount_everything_stays_below_it(make, root_path):
    """The forms, the redirections and the way on have its prefix."""
    browser = PageReader(make(), root_path=root_path)
    encoded = root_path.replace("\u00e9", "%C3%A9")

    assert 303 == browser.open(f"{encoded}/me?a=1")
    assert browser.location.startswith(f"{encoded}/auth/sign-in?next={encoded.replace('%', '%25')}/me%3Fa%3D1")
    assert 200 == browser.open(browser.location)
    [form] = browser.page.forms
    assert f"{encoded}/auth/login" == form.action
    assert 303 == browser.submit(username="alice", password="wonder")
    assert f"{encoded}/me?a=1" == browser.location
    assert 200 == browser.open(browser.location)
    browser.open(f"{encoded}/auth/sign-in")
    assert [f"{encoded}/"] == browser.page.links
    assert 303 == browser.submit()
    assert f"{encoded}/auth/sign-in" == browser.location


def test_without_a_prefix_it_is_at_the_root(reader):
    browser = reader(endpoints={"prefix": ""})

    assert 303 == browser.open("/me")
    assert "/sign-in?next=/me" == browser.location
    browser.open(browser.location)
    assert "/login" == browser.page.forms[0].action


@pytest.mark.parametrize(
    ("fields", "is_served"),
    [
        ({}, True),
        ({"endpoints": {"pages": True}}, True),
        ({"endpoints": {"pages": False}}, False),
        ({"endpoints": {"prefix": "/account"}}, False),
        ({"sources": ["bearer"]}, False),
        ({"cookies": {"mode": "off"}}, False),
        ({"endpoints": {"enabled": False}}, False),
        ({"directory": False}, False),
        ({"access": {"sign_in_url": "/auth/sign-in"}}, True),
        ({"access": {"sign_in_url": "/hello"}}, False),
        ({"access": {"sign_in_url": "/hello"}, "endpoints": {"pages": True}}, False),
    ],
    ids=str,
)
def test_it_is_served_where_it_can_work(reader, fields, is_served):
    """Where it is not, the path is the application's."""
    browser = reader(**fields)

    assert is_served == browser.site.application._gate.endpoints.owns("GET", "/auth/sign-in")
    links = {("sign-in", "/auth/sign-in")} if is_served else set()
    browser.client.request("GET", "/auth/session")
    if browser.client.response.status == 200 and browser.client.response.report is None:
        shown = {(each["rel"], each["href"]) for each in browser.client.json["links"]}
        assert links == {each for each in shown if each[0] == "sign-in"}
