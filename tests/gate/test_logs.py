"""Let no log and no listener change an answer."""

import io
import logging
import sys

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import FailingStore, configuration, now
from broken_logs import BROKEN_LOGS, SECRET, broken_log
from login_site import LoginClient, LoginSite
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import Fault, StoreRecovered
from safeconduct.stores import MemoryStore

ways = pytest.mark.parametrize("way", BROKEN_LOGS)
both = pytest.mark.parametrize("world", WORLDS)


class Interrupt(BaseException):
    """An exception that a runtime raises in waiting code, such as gevent's timeouts."""


PASSING = [KeyboardInterrupt, SystemExit, GeneratorExit, Interrupt]


def life(world):
    """Go through a whole login, with refusals, and return all statuses and events."""
    site = LoginSite(world)
    try:
        client = LoginClient(site)
        statuses = [
            client.request("GET", "/me"),
            client.request("GET", "/me", bearer="x.y.z"),
            client.get_tokens(password="wrong"),
            client.get_tokens(remember=True),
            client.use(),
            client.refresh(),
            client.sign_in(remember=True),
            client.request("POST", "/auth/step-up", json_body={"password": "wonder"}),
            client.request("POST", "/auth/logout-everywhere", json_body={}),
            client.use(),
        ]
        return statuses, [type(event).__name__ for event in site.events]
    finally:
        site.close()


@both
@ways
def test_e11_a_log_that_raises_changes_no_answer_and_no_listener(world, way, capsys):
    """All responses are as with a working log, and listeners get every event."""
    expected = life(world)

    with broken_log(way):
        seen = life(world)

    assert expected == seen
    assert [401, 401, 401, 200, 200, 200, 200] == seen[0][:7]
    assert {"safeconduct: the log raised RuntimeError"} == set(capsys.readouterr().err.splitlines())


@both
@ways
def test_e11_an_outage_is_503_when_the_log_raises_too(world, way):
    """Reporting an internal error may fail itself."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, store=FailingStore(ValueError))
    bearer = [("authorization", b"Bearer " + b"x" * 40)]
    expected = ask_in(world, auth, headers=bearer)

    with broken_log(way):
        seen = ask_in(world, auth, headers=bearer)

    assert expected == seen


@both
@ways
def test_e11_a_directory_that_raises_is_503_when_the_log_raises_too(world, way):
    """The directory uses another logger."""
    directory = MemoryDirectory(alice="wonder")
    directory.check = lambda *_: 1 / 0
    site = LoginSite(world, directory=directory)

    with broken_log(way, name="safeconduct.directories"):
        status = LoginClient(site).get_tokens()

    site.close()
    assert 503 == status
    # The answer is 503 as without the log's fault, and not an internal error.
    assert ["RequestRefused"] == [type(event).__name__ for event in site.events]


@ways
def test_e11_a_session_of_another_process_is_unavailable_when_the_log_raises(way):
    """The message is lost, and the answer is not."""
    store = MemoryStore(clock=now, horizon_ms=1, leeway_ms=0)

    with broken_log(way, name="safeconduct.stores"), pytest.raises(Unavailable):
        run_sync(store.ask(RevocationQuery(0, (), (), 0, 1 << 52, b"another!")))


def test_e11_a_listener_that_raises_is_passed_over_when_the_log_raises_too():
    """The next listener gets the event."""
    heard = []

    def raises(_event):
        raise ValueError

    with broken_log("handler"):
        EventDispatcher([raises, heard.append], clock=now)(StoreRecovered())

    assert [StoreRecovered()] == heard


@pytest.mark.parametrize("fault", PASSING)
def test_e11_an_interrupt_in_a_listener_goes_on(fault):
    """An exit, a cancellation and a gevent timeout are not swallowed."""

    def raises(_event):
        raise fault

    with pytest.raises(fault):
        EventDispatcher([raises], clock=now)(StoreRecovered())


@ways
@pytest.mark.parametrize("fault", PASSING)
def test_e11_an_interrupt_in_the_log_goes_on(fault, way):
    with broken_log(way, fault=fault), pytest.raises(fault):
        EventDispatcher(clock=now)(StoreRecovered())


class Full(io.StringIO):
    """A stream that cannot be written."""

    def write(self, _text):
        raise OSError("no space left")


@pytest.mark.parametrize("stream", [None, Full()], ids=["none", "full"])
def test_e11_a_broken_log_is_reported_to_nobody_where_nobody_listens(monkeypatch, stream):
    """This holds without a standard error, as under pythonw, and with one that fails."""
    monkeypatch.setattr(sys, "stderr", stream)

    with broken_log("handler"):
        EventDispatcher(clock=now)(StoreRecovered())


def test_e11_a_broken_log_is_silent_where_the_application_says_so(monkeypatch, capsys):
    """``logging.raiseExceptions`` of the standard library switches it off."""
    monkeypatch.setattr(logging, "raiseExceptions", False)

    with broken_log("handler"):
        EventDispatcher(clock=now)(StoreRecovered())

    assert "" == capsys.readouterr().err


def test_e11_the_secret_in_a_broken_log_s_error_is_not_shown(capsys):
    with broken_log("handler"):
        EventDispatcher(clock=now)(StoreRecovered())

    assert SECRET not in capsys.readouterr().err


def test_e11_the_record_names_the_place_that_wrote_it(caplog):
    """A format with ``%(module)s`` shows the module of the event and not that of the wrapper."""
    with caplog.at_level(logging.INFO, "safeconduct"):
        EventDispatcher(clock=now)(StoreRecovered())

    assert ["event_dispatcher"] == [record.module for record in caplog.records]


def test_a_key_error_of_a_log_is_no_name_that_is_taken(monkeypatch, capsys):
    """Only a record factory that sets one of our attributes is tried again, without them."""
    tries = []

    class Broken(logging.Filter):
        def filter(self, record):
            tries.append(record)
            raise KeyError("missing")

    logger = logging.getLogger("safeconduct")
    broken = Broken()
    logger.addFilter(broken)
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    try:
        EventDispatcher(clock=now)(Fault(error="ValueError", where="gate"))
    finally:
        logger.removeFilter(broken)

    assert 1 == len(tries)
    assert "the log raised KeyError" in capsys.readouterr().err
