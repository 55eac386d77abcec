"""Validate what a directory returns."""

import logging
import re
from decimal import Decimal

import pytest

from memory_directory import check_password, run
from safeconduct._core.directory import Account
from safeconduct.config import LoginConfig
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.adapters import adapt_directory
from safeconduct.errors import ConfigurationError, Unavailable

ALICE = Account("alice", roles={"a"}, scopes=frozenset({"b"}), level="multifactor", display_name="Alice", disabled=True)
NONSENSE = [
    (True, "bool instead of an Account or None"),
    ("alice", "str instead of an Account or None"),
    ({"subject": "alice"}, "dict instead of an Account or None"),
]


@pytest.fixture(params=["inline", "pooled", "native"])
def ask(request):
    """Return a function that makes an adapted directory answer or raise, with or without a look-up."""

    def ask(answer, *, looks_up=False):
        def check(*_arguments):
            if isinstance(answer, BaseException):
                raise answer
            return answer

        async def acheck(*_arguments):
            return check()

        native = request.param == "native"
        directory = AsyncCallableDirectory(acheck, acheck) if native else CallableDirectory(check, check)
        world = "wsgi" if request.param == "inline" else "asgi"
        people = adapt_directory(directory, world, LoginConfig())
        try:
            return run(world, people.lookup("alice") if looks_up else check_password(people, "alice", "wonder"))
        finally:
            people.close()

    return ask


@pytest.mark.parametrize("looks_up", [False, True])
@pytest.mark.parametrize("answer", [None, ALICE, Account("alice")], ids=["none", "full", "bare"])
def test_an_account_and_none_pass_as_they_are(ask, answer, looks_up):
    assert answer is ask(answer, looks_up=looks_up)


@pytest.mark.parametrize("looks_up", [False, True])
@pytest.mark.parametrize(("answer", "message"), NONSENSE, ids=[repr(answer) for answer, _ in NONSENSE])
def test_any_other_answer_is_an_error_and_is_reported(ask, answer, message, looks_up, caplog):
    """A directory that returns True names no account: that is 503, never a pass and never 401."""
    with pytest.raises(Unavailable):
        ask(answer, looks_up=looks_up)

    assert [logging.CRITICAL] == [record.levelno for record in caplog.records]
    assert message in caplog.text


WRONG = [
    ("subject", ""),
    ("subject", 7),
    ("subject", None),
    ("subject", "\ud800"),
    ("roles", "admin"),
    ("roles", [1]),
    ("roles", [""]),
    ("roles", {"admin": True}),
    ("scopes", None),
    ("scopes", "read write"),
    ("level", "anonymous"),
    ("level", ["explicit"]),
    ("level", "strong"),
    ("display_name", b"Alice"),
    ("display_name", ""),
    ("disabled", None),
    ("disabled", 0),
    ("cut_off", True),
    ("cut_off", False),
    ("cut_off", -1),
    ("cut_off", -0.5),
    ("cut_off", float("nan")),
    ("cut_off", float("inf")),
    ("cut_off", "1767225600"),
    ("cut_off", Decimal(5)),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=repr)
def test_d7_an_account_that_cannot_be_is_refused_when_it_is_made(name, value):
    """A string of roles would be a list of its letters; the error names field, value and wanted type."""
    with pytest.raises(ConfigurationError) as caught:
        Account(**{"subject": "alice"} | {name: value})

    assert re.search(rf"\n  {name}: got .+, wanted .+", str(caught.value))


@pytest.mark.parametrize("looks_up", [False, True])
def test_d7_a_directory_that_makes_a_wrong_account_is_reported_loudly(looks_up, caplog):
    """The error names the field only, because the value may be a password."""

    class Wrong(CallableDirectory):
        def check(self, *_):
            return Account("alice", roles="wonder")

        lookup = check

    people = adapt_directory(Wrong(print, print), "wsgi", LoginConfig())
    with pytest.raises(Unavailable):
        run("wsgi", people.lookup("alice") if looks_up else check_password(people, "alice", "wonder"))

    assert [logging.CRITICAL] == [record.levelno for record in caplog.records]
    assert "an Account whose roles is of the wrong kind" in caplog.text
    assert "wonder" not in caplog.text


def test_the_account_of_somebody_else_is_not_taken(ask, caplog):
    """A look-up that returns another user's row must not change the identity."""
    with pytest.raises(Unavailable):
        ask(Account("bob"), looks_up=True)

    assert "the account of another subject" in caplog.text
    assert ask(Account("bob")).subject == "bob"


@pytest.mark.parametrize("looks_up", [False, True])
@pytest.mark.parametrize(
    "error", [ValueError("wonder"), TimeoutError("wonder"), RecursionError("wonder"), KeyError("wonder")], ids=repr
)
def test_whatever_a_directory_raises_is_unavailable(ask, error, looks_up, caplog):
    """The log has the class and its place, because the message may hold the password; the error is chained."""
    with pytest.raises(Unavailable) as caught:
        ask(error, looks_up=looks_up)

    assert error is caught.value.__cause__
    [message] = caplog.messages
    assert message.startswith(f"the directory failed: {type(error).__name__} at ")
    assert "wonder" not in caplog.text
