"""The mark of a browser on which somebody signed in: for one name, under keys of ours, and never raising."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.device_cookie import Devices
from safeconduct._tokens.derived_keys import DerivedKeys

OLD = DerivedKeys({1: b"1" * 32}, 1)
BOTH = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
NEW = DerivedKeys({2: b"2" * 32}, 2)


def of(keys):
    return Devices(lambda: keys, secrets.token_bytes)


def test_a_mark_is_known_for_its_name_alone():
    mark = of(OLD).mark("alice")

    assert of(OLD).knows(mark, "alice")
    assert not of(OLD).knows(mark, "bob")


def test_c5_a_mark_is_known_for_its_own_spelling_alone():
    """Whoever owns the account ``bób`` has no device of ``bob``, though the throttle counts both under one name."""
    assert not of(OLD).knows(of(OLD).mark("b\u00f3b"), "bob")
    assert not of(OLD).knows(of(OLD).mark("Bob"), "bob")
    assert not of(OLD).knows(of(OLD).mark("bob"), "\ud800")


def test_two_marks_of_one_name_differ():
    """Who sees both learns nothing of whose they are."""
    assert of(OLD).mark("alice") != of(OLD).mark("alice")


def test_a_mark_lives_as_long_as_its_key():
    mark = of(OLD).mark("alice")

    assert of(BOTH).knows(mark, "alice")
    assert not of(NEW).knows(mark, "alice")


@given(st.text())
def test_what_is_no_mark_speaks_for_nobody(text):
    assert not of(OLD).knows(text, "alice")


@pytest.mark.parametrize("fifth", range(5))
def test_a_mark_with_another_octet_speaks_for_nobody(fifth):
    mark = of(OLD).mark("alice")
    at = fifth * len(mark) // 5
    other = "A" if mark[at] != "A" else "B"

    assert not of(OLD).knows(mark[:at] + other + mark[at + 1 :], "alice")
