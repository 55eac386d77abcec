"""What the log gets when an author's own code raises: where it was raised, and never what it says."""

import logging

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import FailingStore, configuration, now
from login_site import LoginClient, LoginSite
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.log_lines import places_of, printable
from safeconduct.events import Fault, HookFailed, StoreRecovered
from table_tokens import tokens

both = pytest.mark.parametrize("world", WORLDS)
PASSWORD = "hunter2-of-alice"


def raises(*_given, **_named):
    raise ValueError(f"no row for {PASSWORD}")


def shown(caplog, level):
    """Return the lines of *level* as a handler writes them, with their tracebacks."""
    show = logging.Formatter("%(levelname)s %(message)s").format
    return [show(each) for each in caplog.records if each.levelno == level]


def assert_is_told(caplog, *, by="test_faults_of_authors.py:"):
    """One line at ERROR names a place and no message; one at DEBUG has the whole traceback."""
    errors, details = shown(caplog, logging.ERROR), shown(caplog, logging.DEBUG)
    assert any("ValueError" in each and by in each for each in errors)
    assert not any("hunter2" in each or "\n" in each for each in errors)
    assert any(f"ValueError: no row for {PASSWORD}" in each and "raise ValueError" in each for each in details)
    above = [each for each in caplog.records if each.levelno > logging.DEBUG]
    assert not any("hunter2" in repr(vars(each)) for each in above)


@both
@pytest.mark.parametrize("method", ["check", "lookup"])
def test_a_directory(world, method, caplog):
    caplog.set_level(logging.DEBUG)
    directory = MemoryDirectory(alice=PASSWORD)
    site = LoginSite(world, directory=directory)
    client = LoginClient(site)
    assert 200 == client.get_tokens(password=PASSWORD, remember=True)
    setattr(directory, method, raises)

    status = client.get_tokens(password=PASSWORD) if method == "check" else client.refresh()

    site.close()
    assert 503 == status
    assert_is_told(caplog)
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ("ValueError", "safeconduct.directories") == (record.error, record.name)
    assert all("/safeconduct/" not in place.replace("\\", "/") for place in record.places)


@both
def test_hooks(world, caplog):
    caplog.set_level(logging.DEBUG)
    site = LoginSite(world, add_claims=raises)

    assert 503 == LoginClient(site).get_tokens()

    site.close()
    assert_is_told(caplog)
    [failed] = [each for each in site.events if isinstance(each, HookFailed)]
    assert "add_claims" == failed.hook
    assert "test_faults_of_authors.py:" in failed.places[-1]


@both
def test_a_body_of_the_application(world, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []
    with Auth(
        configuration(), directory=MemoryDirectory(), clock=now, problem_body=raises, listeners=[heard.append]
    ) as auth:
        assert 401 == ask_in(world, auth).status

    assert_is_told(caplog)
    assert "test_faults_of_authors.py:" in next(each for each in heard if isinstance(each, HookFailed)).places[-1]


def test_a_listener(caplog):
    """Its representation is not shown: it may hold what it was made with."""

    class Pusher:
        password = PASSWORD

        def __call__(self, event):
            raises(event)

        def __repr__(self):
            return f"Pusher({PASSWORD})"

    caplog.set_level(logging.DEBUG)

    EventDispatcher([Pusher()], clock=now)(StoreRecovered())

    assert_is_told(caplog)
    assert "the listener test_a_listener.<locals>.Pusher failed" in "".join(shown(caplog, logging.ERROR))


@both
def test_a_store(world, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []
    store = FailingStore(ValueError)
    with Auth(configuration(), directory=MemoryDirectory(), clock=now, store=store, listeners=[heard.append]) as auth:
        ask_in(world, auth, headers=[("authorization", f"Bearer {tokens()['alice']}".encode())])

    [fault] = [each for each in heard if isinstance(each, Fault)]
    assert "auth_setups.py:" in fault.places[-1]
    assert any(fault.places[-1] in each for each in shown(caplog, logging.ERROR))
    assert any("Traceback" in each for each in shown(caplog, logging.DEBUG))


def caught(code, file):
    try:
        exec(compile(code, file, "exec"), {"places_of": places_of})  # noqa: S102 - frames of files that do not exist
    except Exception as fault:  # noqa: BLE001 - whatever it raises
        return fault


def test_the_innermost_places_are_kept():
    """A recursion has a thousand frames."""
    places = places_of(caught("def f(n):\n  1 / n\n  f(n - 1)\nf(500)", "deep.py"))

    assert ["deep.py:3"] * 9 + ["deep.py:2"] == [*places]


def test_a_file_name_begins_no_line():
    assert "odd\\nERROR forged.py:1" == places_of(caught("1 / 0", "odd\nERROR forged.py"))[-1]


def test_our_own_places_are_named_where_there_are_no_others():
    """As when a hook cannot be called with what we pass: the frames are ours."""
    with pytest.raises(TypeError) as raised:
        printable(5)

    fault = raised.value.with_traceback(raised.value.__traceback__.tb_next)

    assert "log_lines.py:" in places_of(fault)[-1]
    assert () == places_of(ValueError())
