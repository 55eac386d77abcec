"""Check that an envelope is well formed before any key is used."""

import pytest

from safeconduct._tokens.encryption import read_envelope
from safeconduct.errors import MalformedToken
from token_factory import key_for, sealed, segment

KEYS = {name: key_for(name, "e") for name in ("A256KW", "ECDH-ES+A256KW", "dir")}


def read(parts):
    """Read an envelope from its *parts*."""
    return read_envelope(b".".join(parts), parts)


def parts_of(name):
    """Return the five parts of a good envelope."""
    return sealed("a.b.c", KEYS[name]).encode().split(b".")


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(
    ("index", "sizes"), [(1, (8, 16, 32, 48)), (2, (0, 8, 11, 13, 16)), (3, (0,)), (4, (0, 4, 12, 15, 17))]
)
def test_every_part_has_its_length(name, index, sizes):
    """A shortened tag could be guessed (RFC 7518 §5.3); "dir" has no wrapped key (RFC 7518 §4.5)."""
    parts = parts_of(name)
    assert name == read(parts).header.algorithm

    for size in sizes:
        changed = [*parts[:index], segment(bytes(size)), *parts[index + 1 :]]
        with pytest.raises(MalformedToken, match="length"):
            read(changed)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"A256KW"}',
        b'{"alg":"A256KW","enc":"A128GCM"}',
        b'{"alg":"A256KW","enc":["A256GCM"]}',
        b'{"alg":"RSA-OAEP","enc":"A256GCM"}',
        b'{"alg":"ES256","enc":"A256GCM"}',
        b'{"alg":"A256KW","enc":"A256GCM","zip":"DEF"}',
        b'{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":10000000,"p2s":"AAAA"}',
    ],
    ids=repr,
)
def test_only_the_named_algorithms_are_read(header):
    """They are refused before any work."""
    with pytest.raises(MalformedToken):
        read([segment(header), *parts_of("A256KW")[1:]])
