"""Keep unknown authentication schemes, which may be secrets, out of the log."""

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._http.authorization import REGISTERED_SCHEMES

SECRETS = ["hunter2 ", "HUNTER2 y", "hunter2 y z", "hunter2\ty", "hunter2", "hunter2=", "bearer-hunter2 y"]


def ask_and_listen(world, field, path="/me"):
    """Return the response and the events."""
    heard = []
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append])
    return ask_in(world, auth, target=path, headers=[("authorization", field.encode())]), heard


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("path", ["/me", "/health", "/admin/x"])
@pytest.mark.parametrize("field", SECRETS)
def test_d10_a_word_that_is_no_registered_scheme_is_not_logged(world, path, field, caplog):
    """The scheme may be a misplaced secret; the answer is the one to a missing credential."""
    caplog.set_level(0)

    seen, heard = ask_and_listen(world, field, path)

    assert "hunter2" not in f"{caplog.text} {heard} {seen}".lower()
    if path == "/me" and " " in field:
        assert (401, None) == (seen.status, seen.report)
        assert "unknown scheme" == heard[-1].reason


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("scheme", sorted(REGISTERED_SCHEMES - {"basic", "bearer", "dpop"}))
def test_d10_a_registered_scheme_is_logged(world, scheme):
    """The event explains why a client that sent a credential is asked for one."""
    seen, heard = ask_and_listen(world, f"{scheme.upper()} y")

    assert (401, None) == (seen.status, seen.report)
    assert f"unknown scheme {scheme}" == heard[-1].reason
