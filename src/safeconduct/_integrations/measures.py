"""
Define what is counted of the events, the same for Prometheus and OpenTelemetry.

No label has a value that a caller chooses, so that nobody can make the number of time series grow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from safeconduct.events import (
    ClientTokenIssued,
    ClientTokenReused,
    Event,
    Fault,
    HandOverReused,
    HookFailed,
    RefreshReused,
    RenewReused,
    RequestRefused,
    Revoked,
    SessionEnded,
    SignedIn,
    SignInFailed,
    SteppedUp,
    StoreRecovered,
    StoreUnavailable,
    Throttled,
)

EVENT: Final = "event"
"""The label with the name of the event's class."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A counter: its name, what it counts in words, the events that it counts, and the fields that are its labels."""

    name: str
    description: str
    events: tuple[type[Event], ...]
    labels: tuple[str, ...] = ()
    #: The field that says how many this event stands for; None for one.
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """One step of a counter."""

    name: str
    labels: dict[str, str]
    amount: int


MEASURES: Final = (
    Measure("refusals", "Requests that were refused", (RequestRefused,), ("status", "error")),
    Measure("sign_ins", "Sessions that began", (SignedIn,), ("level",)),
    Measure("step_ups", "Users who proved again who they are", (SteppedUp,), ("level",)),
    Measure("failed_sign_ins", "Wrong passwords", (SignInFailed,), ("scheme",)),
    Measure("throttled", "Attempts that were refused before a password was compared", (Throttled,), amount="refused"),
    Measure("sessions_ended", "Sessions that ended before they expired", (SessionEnded,), ("reason",)),
    Measure("revocations", "Revocations", (Revoked,), ("kind",)),
    Measure("client_tokens", "Tokens that services got", (ClientTokenIssued,), ("grant_type",)),
    Measure(
        "reuses",
        "Credentials that were used a second time",
        (RefreshReused, RenewReused, ClientTokenReused, HandOverReused),
        (EVENT,),
    ),
    Measure("faults", "Exceptions in safeconduct or in a hook of the application", (Fault, HookFailed), (EVENT,)),
    Measure("events", "All events", (Event,), (EVENT,)),
)
"""Every counter."""


def counts_of(event: Event) -> Iterator[Count]:
    """Yield the steps that *event* means."""
    for measure in MEASURES:
        if isinstance(event, measure.events):
            labels = {name: _label(event, name) for name in measure.labels}
            yield Count(measure.name, labels, 1 if measure.amount is None else getattr(event, measure.amount))


def store_state(event: Event) -> bool | None:
    """Return whether the store answers, if *event* tells it; else None."""
    match event:
        case StoreUnavailable():
            return False
        case StoreRecovered():
            return True
        case _:
            return None


def _label(event: Event, name: str) -> str:
    return type(event).__name__ if name == EVENT else str(getattr(event, name))
