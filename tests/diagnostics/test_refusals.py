"""What the log and the listeners get of a refusal: one line, bounded, that tells who was refused what, and why."""

import logging
from dataclasses import fields

import pytest

from app_reports import WORLDS, ask_in
from auth_setups import configuration, now
from login_site import LoginClient, LoginSite
from memory_directory import MemoryDirectory
from safeconduct import Auth, events
from safeconduct._core.event_dispatcher import EventDispatcher
from safeconduct._core.log_lines import LINES, PERIOD_SECONDS, LineBudget
from safeconduct.events import ClientRefused, Event, RequestRefused, TokenRefused

both = pytest.mark.parametrize("world", WORLDS)
BAD_TOKEN = ("authorization", b"Bearer x.y.z")


def refused(world, **asked):
    """Send one request to a new application, and return the event of its refusal."""
    heard = []
    with Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[heard.append]) as auth:
        ask_in(world, auth, **asked)
    [event] = [each for each in heard if isinstance(each, RequestRefused)]
    return event


def refusal_of(status, error="BadSignature", reason="", **more):
    return RequestRefused(status=status, error=error, reason=reason, method="GET", **more)


@both
def test_a_refusal_says_who_was_refused_what(world, caplog):
    caplog.set_level(logging.INFO, "safeconduct")

    event = refused(world, target="/me?next=secret", headers=[BAD_TOKEN, ("x-request-id", b"a-1")])

    assert isinstance(event, TokenRefused)
    assert ("GET", "/me", "MalformedToken", "a-1") == (event.method, event.path, event.error, event.request_id)
    assert event.network
    [record] = [each for each in caplog.records if getattr(each, "event", None) == event]
    assert logging.WARNING == record.levelno
    for name in ("method", "path", "error", "reason", "network", "request_id", "status", "scheme"):
        assert getattr(event, name) == getattr(record, name)
    assert "secret" not in caplog.text


@both
def test_a_missing_credential_is_no_warning(world, caplog):
    caplog.set_level(logging.INFO, "safeconduct")

    event = refused(world, target="/me")

    assert ("MissingCredential", logging.INFO) == (event.error, event.log_level)
    assert [logging.INFO] == [each.levelno for each in caplog.records if getattr(each, "event", None) == event]


@pytest.mark.parametrize(
    ("status", "error", "level"),
    [
        (401, "ExpiredToken", logging.WARNING),
        (400, "InvalidRequest", logging.WARNING),
        (403, "InsufficientRights", logging.WARNING),
        (429, "TooManyAttempts", logging.WARNING),
        (501, "NotSupported", logging.WARNING),
        (401, "MissingCredential", logging.INFO),
        (401, "StepUpRequired", logging.INFO),
        (404, "NotFound", logging.INFO),
        (405, "MethodNotAllowed", logging.INFO),
        (503, "Unavailable", logging.INFO),
    ],
)
def test_the_level_depends_on_the_refusal(status, error, level):
    assert level == refusal_of(status, error).log_level
    assert logging.INFO == RequestRefused.log_level
    assert logging.WARNING == ClientRefused.log_level


@both
def test_a_password_over_plain_http_is_a_warning(world, caplog):
    """The response cannot say what is wrong, and a log that nobody has configured shows warnings."""
    refused(world, headers=[("authorization", b"Basic YWxpY2U6d29uZGVy")], scheme="http")

    [record] = [each for each in caplog.records if isinstance(getattr(each, "event", None), RequestRefused)]
    assert (logging.WARNING, 400) == (record.levelno, record.status)
    assert "a Basic credential came over plain HTTP" in record.getMessage()


@both
def test_what_the_server_is_not_set_up_for_is_a_warning(world, caplog):
    site = LoginSite(world, sources=["bearer"])
    try:
        assert 501 == LoginClient(site).sign_in()
    finally:
        site.close()

    [record] = [each for each in caplog.records if getattr(each, "event", None) is site.events[-1]]
    assert (logging.WARNING, 501) == (record.levelno, record.status)
    assert "cookies are off, or not among the configured sources" in record.getMessage()


@both
def test_a_path_is_cut_and_printable(world):
    """No field begins a line of its own, whichever way a formatter shows it."""
    event = refused(world, target="/me%0aERROR%20forged%e2%80%a8" + "x" * 300)

    assert 200 >= len(event.path.replace("\\n", "\n").replace("\\u2028", "\u2028"))
    assert event.path.startswith("/me\\nERROR forged\\u2028xxx")
    assert event.path.isprintable()


@both
def test_a_method_is_cut(world):
    """It may be any word."""
    assert "x" * 32 == refused(world, method="x" * 300).method


@both
@pytest.mark.parametrize(
    "values", [[], [b""], [b"a", b"b"], [b"x" * 129], [b"two words"], [b"a\tb"], ["é".encode()]], ids=repr
)
def test_a_request_id_that_no_proxy_writes_is_left_out(world, values):
    event = refused(world, target="/me", headers=[("x-request-id", value) for value in values])

    assert event.request_id is None


@both
def test_the_network_is_the_clients(world):
    """That which a trusted proxy names, as the throttle counts it."""
    heard = []
    proxied = configuration(proxies={"trusted": ["192.0.2.1"]})
    with Auth(proxied, directory=MemoryDirectory(), clock=now, listeners=[heard.append]) as auth:
        ask_in(world, auth, target="/me", headers=[("x-forwarded-for", b"2001:db8:1:2:3::4")])

    assert "2001:db8:1:2::/64" == heard[-1].network


@both
def test_an_endpoint_says_it_too(world):
    site = LoginSite(world)
    client = LoginClient(site)
    client.get_tokens(password="wrong")
    site.close()

    [event] = [each for each in site.events if isinstance(each, RequestRefused)]
    assert ("POST", "/auth/login", "BadCredentials", 401) == (event.method, event.path, event.error, event.status)


NAVIGATES = (("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"))


@both
@pytest.mark.parametrize(
    ("headers", "csrf", "is_said"),
    [
        (NAVIGATES, None, True),
        ((("accept", "text/html,*/*;q=0.8"),), None, True),
        (NAVIGATES, "x", False),
        ((("sec-fetch-mode", "cors"),), None, False),
    ],
    ids=["form", "form over http", "wrong token", "script"],
)
def test_the_log_tells_the_author_of_forms_which_setting_they_want(world, headers, csrf, is_said):
    """A form of their own page was refused, and could not have brought the token."""
    site = LoginSite(world)
    client = LoginClient(site)
    client.sign_in()
    client.csrf = csrf

    status = client.request("POST", "/me", headers=headers)
    site.close()

    reason = site.events[-1].reason
    assert (403, "CrossSiteRequest") == (status, site.events[-1].error)
    assert is_said == ('csrf.token = "fallback" is for a site of forms' in reason)
    assert b"fallback" not in client.response.body


def written(caplog):
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


class Moment:
    """A clock that can break."""

    def __init__(self):
        self.seconds = 1_000_000.0
        self.is_broken = False

    def __call__(self):
        return 1 / 0 if self.is_broken else self.seconds


def test_a_flood_does_not_fill_the_log(caplog):
    """Listeners get every event; the log says that lines are left out, and later how many."""
    caplog.set_level(logging.INFO, "safeconduct")
    heard, clock = [], Moment()
    dispatch = EventDispatcher([heard.append], clock=clock)

    for number in range(LINES + 7):
        dispatch(refusal_of(401, reason=str(number)))
    dispatch(refusal_of(401, "MissingCredential"))

    assert LINES + 8 == len(heard)
    first = written(caplog)
    assert LINES + 1 == len(first)
    assert f"refusals are left out of the log from here: it gets {LINES} in {PERIOD_SECONDS} seconds" == first[-1]
    assert "MissingCredential" == caplog.records[-1].error

    clock.seconds += PERIOD_SECONDS
    caplog.clear()
    dispatch(refusal_of(403))
    dispatch(refusal_of(403))

    assert "7 refusals before this one were left out of the log" == written(caplog)[0]
    assert [7, None, None] == [getattr(each, "left_out", None) for each in caplog.records]


def test_other_events_are_never_left_out(caplog):
    caplog.set_level(logging.INFO, "safeconduct")
    dispatch = EventDispatcher(clock=Moment())

    for _ in range(LINES + 7):
        dispatch(events.Fault(where="gate", error="ValueError"))

    assert LINES + 7 == len(caplog.records)


def test_what_the_level_hides_uses_up_nothing(caplog):
    """A line that is not written is not counted as left out either."""
    caplog.set_level(logging.ERROR, "safeconduct")
    dispatch = EventDispatcher(clock=Moment())
    for _ in range(LINES + 7):
        dispatch(refusal_of(401))

    caplog.set_level(logging.WARNING, "safeconduct")
    dispatch(refusal_of(401))

    assert 1 == len(written(caplog))


def test_a_clock_that_goes_back_begins_a_new_period():
    clock = Moment()
    budget = LineBudget(clock)
    for _ in range(LINES):
        assert budget.take().is_written
    assert not budget.take().is_written

    clock.seconds -= 5000

    assert (True, 1) == ((ration := budget.take()).is_written, ration.left_out)


def test_a_clock_that_breaks_bounds_the_log_all_the_same():
    clock = Moment()
    budget = LineBudget(clock)
    budget.take()
    clock.is_broken = True

    assert LINES - 1 == sum(budget.take().is_written for _ in range(2 * LINES))


def test_a_clock_that_never_worked_lets_nothing_into_the_log():
    clock = Moment()
    clock.is_broken = True

    assert not LineBudget(clock).take().is_written


def test_a_field_that_the_records_of_an_application_have_already_costs_no_line(caplog, capsys):
    """A record factory that sets ``request_id`` is common, and ``logging`` refuses to overwrite it."""
    caplog.set_level(logging.INFO, "safeconduct")
    make = logging.getLogRecordFactory()

    def with_request_id(*given, **named):
        record = make(*given, **named)
        record.request_id = "theirs"
        return record

    logging.setLogRecordFactory(with_request_id)
    try:
        EventDispatcher(clock=now)(refusal_of(401, path="/me"))
    finally:
        logging.setLogRecordFactory(make)

    assert [("theirs", True)] == [(each.request_id, "path='/me'" in each.getMessage()) for each in caplog.records]
    assert "" == capsys.readouterr().err


def test_no_field_of_an_event_has_the_name_of_an_attribute_of_a_record():
    record = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

    for name in events.__all__:
        kind = getattr(events, name)
        if isinstance(kind, type) and issubclass(kind, Event):
            assert record.isdisjoint({"event", *(field.name for field in fields(kind))}), name
