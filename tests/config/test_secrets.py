"""Keep secrets out of every repr and error."""

import pytest

from minimal_config import TRUST, minimal_fields
from safeconduct.config import Config, StoreConfig, Trust
from safeconduct.config.shown_values import shown, shown_url
from safeconduct.errors import ConfigurationError

SECRET = "hunter2hunter2"  # a password of no store
JWKS = {"keys": [{"kty": "oct", "k": SECRET}]}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("none", "'none'"),
        ("redis", "'redis'"),
        ("reddis", "'reddis'"),
        ("memory:", "'memory:'"),
        ("swordfish", "'***'"),
        ("redis:/localhost:6379/0", "'redis:/localhost:6379/0'"),
        ("localhost:6379", "'localhost:6379'"),
        (SECRET, "'***'"),
        (f"redis:{SECRET}", "'***'"),
        (f"localhost:{SECRET}", "'***'"),
        (f"redis:/:{SECRET}@localhost", "'***'"),
        ("memory://", "'memory://'"),
        ("redis://h:6379/0", "'redis://h:6379/0'"),
        (f"redis://user:{SECRET}@h:6379/0", "'redis://***@h:6379/0'"),
        (f"redis://:{SECRET}@[::1]", "'redis://***@[::1]'"),
        (f"redis://a@b:{SECRET}@h", "'redis://***@h'"),
        (f"redis://h?password={SECRET}", "'redis://h?***'"),
        (f"redis://h/0?password={SECRET}@x", "'redis://***@x'"),
        (f"redis://h:{SECRET}", "'redis://***'"),
        (f"redis://:{SECRET}", "'redis://***'"),
        (f"redis://user:{SECRET}/x@h", "'redis://***@h'"),
        (f"redis:{SECRET}@h", "'***'"),
        (f"{SECRET}://x y", "'***'"),
        (f"redis+cluster://:{SECRET}@a:1,b:2", "'redis+cluster://***@a:1,b:2'"),
        (
            f"redis+sentinel://u:{SECRET}@[::1]:1,b/main?sentinel_password={SECRET}",
            "'redis+sentinel://***@[::1]:1,b/main?***'",
        ),
        (f"unix://u:{SECRET}@/run/x.sock", "'unix://***@/run/x.sock'"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, expected):
    """A plain URL shows scheme, host and path; other URLs show at most the scheme."""
    assert expected == shown_url(url)
    assert SECRET not in shown_url(url)


def test_the_repr_has_no_secret():
    """The store's password and the keys are left out, nested ones too."""
    config = Config.from_mapping(
        minimal_fields(store=f"redis://:{SECRET}@h", keys=JWKS, trust=[{**TRUST, "keys": JWKS}])
    )

    assert SECRET not in repr(config)
    assert "StoreConfig(url='redis://***@h', deadline_ms=250" in repr(config)
    assert SECRET not in repr(config.store)
    assert SECRET not in repr(config.trust)


@pytest.mark.parametrize(
    "fields",
    [
        {"store": f"redis://:{SECRET}@h:99999"},
        {"store": f"{SECRET}"},
        {"store": {"urll": f"redis://:{SECRET}@h"}},
        {"store": [f"redis://:{SECRET}@h"]},
        {"tokens": f"redis://:{SECRET}@h"},
        {"external_url": f"https://user:{SECRET}@api.example.com"},
        {"issuer": f"https://user:{SECRET}@api.example.com "},
        {"keys": {"k": SECRET}},
        {"keys": f'{{"keys": [{{"k": "{SECRET}"}}]}}'},
        {"keys": f"env:{SECRET} "},
        {"keys": [SECRET]},
        {"trust": [{**TRUST, "keys": {"k": SECRET}}]},
        {"trust": [{**TRUST, "jwks": f"https://u:{SECRET}@idp/x"}]},
        {"trust": {"keys": SECRET}},
        {"sources": [{"a": SECRET}]},
    ],
    ids=[str(number) for number in range(15)],
)
def test_an_error_has_no_secret(fields):
    """A wrong value is masked; a table or a list is not shown at all."""
    with pytest.raises(ConfigurationError) as caught:
        Config.from_mapping(minimal_fields(**fields))

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        *[(f"redis://:{SECRET}{letter}x@h:6379/0", True) for letter in "/?#@\x7f"],
        (f"redis://{SECRET}@x:p@h:6379/0", True),
        (f"rediss+sentinel://u:{SECRET}#@a:1,b:2/main/0", True),
        (f"redis+cluster://u:{SECRET}#@a:1,b:2", True),
        (f"unix://u:{SECRET}#@/run/x.sock", True),
        (f"redis://:{SECRET}@h:99999", False),
        (f"redis://:{SECRET}@h:6379/main", False),
        (f"redis://:{SECRET}#@h:99999", False),
        ("redis://h:6379/0#x", False),
        ("redis://h:6379/main", False),
    ],
    ids=str,
)
def test_characters_that_have_to_be_percent_encoded_are_named_first(url, is_named):
    """A generated password often has some; none of it is shown."""
    with pytest.raises(ConfigurationError) as caught:
        Config.from_mapping(minimal_fields(store=url))

    start = "store.url: got a user or password with characters that must be percent-encoded (such as %23 for #, "
    assert is_named is (start in str(caught.value))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        (-7, "-7"),
        (10**5000, "a value of type int"),
        ("a\nb", "'a\\nb'"),
        ("x" * 100, f"'{'x' * 39}…'"),
        ({"a": 1}, "a table"),
        ([1], "a list"),
        ((1,), "a list"),
        (b"x", "a value of type bytes"),
        (object(), "a value of type object"),
    ],
    ids=lambda value: str(type(value)),
)
def test_a_value_is_shown_short(value, expected):
    """Every message of an error stays on one line."""
    assert expected == shown(value)


def test_sections_of_secrets_have_a_repr():
    """Values that are not secret are still shown."""
    assert "shards=3" in repr(StoreConfig(url="memory://", shards=3))
    assert "idp.example.com" in repr(Trust(**TRUST))
