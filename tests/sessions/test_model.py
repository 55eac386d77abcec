"""Compute levels and expiry times of a session, by the table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.session_store import Presented
from safeconduct._core.sessions.model import Lifetimes, level_at, renew_after, token_end, token_half
from safeconduct._wiring.sessions import lifetimes_of
from safeconduct.config import Config, SessionConfig
from safeconduct.principal import rank
from safeconduct.stores.memory.state_machine import opened, renewed
from safeconduct.testing.store_contract.session_commands import ACCESS_MS, opening, renewing

T = 1_800_000_000_000
LIVES = Lifetimes(
    access_ms=ACCESS_MS, short_absolute_ms=43_200_000, absolute_ms=30 * 86_400_000, idle_ms=14 * 86_400_000,
    explicit_ms=600_000, grace_ms=10_000, max_per_subject=100,
)  # fmt: skip
NEW = opened(opening(), T)
STRONG = replace(NEW, proof_level="multifactor")


@pytest.mark.parametrize(
    ("session", "later_ms", "expected"),
    [
        (NEW, 0, "explicit"),
        (NEW, 599_999, "explicit"),
        (NEW, 600_000, "remembered"),
        (STRONG, 0, "multifactor"),
        (STRONG, 600_000, "remembered"),
        (replace(STRONG, is_demoted=True), 0, "remembered"),
        (replace(NEW, proof_level="remembered"), 0, "remembered"),
    ],
)
def test_a_level_counts_for_the_explicit_lifetime(session, later_ms, expected):
    assert expected == level_at(session, T + later_ms, LIVES)


@pytest.mark.parametrize(
    ("session", "later_ms", "expected"),
    [
        (NEW, 0, 600),
        (NEW, 300_000, 600),
        (NEW, 600_000, 600 + 900),
        (replace(NEW, is_demoted=True), 0, 900),
        (replace(NEW, ends_ms=T + 100_000), 0, 100),
        (replace(NEW, ends_ms=T + 700_000, is_demoted=True), 0, 700),
    ],
)
def test_a_token_ends_with_its_session(session, later_ms, expected):
    assert T // 1000 + expected == token_end(session, T + later_ms, LIVES, level=level_at(session, T + later_ms, LIVES))


@given(st.integers(0, 40 * 86_400_000))
def test_no_token_above_remembered_outlives_the_proof_and_none_the_session(later_ms):
    level = level_at(NEW, T + later_ms, LIVES)
    end = token_end(NEW, T + later_ms, LIVES, level=level)

    assert end <= NEW.ends_ms // 1000
    if rank(level) > rank("remembered"):
        assert (T + later_ms) // 1000 < end <= (T + 600_000) // 1000


@pytest.mark.parametrize(("issued", "end", "half"), [(0, 900, 450), (0, 901, 451), (7, 8, 8)])
def test_half_of_a_life_is_rounded_up(issued, end, half):
    assert half == token_half(issued * 1000, end)


def test_what_cannot_grow_has_no_time_to_be_renewed_at():
    assert T // 1000 + 450 == renew_after(NEW, T, T // 1000 + 900)
    assert renew_after(NEW, T, NEW.ends_ms // 1000) is None


def test_a_renewal_demotes():
    assert "remembered" == level_at(
        renewed(NEW, renewing(Presented(issued_ms=T, expires_at=T, renewals=0)), T + 1, T + 1), T + 1, LIVES
    )


def test_the_explicit_lifetime_is_that_of_an_access_token_unless_it_is_set():
    def of(**sessions):
        return lifetimes_of(
            Config(store="memory://", issuer="i", audience="a", keys="k/", sessions=SessionConfig(**sessions))
        )

    assert of().access_ms == of().explicit_ms == 900_000
    assert 60_000 == of(explicit_lifetime_seconds=60).explicit_ms
    assert (43_200_000, 14 * 86_400_000, 30 * 86_400_000, 10_000) == (
        of().short_absolute_ms, of().idle_ms, of().absolute_ms, of().grace_ms
    )  # fmt: skip
