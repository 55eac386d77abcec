"""Check every field by itself, and name it in the error."""

from dataclasses import fields
from pathlib import Path

import pytest

import safeconduct.config
from field_values import RIGHT, WRONG, WRONG_IN_WHOLE
from minimal_config import TRUST, errors_by_field, errors_of, minimal_fields
from safeconduct.config import (
    AccessConfig,
    BasicConfig,
    Client,
    Config,
    CookieConfig,
    CsrfConfig,
    EndpointConfig,
    Link,
    LoginConfig,
    ProxyConfig,
    RevocationConfig,
    Rule,
    SessionConfig,
    StoreConfig,
    TokenConfig,
    Trust,
)
from safeconduct.errors import ConfigurationError

SECTIONS = {
    "access": AccessConfig,
    "tokens": TokenConfig,
    "sessions": SessionConfig,
    "revocation": RevocationConfig,
    "cookies": CookieConfig,
    "csrf": CsrfConfig,
    "basic": BasicConfig,
    "login": LoginConfig,
    "endpoints": EndpointConfig,
    "proxies": ProxyConfig,
}
CLIENT = {"client_id": "reports", "secret": "env:REPORTS_SECRET"}
LINK = {"rel": "pay", "method": "POST", "path": "/payments"}
REQUIRED = {
    "rule": {"path": "/"},
    "store": {"url": "memory://"},
    "trust": dict(TRUST),
    "client": dict(CLIENT),
    "link": dict(LINK),
}


def class_of(section):
    items = {"rule": Rule, "store": StoreConfig, "trust": Trust, "client": Client, "link": Link}
    return items.get(section) or SECTIONS[section]


def nested_fields(section, field, value):
    """Return the fields of a whole configuration with *value* in it, and the dotted name of its section."""
    inner = {**REQUIRED.get(section, {}), field: value}
    if section == "rule":
        return minimal_fields(access={"rules": [inner]}), "access.rules[0]"
    if section == "trust":
        return minimal_fields(trust=[inner]), "trust[0]"
    if section == "link":
        return minimal_fields(access={"links": [inner]}), "access.links[0]"
    if section == "client":
        return minimal_fields(clients=[inner]), "clients[0]"
    return minimal_fields(**{section: inner}), section


def _is_about(name, field):
    return name == field or name.startswith((f"{field}[", f"{field}."))


@pytest.mark.parametrize(("section", "field", "value"), RIGHT, ids=str)
def test_a_right_value_is_kept(section, field, value):
    """A valid value is stored as it was given."""
    given = {**REQUIRED.get(section, {}), field: list(value) if isinstance(value, tuple) else value}

    made = class_of(section)(**given)

    assert value == getattr(made, field)


@pytest.mark.parametrize(("section", "field", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_the_section(section, field, value):
    """A section that is created alone is checked, and the error names the field."""
    with pytest.raises(ConfigurationError) as caught:
        class_of(section)(**{**REQUIRED.get(section, {}), field: value})

    names = errors_by_field(caught.value)
    assert 1 == len(names)
    assert all(_is_about(name, f"{section}.{field}") for name in names)


@pytest.mark.parametrize(("section", "field", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_the_whole(section, field, value):
    """The same value inside a table gets the same message under its full name."""
    given, prefix = nested_fields(section, field, value)

    names = errors_of(given)

    assert 1 == len(names)
    assert all(_is_about(name, f"{prefix}.{field}") for name in names)


@pytest.mark.parametrize(("field", "value"), WRONG_IN_WHOLE, ids=str)
def test_a_wrong_field_of_the_whole_is_refused(field, value):
    """Fields outside of sections are checked too."""
    names = errors_of(minimal_fields(**{field: value}))

    assert 1 == len(names)
    assert all(_is_about(name, field) for name in names)


@pytest.mark.parametrize(
    "origin",
    [
        "https://api.example.com",
        "https://API.example.com:8443",
        "http://localhost",
        "http://LOCALHOST:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://[2001:db8::1]",
    ],
)
def test_an_external_url_is_an_origin(origin):
    """Only https is accepted, and http on this machine."""
    assert origin == Config.from_mapping(minimal_fields(external_url=origin)).external_url


def test_the_table_has_a_wrong_value_for_every_field():
    """Every field is checked."""
    tried = {(section, field) for section, field, _ in WRONG}

    classes = {**SECTIONS, "rule": Rule, "store": StoreConfig, "trust": Trust, "client": Client, "link": Link}
    missing = {(name, field.name) for name, cls in classes.items() for field in fields(cls)} - tried

    assert set() == missing


def test_every_wrong_field_is_named_at_once():
    """One error has a line for each field, with the value seen and the value wanted."""
    names = errors_of(
        minimal_fields(
            store="redis://",
            tokens={"format": "jwt", "leeway_seconds": 99},
            access={"rules": [{"path": "/a"}, {"path": "b", "scope": ["x"]}]},
            cookies={"secure": False},
            trust=[{"issuer": "a"}],
        )
    )

    assert {
        "store.url",
        "tokens.format",
        "tokens.leeway_seconds",
        "access.rules[1].path",
        "access.rules[1].scope",
        "cookies.access",
        "cookies.refresh",
        "cookies.device",
        "trust[0].audience",
        "trust[0].algorithms",
        "trust[0].keys",
    } == set(names)
    assert "got 99, wanted a whole number from 0 to 60" == names["tokens.leeway_seconds"]
    assert "unknown, the nearest is 'scopes'" == names["access.rules[1].scope"]
    assert names["trust[0].audience"].startswith("got nothing, wanted")


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        (minimal_fields(acces={}), "acces", "unknown, the nearest is 'access'"),
        (minimal_fields(tokens={"formatt": 1}), "tokens.formatt", "unknown, the nearest is 'format'"),
        (minimal_fields(tokens={"Format": 1}), "tokens.Format", "unknown, the nearest is 'format'"),
        (minimal_fields(tokens={"zzz": 1}), "tokens.zzz", "unknown"),
        (minimal_fields(tokens={"a\nb": 1}), "tokens.'a\\nb'", "unknown"),
        (minimal_fields(tokens={"x" * 100: 1}), f"tokens.'{'x' * 39}…'", "unknown"),
        (minimal_fields(tokens={None: 1}), "tokens.None", "unknown"),
        (minimal_fields(tokens={5: 1}), "tokens.5", "unknown"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(given, name, expected):
    """A misspelt field is never ignored."""
    assert {name: expected} == errors_of(given)


def test_a_missing_store_is_named():
    """There is no default store."""
    assert {"store"} == set(errors_of({key: value for key, value in minimal_fields().items() if key != "store"}))


def test_sections_are_taken_as_they_are_as_tables_and_short():
    """A section, a table of its fields, and a URL for the store create the same configuration."""
    long = Config(
        store=StoreConfig(url="memory://"),
        keys=Path("keys"),
        issuer="a",
        audience="b",
        tokens=TokenConfig(format="jwe"),
        access=AccessConfig(public=("/a",), rules=(Rule(path="/b"),)),
        trust=(Trust(**TRUST),),
    )

    short = Config(
        store="memory://",
        keys=Path("keys"),
        issuer="a",
        audience="b",
        tokens={"format": "jwe"},
        access={"public": ["/a"], "rules": [{"path": "/b"}]},
        trust=[dict(TRUST)],
    )

    assert long == short


def test_numbers_are_read_into_their_type():
    """An integer is a valid number."""
    made = RevocationConfig(staleness_seconds=2)

    assert "2.0" == repr(made.staleness_seconds)


def test_tables_are_copied():
    """A configuration does not change with the mapping that it was created from."""
    roles = {"a": "b"}
    made = Trust(**TRUST, roles=roles)

    roles["c"] = "d"

    assert {"a": "b"} == made.roles


@pytest.mark.parametrize(
    ("url", "revocation", "expected"),
    [
        ("none", {}, "none"),
        ("none", {"consistency": "none"}, "none"),
        ("memory://", {}, "bounded"),
        ("memory://", {"consistency": "strict"}, "strict"),
        ("memory://", {"consistency": "none"}, "none"),
    ],
)
def test_the_consistency_that_holds(url, revocation, expected):
    """Without a store consistency is none; with one it is checked, unless configured otherwise."""
    assert expected == Config.from_mapping(minimal_fields(store=url, revocation=revocation)).consistency


def test_the_public_names_are_complete_and_sorted():
    """Every section can be imported from one place."""
    names = safeconduct.config.__all__

    assert sorted(names) == names
    assert {cls.__name__ for cls in (*SECTIONS.values(), Config, Rule, StoreConfig, Trust)} <= set(names)


def test_d7_a_name_that_is_no_field_is_reported_with_everything_else_that_is_wrong():
    """The message is that of `from_mapping`, without the value, which may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        Config(secret_key="hunter2", isuer="x", sources=["bearer", "telepathy"])

    assert {"secret_key", "isuer", "sources[1]", "store"} == errors_by_field(caught.value).keys()
    assert 'wanted a table, or its url as a text: store = "redis://' in errors_by_field(caught.value)["store"]
    assert "unknown, the nearest is 'issuer'" == errors_by_field(caught.value)["isuer"]
    assert "in Config(…)" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "section", [*SECTIONS.values(), Rule, StoreConfig, Trust], ids=lambda section: section.__name__
)
def test_d7_so_it_is_in_every_section(section):
    """Positional values are refused, too."""
    for given in (lambda: section(secret_key="hunter2"), lambda: section("hunter2"), lambda: section({"a": "hunter2"})):
        with pytest.raises(ConfigurationError, match=rf"in {section.__name__}\(…\)") as caught:
            given()
        assert "hunter2" not in str(caught.value)


def test_d7_a_mapping_without_a_name_is_refused():
    """The error of ``Config({…})`` suggests ``Config.from_mapping({…})``."""
    with pytest.raises(ConfigurationError, match="got a table, wanted every field by its name"):
        Config(minimal_fields())


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("/static/*", "/static/{rest...}"),
        ("/static/**", "/static/{rest...}"),
        ("/static/{p:path}", "/static/{p...}"),
        ("/static/<path:p>", "/static/{p...}"),
        ("/static/.*", "/static/{rest...}"),
        ("^/static/.*$", "/static/{rest...}"),
        ("/static/{*tail}", "/static/{tail...}"),
        ("/static/:p*", "/static/{p...}"),
        ("static/{rest...}", "/static/{rest...}"),
        ("/users/<int:id>", "/users/{id}"),
        ("/users/<id>/x", "/users/{id}/x"),
        ("/users/{id:int}", "/users/{id}"),
        ("/users/{id:int}/", "/users/{id}/"),
        ("/caf%C3%A9", "/caf\u00e9"),
    ],
)
def test_d13_a_template_of_another_framework_is_shown_as_it_is_written_here(text, here):
    """This holds in rules and in public entries."""
    rule = errors_of(minimal_fields(access={"rules": [{"path": text}]}))["access.rules[0].path"]
    public = errors_of(minimal_fields(access={"public": [f"get {text}"]}))["access.public[0]"]

    assert f"got {text!r} (here: {here!r}), wanted a path template" in rule
    assert f"got 'get {text}' (here: 'GET {here}'), wanted an optional method and a path template" in public
    Rule(path=here)


@pytest.mark.parametrize("text", ["/a/*/b", "/{p:path}/b", "/a/{x}{y}", "//", "/a?b", "/{rest...}/x", "/<>"])
def test_d13_what_has_no_spelling_here_gets_no_hint(text):
    """Every hint is a valid template."""
    assert "(here:" not in errors_of(minimal_fields(access={"rules": [{"path": text}]}))["access.rules[0].path"]
