"""The life of a login through the endpoints, over every kind of store."""

import pytest

from visiting import Visitor


@pytest.fixture
def visitor(anywhere):
    return Visitor(anywhere)


def test_who_comes_back_is_remembered_and_proves_himself_for_what_is_dangerous(visitor, clock):
    """L8, L9: a long-term credential stands for an explicit sign-in for one short life."""
    visitor.sign_in(remember=True)
    clock.advance(seconds=600)
    visitor.ask("POST", "/auth/refresh")
    soon = visitor.answer["level"]
    clock.advance(seconds=3600)
    visitor.ask("POST", "/auth/refresh")
    later, visitor.csrf = visitor.answer["level"], visitor.answer["csrf_token"]
    visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})

    assert ("explicit", "remembered", "explicit") == (soon, later, visitor.answer["level"])
