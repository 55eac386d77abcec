"""Load a file with the environment over it, and report what is wrong with either."""

import logging
import os
from pathlib import Path

import pytest

from minimal_config import ISSUER, errors_by_field
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError

TOML = f"""
[safeconduct]
issuer = "{ISSUER}"
audience = "{ISSUER}"
keys = "keys/"
store = "memory://"

[safeconduct.tokens]
format = "jws"
leeway_seconds = 5
"""
BASE = {
    "SAFECONDUCT_ISSUER": ISSUER,
    "SAFECONDUCT_AUDIENCE": ISSUER,
    "SAFECONDUCT_KEYS": "keys",
    "SAFECONDUCT_STORE": "memory://",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_named_file_is_read(folder):
    """A path takes precedence over the variable and the default file."""
    (folder / "a.toml").write_text(TOML)
    (folder / "safeconduct.toml").write_text("broken")

    config = Config.load("a.toml", environ={"SAFECONDUCT_CONFIG": "missing.toml"})

    assert 5 == config.tokens.leeway_seconds


def test_the_variable_names_the_file(folder):
    """`SAFECONDUCT_CONFIG` takes precedence over the default file."""
    (folder / "a.toml").write_text(TOML)
    (folder / "safeconduct.toml").write_text("broken")

    config = Config.load(environ={"SAFECONDUCT_CONFIG": str(folder / "a.toml")})

    assert 5 == config.tokens.leeway_seconds


def test_the_default_file_is_read(folder):
    """`safeconduct.toml` in the working directory needs no name; a byte order mark harms nothing."""
    (folder / "safeconduct.toml").write_text("\ufeff" + TOML, "utf-8")

    assert 5 == Config.load(environ={}).tokens.leeway_seconds


def test_the_environment_is_enough():
    """Without a file the variables alone make a configuration."""
    assert ISSUER == Config.load(environ={**BASE, "PATH": "/bin"}).issuer


def test_the_environment_of_the_process_is_the_default(monkeypatch):
    """Without an argument `os.environ` is read."""
    for name in [name for name in os.environ if name.startswith("SAFECONDUCT_")]:
        monkeypatch.delenv(name)
    for name, value in BASE.items():
        monkeypatch.setenv(name, value)

    assert ISSUER == Config.load().issuer


def test_without_a_file_the_error_says_so():
    """In another folder the error says how to name the file."""
    with pytest.raises(ConfigurationError) as caught:
        Config.load(environ={})

    head = str(caught.value).splitlines()[0]
    assert "wrong configuration, and no safeconduct.toml in the working directory" in head
    assert "SAFECONDUCT_CONFIG, Config.load(path)" in head
    assert "store" in errors_by_field(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", "", ".", "a\0b", "dangling.toml", "latin.toml"])
def test_a_named_file_that_cannot_be_read_is_an_error(folder, name):
    """A file that was named is never ignored."""
    (folder / "dangling.toml").symlink_to("nowhere")
    (folder / "latin.toml").write_bytes(b"\xff")

    with pytest.raises(ConfigurationError, match="wanted a readable TOML file"):
        Config.load(environ={**BASE, "SAFECONDUCT_CONFIG": name})


def test_a_default_file_that_is_a_dangling_link_is_an_error(folder):
    """Ignoring it would load another configuration than the intended one."""
    (folder / "safeconduct.toml").symlink_to("nowhere")

    with pytest.raises(ConfigurationError, match="wanted a readable TOML file"):
        Config.load(environ=BASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[safeconduct\n", "at line 1, column"),
        ("[safeconduct]\nissuer = \n", "at line 2, column"),
        ('[safeconduct]\nissuer = "', "at line 2, the end of the document"),
        ("[safeconduct]\nx = " + "1" * 5000, "beyond every bound"),
        ("[safeconduct]\nx = " + "[" * 5000, "beyond every bound"),
    ],
)
def test_what_is_no_toml_is_reported_with_its_file_and_line(folder, text, expected):
    """The error has the parser's message; no other exception is raised."""
    (folder / "a.toml").write_text(text)

    with pytest.raises(ConfigurationError, match=r"wrong configuration in a\.toml") as caught:
        Config.load("a.toml", environ={})

    assert expected in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "safeconduct"),
        ("safeconduct = 5", "safeconduct"),
        ("[[safeconduct]]", "safeconduct"),
        ("[safeconduct]\n[access]\ndefault = 'anonymous'", "'access'"),
    ],
)
def test_the_table_is_the_only_one(text, name):
    """Otherwise a misplaced table, such as a rule, would be ignored."""
    with pytest.raises(ConfigurationError) as caught:
        Config.from_toml(text)

    assert [name] == list(errors_by_field(caught.value))


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [("safe-conduct", True), ("Safeconduct", True), ("safeconducts", True), ("access", False), ("safety", False)],
)
def test_a_mistyped_table_is_recognised(name, is_meant):
    with pytest.raises(ConfigurationError) as caught:
        Config.from_toml(f'[{name}]\nstore = "memory://"')

    [problem] = errors_by_field(caught.value).values()
    assert is_meant == problem.endswith("wanted below it, or in another file; did you mean [safeconduct]?")


def test_relative_paths_start_from_the_file(folder):
    """A process finds the same files wherever it is started."""
    (folder / "etc").mkdir()
    (folder / "etc" / "a.toml").write_text(
        TOML + '[safeconduct.login]\nusers = "users.json"\n'
        '[[safeconduct.trust]]\nissuer = "a"\naudience = "b"\nalgorithms = ["ES256"]\nkeys = "idp.json"\n'
    )

    config = Config.load(Path("etc/a.toml"), environ={})

    assert str(folder / "etc" / "keys") == config.keys
    assert folder / "etc" / "users.json" == config.login.users
    assert str(folder / "etc" / "idp.json") == config.trust[0].keys


def test_absolute_paths_and_names_of_variables_stay(tmp_path):
    """Only relative paths are resolved."""
    mapping = {
        "store": "none",
        "issuer": "a",
        "audience": "a",
        "keys": "env:KEYS",
        "login": {"users": "/etc/users.json"},
    }

    config = Config.from_mapping(mapping, base=tmp_path)

    assert "env:KEYS" == config.keys
    assert Path("/etc/users.json") == config.login.users


def test_a_path_in_code_stays_a_path(tmp_path):
    """A `Path` is resolved like a string, and stays as it is without a base."""
    mapping = {"store": "none", "issuer": "a", "audience": "a", "keys": Path("keys"), "login": {"users": "u"}}

    assert tmp_path / "keys" == Config.from_mapping(mapping, base=tmp_path).keys
    assert Path("keys") == Config.from_mapping(mapping).keys
    assert Path("u") == Config.from_mapping(mapping).login.users


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("SAFECONDUCT_TOKENS__FORMAT", "jwe", lambda config: config.tokens.format == "jwe"),
        ("SAFECONDUCT_TOKENS__LEEWAY_SECONDS", "7", lambda config: config.tokens.leeway_seconds == 7),
        ("SAFECONDUCT_TOKENS", "{leeway_seconds = 7}", lambda config: config.tokens.leeway_seconds == 7),
        ("SAFECONDUCT_TOKENS", "{remembered = 7}", lambda config: config.tokens.leeway_seconds == 5),
        (
            "SAFECONDUCT_SESSIONS__REFRESH_GRACE_SECONDS",
            " 9 ",
            lambda config: config.sessions.refresh_grace_seconds == 9,
        ),
        ("SAFECONDUCT_REVOCATION__STALENESS_SECONDS", "0.5", lambda config: config.revocation.staleness_seconds == 0.5),
        ("SAFECONDUCT_COOKIES__SAME_SITE", "strict", lambda config: config.cookies.same_site == "strict"),
        ("SAFECONDUCT_BASIC__ALLOW_PLAIN_HTTP", "true", lambda config: config.basic.allow_plain_http is True),
        ("SAFECONDUCT_ACCESS__PUBLIC", '["/a",\n "/b"]', lambda config: config.access.public == ("/a", "/b")),
        ("SAFECONDUCT_ACCESS__SIGN_IN_URL", "/login", lambda config: config.access.sign_in_url == "/login"),
        ("SAFECONDUCT_ACCESS__RULES", '[{path = "/a"}]', lambda config: config.access.rules[0].path == "/a"),
        ("SAFECONDUCT_STORE", "none", lambda config: config.store.url == "none"),
        ("SAFECONDUCT_STORE__SHARDS", "3", lambda config: (config.store.url, config.store.shards) == ("memory://", 3)),
        ("SAFECONDUCT_STORE__URL", "none", lambda config: config.store.url == "none"),
        ("SAFECONDUCT_LOGIN__USERS", "u.json", lambda config: config.login.users.name == "u.json"),
        ("SAFECONDUCT_ISSUER", "12", lambda config: config.issuer == "12"),
        ("SAFECONDUCT_KEYS", "env:X", lambda config: config.keys == "env:X"),
        (
            "SAFECONDUCT_TRUST",
            '[{issuer = "a", audience = "b", algorithms = ["ES256"], keys = "k"}]',
            lambda config: config.trust[0].issuer == "a",
        ),
    ],
)
def test_a_variable_overrides_the_file(folder, name, value, seen):
    """A string is taken as it is, anything else as TOML; a list replaces, a table is merged."""
    (folder / "safeconduct.toml").write_text(TOML)

    assert seen(Config.load(environ={name: value}))


def test_a_variable_keeps_the_long_form_of_the_store():
    """The store's URL alone leaves the other fields of its table as they are."""
    environ = {**BASE, "SAFECONDUCT_STORE__SHARDS": "2", "SAFECONDUCT_STORE__DEADLINE_MS": "100"}

    store = Config.load(environ=environ).store

    assert ("memory://", 2, 100) == (store.url, store.shards, store.deadline_ms)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SAFECONDUCT_TOKEN__FORMAT", "jwe", "the nearest is 'SAFECONDUCT_TOKENS__FORMAT'"),
        ("SAFECONDUCT_tokens__format", "jwe", "the nearest is 'SAFECONDUCT_TOKENS__FORMAT'"),
        ("SAFECONDUCT_CONFIGS", "x", "the nearest is 'SAFECONDUCT_CONFIG'"),
        ("SAFECONDUCT_", "x", "unknown variable"),
        ("SAFECONDUCT_TOKENS__LEEWAY_SECONDS", "", "wanted one value in TOML"),
        ("SAFECONDUCT_TOKENS__LEEWAY_SECONDS", "7\nx = 1", "wanted one value in TOML"),
        ("SAFECONDUCT_TOKENS__LEEWAY_SECONDS", "seven", "wanted one value in TOML"),
        ("SAFECONDUCT_TOKENS__LEEWAY_SECONDS", "1" * 5000, "wanted one value in TOML"),
        ("SAFECONDUCT_ACCESS__PUBLIC", "[" * 5000, "wanted one value in TOML"),
    ],
)
def test_a_wrong_variable_is_named(name, value, expected):
    """A variable that is no field, or no valid value, is an error."""
    with pytest.raises(ConfigurationError) as caught:
        Config.load(environ={**BASE, name: value})

    problems = errors_by_field(caught.value)
    assert [name] == list(problems)
    assert expected in problems[name]


def test_wrong_variables_and_wrong_fields_are_named_at_once(folder):
    """One error covers the file and the environment, and names the file."""
    (folder / "safeconduct.toml").write_text(TOML + "remembered = -1\n")

    with pytest.raises(ConfigurationError, match=r"in safeconduct\.toml") as caught:
        Config.load(environ={"SAFECONDUCT_TOKENS__FORMAT": "jwt", "SAFECONDUCT_X": "1", "SAFECONDUCT_SOURCES": "x"})

    assert {"tokens.format", "tokens.remembered", "SAFECONDUCT_X", "SAFECONDUCT_SOURCES"} == set(
        errors_by_field(caught.value)
    )


def test_a_variable_does_not_hide_what_is_wrong_in_the_file(folder):
    """A section that is no table stays wrong, even if a variable sets one of its fields."""
    (folder / "safeconduct.toml").write_text(
        '[safeconduct]\nkeys = "k"\nissuer = "a"\naudience = "a"\nstore = "none"\ntokens = 5'
    )

    with pytest.raises(ConfigurationError) as caught:
        Config.load(environ={"SAFECONDUCT_TOKENS__FORMAT": "jws"})

    assert ["tokens"] == list(errors_by_field(caught.value))


def test_a_whole_section_replaces_what_is_no_table(folder):
    """A value for the section itself replaces the file's."""
    (folder / "safeconduct.toml").write_text(
        '[safeconduct]\nkeys = "k"\nissuer = "a"\naudience = "a"\nstore = "none"\ntokens = 5'
    )

    assert 7 == Config.load(environ={"SAFECONDUCT_TOKENS": "{leeway_seconds = 7}"}).tokens.leeway_seconds


def test_a_variable_that_keys_refer_to_is_no_field():
    """A variable that `env:SAFECONDUCT_JWKS` refers to is not a setting."""
    trust = '[5, {issuer = "a", audience = "b", algorithms = ["ES256"], keys = "env:SAFECONDUCT_IDP"}]'
    environ = {**BASE, "SAFECONDUCT_KEYS": "env:SAFECONDUCT_JWKS", "SAFECONDUCT_JWKS": "{}", "SAFECONDUCT_IDP": "{}"}

    config = Config.load(environ={**environ, "SAFECONDUCT_TRUST": trust.replace("5, ", "")})
    with pytest.raises(ConfigurationError) as caught:
        Config.load(environ={**environ, "SAFECONDUCT_TRUST": trust})

    assert "env:SAFECONDUCT_IDP" == config.trust[0].keys
    assert ["trust[0]"] == list(errors_by_field(caught.value))


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["fifo", "folder"])
@pytest.mark.parametrize("is_named", [True, False])
def test_d3_a_configuration_that_is_no_regular_file_is_refused(folder, make, is_named):
    """Reading a FIFO without a writer would block the start forever."""
    make(folder / "safeconduct.toml")

    with pytest.raises(ConfigurationError, match=r"safeconduct\.toml.*not a regular file, wanted a readable TOML file"):
        Config.load("safeconduct.toml" if is_named else None, environ={})


SERVICE = {
    "SAFECONDUCT_SERVICE_HOST": "10.0.0.1",
    "SAFECONDUCT_SERVICE_PORT": "80",
    "SAFECONDUCT_SERVICE_PORT_HTTP": "80",
    "SAFECONDUCT_PORT": "tcp://10.0.0.1:80",
    "SAFECONDUCT_PORT_80_TCP": "tcp://10.0.0.1:80",
    "SAFECONDUCT_PORT_80_TCP_PROTO": "tcp",
    "SAFECONDUCT_PORT_80_TCP_PORT": "80",
    "SAFECONDUCT_PORT_80_TCP_ADDR": "10.0.0.1",
    "SAFECONDUCT_STORE_SERVICE_HOST": "10.0.0.2",
    "SAFECONDUCT_STORE_SERVICE_PORT": "6379",
    "SAFECONDUCT_STORE_SERVICE_PORT_REDIS": "6379",
    "SAFECONDUCT_STORE_PORT": "tcp://10.0.0.2:6379",
    "SAFECONDUCT_STORE_PORT_6379_TCP": "tcp://10.0.0.2:6379",
    "SAFECONDUCT_MY_REDIS_PORT_6379_UDP_ADDR": "10.0.0.2",
}


@pytest.mark.parametrize("name", SERVICE)
def test_d6_what_kubernetes_makes_for_a_service_is_no_setting(name, caplog):
    """Variables of a Service called `safeconduct` or `safeconduct-store` are ignored, with a note at DEBUG."""
    with caplog.at_level(logging.DEBUG, "safeconduct.config"):
        config = Config.load(environ=BASE | {name: SERVICE[name]})

    assert Config.load(environ=BASE) == config
    assert [f"{name} is ignored: Kubernetes sets such variables for a Service"] == caplog.messages


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAFECONDUCT_STORE_PORT", "6379"),
        ("SAFECONDUCT_STORE__PORT", "tcp://10.0.0.2:6379"),
        ("SAFECONDUCT_PORTAL", "x"),
        ("SAFECONDUCT_STORE_SERVICE", "x"),
        ("SAFECONDUCT_store_SERVICE_HOST", "x"),
    ],
)
def test_d6_a_slip_that_only_looks_like_it_is_an_error(name, value):
    """Such a variable is reported, because it was set on purpose."""
    with pytest.raises(ConfigurationError, match=f"{name}: unknown variable"):
        Config.load(environ=BASE | {name: value})
