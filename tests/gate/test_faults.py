"""Answer 503, or the response that was due, whatever raises and wherever (fault 31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_reports import WORLDS, ask_in
from auth_setups import FailingStore, configuration, now
from memory_directory import MemoryDirectory
from request_row import basic
from safeconduct import Auth
from safeconduct.errors import Unavailable
from safeconduct.events import Fault
from table_tokens import NOW, tokens

BEARER = [("authorization", f"Bearer {tokens()['alice']}".encode())]
BASIC = [(name, value.encode()) for name, value in basic("alice", "correct horse")]
FAULTS = [
    ValueError, KeyError, TypeError, RuntimeError, OSError, AssertionError, RecursionError, ZeroDivisionError,
    UnicodeDecodeError, StopIteration, StopAsyncIteration, TimeoutError, MemoryError, LookupError, NotImplementedError,
]  # fmt: skip
faults = st.sampled_from(FAULTS)
targets = st.sampled_from(["/me", "/admin", "/explicit", "/nowhere/at/all"])
both = pytest.mark.parametrize("world", WORLDS)


def raised(kind):
    """Return an exception with a secret in it."""
    return kind("utf-8", b"secret", 0, 1, "secret") if kind is UnicodeDecodeError else kind("secret")


def raises(kind):
    """Return a hook that raises."""

    def hook(*_, **__):
        raise raised(kind)

    return hook


def is_refusal(seen, status=503):
    """Return whether *seen* is one of our responses without details."""
    return (status, None, False) == (seen.status, seen.report, b"secret" in seen.body)


@both
@given(kind=faults, target=targets)
def test_a_store_that_raises(world, kind, target):
    heard = []
    auth = Auth(
        configuration(),
        directory=MemoryDirectory(),
        clock=now,
        listeners=[heard.append],
        store=FailingStore(lambda: raised(kind)),
    )

    seen = [ask_in(world, auth, target=target, headers=BEARER) for _ in range(3)]

    assert all(is_refusal(one) and () == one.values("www-authenticate") for one in seen)
    assert any(isinstance(event, Fault) for event in heard)
    assert "secret" not in repr(heard)


@both
@given(kind=faults, count=st.integers(1, 4), target=targets)
def test_a_clock_that_begins_to_raise(world, kind, count, target):
    """This holds for a remembered credential, too."""
    broken = []

    def clock():
        if broken:
            raise raised(kind)
        return float(NOW)

    auth = Auth(configuration(), directory=MemoryDirectory(), clock=clock)
    before = [ask_in(world, auth, headers=BEARER).status for _ in range(count)]
    broken.append(True)

    seen = [ask_in(world, auth, target=path, headers=BEARER) for path in ("/me", target)]

    assert [200] * count == before
    assert all(is_refusal(one) for one in seen)


@both
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None, "1800000000"], ids=repr)
def test_a_clock_that_tells_no_time(world, value):
    time_now = [float(NOW)]
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=lambda: time_now[0])
    assert ask_in(world, auth, headers=BEARER).status == 200
    time_now[0] = value

    seen = ask_in(world, auth, headers=BEARER)

    assert seen.report is None
    assert seen.status in {401, 503}


@both
@given(kind=faults)
def test_a_directory_that_raises(world, kind):
    directory = MemoryDirectory(alice="correct horse")
    directory.check = raises(kind)
    auth = Auth(configuration(), directory=directory, clock=now)

    assert is_refusal(ask_in(world, auth, headers=BASIC))


@both
@given(kind=faults, target=targets)
def test_a_listener_that_raises_changes_nothing(world, kind, target):
    loud = Auth(configuration(), directory=MemoryDirectory(), clock=now, listeners=[raises(kind)])
    calm = Auth(configuration(), directory=MemoryDirectory(), clock=now)

    for headers in ((), BEARER, [("authorization", b"Bearer x.y.z")]):
        expected = ask_in(world, calm, target=target, headers=headers)
        assert expected == ask_in(world, loud, target=target, headers=headers)


@both
@given(kind=faults, target=targets)
def test_words_that_raise_are_replaced(world, kind, target):
    """The refusal stands, without the custom body."""
    mute = Auth(configuration(), directory=MemoryDirectory(), clock=now, problem_body=raises(kind))
    plain = Auth(configuration(), directory=MemoryDirectory(), clock=now)

    assert ask_in(world, plain, target=target) == ask_in(world, mute, target=target)


@both
def test_an_outage_says_nothing_of_the_credential(world):
    """A client must not be told to throw its token away (RFC 6750 §3.1 is about tokens, not about us)."""
    auth = Auth(configuration(), directory=MemoryDirectory(), clock=now, store=FailingStore(Unavailable))

    seen = ask_in(world, auth, headers=BEARER)

    assert is_refusal(seen)
    assert (("1",), ()) == (seen.values("retry-after"), seen.values("www-authenticate"))
