"""Any input makes a configuration or one ``ConfigurationError``."""

import json
from contextlib import suppress
from dataclasses import asdict, fields

from hypothesis import given
from hypothesis import strategies as st

from minimal_config import TRUST, minimal_fields
from safeconduct.config import Client, Config, Rule, StoreConfig, Trust
from safeconduct.config.fields import ListOf
from safeconduct.config.loading import variables
from safeconduct.config.sections import Section, field_types_of
from safeconduct.errors import ConfigurationError

NAMES = sorted({field.name for cls in (Config, StoreConfig, Rule, Trust) for field in fields(cls)} | {
    inner for kind in field_types_of(Config).values() if isinstance(kind, Section) for inner in field_types_of(kind.cls)
})  # fmt: skip
WORDS = ["jws", "none", "ES256", "memory://", "redis://h", "/a/{b}", "GET /x", "{sub}", "https://a", "strict", "bearer"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS) | st.binary()
keys = st.sampled_from(NAMES) | st.text() | st.integers() | st.none()
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=20
)


def made(mapping):
    """Return the configuration, or None if it is refused."""
    try:
        return Config.from_mapping(mapping)
    except ConfigurationError:
        return None


@given(junk)
def test_junk_raises_nothing_else(mapping):
    """A value of any shape raises nothing but ``ConfigurationError``."""
    assert made(mapping) is None or isinstance(made(mapping), Config)


@given(st.dictionaries(st.sampled_from([field.name for field in fields(Config)]), junk, max_size=4))
def test_junk_in_a_right_configuration_raises_nothing_else(some):
    """The same holds where all else is valid, so that the cross-checks run."""
    assert made(minimal_fields(**some)) is None or isinstance(made(minimal_fields(**some)), Config)


@given(st.dictionaries(st.sampled_from([field.name for field in fields(Trust)]), junk, max_size=3))
def test_junk_in_lists_of_tables_raises_nothing_else(some):
    """The same holds in the tables of a list."""
    fields = minimal_fields(trust=[TRUST, {**TRUST, **some}], access={"rules": [{"path": "/a"}, some]})

    assert made(fields) is None or isinstance(made(fields), Config)


@given(st.text())
def test_any_text_as_a_file_raises_nothing_else(text):
    """The same holds for a document that is not TOML."""
    with suppress(ConfigurationError):
        Config.from_toml(f"[safeconduct]\n{text}")


@given(st.dictionaries(st.sampled_from(sorted(variables())), st.sampled_from(WORDS) | st.text(), max_size=4))
def test_any_text_in_a_variable_raises_nothing_else(environ):
    """The same holds for any environment."""
    with suppress(ConfigurationError):
        Config.load(environ=environ)


configurations = st.fixed_dictionaries(
    {
        "store": st.sampled_from(["memory://", "none", "redis://h:6379/0"]),
        "issuer": st.just("https://api.example.com"),
        "audience": st.just("https://api.example.com"),
        "keys": st.sampled_from(["keys/", "env:KEYS"]),
    },
    optional={
        "external_url": st.just("https://api.example.com"),
        "sources": st.lists(st.sampled_from(["bearer", "basic", "subprotocol"]), min_size=1, unique=True),
        "tokens": st.fixed_dictionaries(
            {}, optional={"leeway_seconds": st.integers(0, 60), "format": st.sampled_from(["jws", "jwe"])}
        ),
        "access": st.fixed_dictionaries(
            {}, optional={"public": st.lists(st.sampled_from(["/a", "GET /b"])), "rules": st.just([{"path": "/c"}])}
        ),
        "trust": st.just([dict(TRUST)]),
        "login": st.just({"users": "/etc/users.json"}),
    },
)


@given(configurations)
def test_a_configuration_comes_back_from_its_own_fields(mapping):
    """`asdict` of a configuration creates an equal one."""
    config = Config.from_mapping(mapping)

    assert config == Config.from_mapping(asdict(config))
    assert config == Config(**{field.name: getattr(config, field.name) for field in fields(config)})


@given(configurations)
def test_a_file_and_the_environment_say_the_same(mapping):
    """The same fields in TOML and in variables create equal configurations."""
    environ = {
        f"SAFECONDUCT_{name}".upper(): value if isinstance(value, str) else toml(value)
        for name, value in mapping.items()
    }
    document = f"safeconduct = {toml(mapping)}"

    assert Config.from_mapping(mapping) == Config.from_toml(document) == Config.load(environ=environ)


def toml(value):
    """Return *value* in TOML, where a string is written as in JSON."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {toml(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


def test_every_default_is_a_right_value():
    """Every section can be created from its own fields."""
    for kind in field_types_of(Config).values():
        inner = kind.kind if isinstance(kind, ListOf) else kind
        if isinstance(inner, Section) and inner.cls not in {StoreConfig, Trust, Client}:
            assert inner.cls() == inner.cls()
