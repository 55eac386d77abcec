"""Recognise a device that has signed in before, for one account only, without ever raising."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct import CookieConfig
from safeconduct._core.device_cookie import DeviceCookies
from safeconduct._tokens.derived_keys import DerivedKeys

OLD = DerivedKeys({1: b"1" * 32}, 1)
BOTH = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
NEW = DerivedKeys({2: b"2" * 32}, 2)


def of(keys):
    return DeviceCookies(lambda: keys, secrets.token_bytes, CookieConfig(), are_read=True, clock=lambda: 1000)


def test_a_mark_is_known_for_its_name_alone():
    mark = of(OLD).new("alice").value

    assert of(OLD).is_valid(mark, "alice")
    assert not of(OLD).is_valid(mark, "bob")


def test_c5_a_mark_is_known_for_its_own_spelling_alone():
    """The owner of ``bób`` has no device of ``bob``, although the throttle counts both together."""
    assert not of(OLD).is_valid(of(OLD).new("b\u00f3b").value, "bob")
    assert not of(OLD).is_valid(of(OLD).new("Bob").value, "bob")
    assert not of(OLD).is_valid(of(OLD).new("bob").value, "\ud800")


def test_two_marks_of_one_name_differ():
    """Two device cookies do not reveal whose they are."""
    assert of(OLD).new("alice").value != of(OLD).new("alice").value


def test_a_mark_lives_as_long_as_its_key():
    mark = of(OLD).new("alice").value

    assert of(BOTH).is_valid(mark, "alice")
    assert not of(NEW).is_valid(mark, "alice")


@given(st.text())
def test_what_is_no_mark_speaks_for_nobody(text):
    assert not of(OLD).is_valid(text, "alice")


@pytest.mark.parametrize("fifth", range(5))
def test_a_mark_with_another_octet_speaks_for_nobody(fifth):
    mark = of(OLD).new("alice").value
    at = fifth * len(mark) // 5
    other = "A" if mark[at] != "A" else "B"

    assert not of(OLD).is_valid(mark[:at] + other + mark[at + 1 :], "alice")
