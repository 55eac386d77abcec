"""``access.continue_navigation`` with every kind of token and mount, and where it cannot work."""

from urllib.parse import quote

import pytest

from app_reports import WORLDS
from login_site import LoginSite
from navigating_person import ACCESS, Person
from safeconduct import Auth, Config, ConfigurationError

HALF, LIFE, DAY = 451, 900, 86_400
ON = {"continue_navigation": True}


@pytest.fixture(params=WORLDS)
def site(request):
    """A site that leads people on."""
    made = LoginSite(request.param, access=ON)
    yield made
    made.close()


@pytest.mark.parametrize("world", WORLDS)
def test_it_works_where_nothing_is_remembered(world):
    """Every token is proven anew, and every navigation past half-life asks the store."""
    made = LoginSite(world, access=ON, tokens={"remembered": 0}, sessions={"short_absolute_lifetime_seconds": LIFE})
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)

    assert [200, 200] == [person.one("/orders").status for _ in range(2)]
    made.close()


@pytest.mark.parametrize("world", WORLDS)
def test_it_works_at_the_root(world):
    """``endpoints.prefix = ""`` puts it at ``/continue``."""
    made = LoginSite(world, access=ON, endpoints={"prefix": ""})
    person = Person(made, prefix="")
    person.sign_in()
    made.clock.advance(seconds=HALF)

    assert person.navigate("/orders") == 200
    assert ["/orders", "/continue?next=/orders", "/orders"] == person.steps
    made.close()


@pytest.mark.parametrize("world", WORLDS)
def test_it_works_with_opaque_tokens(world):
    """A reference is a token like any other."""
    made = LoginSite(world, access=ON, tokens={"format": "opaque"})
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)
    before = person.cookies[ACCESS]

    assert person.navigate("/orders") == 200
    assert before != person.cookies[ACCESS]
    made.close()


def test_the_sign_in_page_of_the_application_is_never_left(site):
    """A person who opens it wants to sign in."""
    made = LoginSite(site.world, access={**ON, "sign_in_url": "/login"}, endpoints={"pages": True})
    person = Person(made)
    assert person.sign_in(remember="true") == 303
    made.clock.advance(seconds=DAY)

    assert person.one("/login").status == 200
    assert person.navigate("/orders") == 200
    assert ["/orders", "/auth/continue?next=/orders", "/orders"] == person.steps
    made.close()


@pytest.mark.parametrize("world", WORLDS)
def test_a_click_on_an_unsafe_page_is_not_led_away(world):
    """No page of ours would lead back to it; the token is renewed with the next page."""
    made = LoginSite(world, access={**ON, "rules": [{"path": "/delete", "unsafe": True}]}, csrf={"token": "fallback"})
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)

    assert (person.navigate("/delete", "same-origin"), ["/delete"]) == (200, person.steps)
    assert (person.navigate("/orders", "same-origin"), 3) == (200, len(person.steps))
    made.close()


def test_without_the_option_nothing_is_renewed_by_the_way(site):
    """Mission L2, and no part of it is on the path of a request."""
    made = LoginSite(site.world, access={**ON, "continue_navigation": False})
    person = Person(made)
    person.sign_in(remember="true")
    made.clock.advance(seconds=HALF)

    assert person.one("/orders").status == 200
    made.clock.advance(seconds=DAY)
    person.navigate("/orders")
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps
    gate = made.auth.asgi_gate() if made.world == "asgi" else made.auth.wsgi_gate()
    assert type(gate.fast_path).__name__ == "FastPath"
    made.close()


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"store": "none"}, "a store"),
        ({"sources": ["bearer"]}, '"cookie" among the sources'),
        ({"cookies": {"mode": "off"}}, "cookies.mode other than off"),
        ({"endpoints": {"enabled": False}}, "endpoints.enabled other than false"),
    ],
    ids=str,
)
def test_where_it_cannot_work_the_configuration_says_so(fields, wanted):
    """At once, and by name."""
    with pytest.raises(ConfigurationError, match=f"access.continue_navigation: got True, wanted {wanted}, or false"):
        LoginSite("asgi", access={"continue_navigation": True}, **fields)


def test_without_anyone_who_signs_in_it_is_refused(site):
    """There are endpoints only where someone can."""
    config = Config.from_mapping(
        {"store": "memory://", "sources": ["cookie"], "access": {"continue_navigation": True}, "issuer": "a",
         "audience": "a", "external_url": "https://app.example", "keys": site.auth.config.keys}
    )  # fmt: skip
    with Auth(config) as auth, pytest.raises(ConfigurationError, match=r"access\.continue_navigation"):
        auth.wsgi(lambda _environ, _start: [])


def test_the_name_of_its_cookie_is_taken():
    """A refresh cookie must not be mistaken for it."""
    with pytest.raises(ConfigurationError, match=r"cookies\.refresh"):
        LoginSite("asgi", cookies={"access": "a", "refresh": "a-continued", "device": "d", "secure": False})


@pytest.mark.parametrize("prefix", ["/shop", "/süß"])
@pytest.mark.parametrize("world", WORLDS)
def test_it_works_below_a_mount(world, prefix, monkeypatch):
    """``root_path`` and ``SCRIPT_NAME`` are part of every place that a person is led to."""
    made = LoginSite(world, access=ON)
    mounted = quote(prefix)
    serve = made.application

    def below(entries, *rest):
        if world == "asgi":
            return serve({**entries, "root_path": prefix}, *rest)
        path, name = entries["PATH_INFO"], prefix.encode().decode("latin-1")
        return serve({**entries, "SCRIPT_NAME": name, "PATH_INFO": path.removeprefix(name)}, *rest)

    monkeypatch.setattr(made, "application", below)
    person = Person(made, prefix=f"{mounted}/auth")
    assert person.sign_in() == 303
    made.clock.advance(seconds=HALF)

    assert person.navigate(f"{mounted}/orders") == 200
    wished = quote(f"{mounted}/orders", safe="/")
    assert [f"{mounted}/orders", f"{mounted}/auth/continue?next={wished}", f"{mounted}/orders"] == person.steps
    made.clock.advance(seconds=LIFE)
    person.navigate(f"{mounted}/orders", "cross-site")
    assert f"{mounted}/auth/sign-in?next={wished}" == person.steps[-1]
    made.close()
