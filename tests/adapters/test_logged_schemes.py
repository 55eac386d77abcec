"""Nothing that a caller wrote where a scheme belongs gets into a log."""

import pytest

from applications import WORLDS, ask_in
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._http.authorization import REGISTERED_SCHEMES

SECRETS = ["hunter2 ", "HUNTER2 y", "hunter2 y z", "hunter2\ty", "hunter2", "hunter2=", "bearer-hunter2 y"]


def told(world, field, path="/me"):
    """Return what the answer is, and what the listeners hear."""
    heard = []
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append])
    return ask_in(world, auth, target=path, headers=[("authorization", field.encode())]), heard


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("path", ["/me", "/health", "/admin/x"])
@pytest.mark.parametrize("field", SECRETS)
def test_d10_a_word_that_is_no_registered_scheme_is_not_logged(world, path, field, caplog):
    """It may be a secret that was put into the wrong place; the answer is that to a credential which is missing."""
    caplog.set_level(0)

    seen, heard = told(world, field, path)

    assert "hunter2" not in f"{caplog.text} {heard} {seen}".lower()
    if path == "/me" and " " in field:
        assert (401, None) == (seen.status, seen.report)
        assert "unknown scheme" == heard[-1].reason


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("scheme", sorted(REGISTERED_SCHEMES - {"basic", "bearer", "dpop"}))
def test_d10_a_registered_scheme_is_logged(world, scheme):
    """It tells why a client that has a credential is told to bring one."""
    seen, heard = told(world, f"{scheme.upper()} y")

    assert (401, None) == (seen.status, seen.report)
    assert f"unknown scheme {scheme}" == heard[-1].reason
