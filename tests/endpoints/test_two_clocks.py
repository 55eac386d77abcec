"""A store whose clock is not ours: it stamps the tokens, so it says which of them are of the future."""

import pytest

from login_scene import Time
from minting import mint
from safeconduct.events import ClockSkewed
from servers import KINDS
from visiting import ACCESS, Place, Visitor, stores_of

LEEWAY = 10


class Apart(Time):
    """A store's clock that is so many seconds ahead of the process's."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def shift_ms(self):
        return super().shift_ms() + self.seconds * 1000


@pytest.fixture(params=KINDS)
def begin(request, servers, world):
    made = []

    def place(seconds, **fields):
        moment = Apart(seconds)
        stores = stores_of(request.param, servers(request.param), moment, print)
        made.append(Place(world, clock=moment.clock, stores=stores, **fields))
        return made[-1]

    yield place
    for one in made:
        one.close()


def skews(place):
    return [event.skew_ms // 1000 for event in place.events if isinstance(event, ClockSkewed)]


@pytest.mark.parametrize("seconds", [-60, 60, 600], ids=str)
def test_e7_each_new_token_counts_by_the_stores_clock(begin, seconds, format_of_tokens):
    """Ahead by more than the leeway, every token was 401, and nothing told why."""
    place = begin(seconds, tokens={"format": format_of_tokens})
    visitor, page = Visitor(place), Visitor(place)

    assert (200, 200, 200, 200) == (visitor.take(remember=True), visitor.use(), visitor.refresh(), visitor.use())
    assert (200, 200) == (page.sign_in(), page.ask("GET", "/me"))
    assert ACCESS in page.jar
    # Half a millisecond may lie between the two readings.
    assert 1 == len(skews(place))
    assert abs(skews(place)[0] + seconds) <= 2


@pytest.mark.parametrize("seconds", [0, 60], ids=str)
def test_e7_a_rule_that_asks_nothing_learns_the_time_all_the_same(begin, seconds):
    place = begin(seconds, revocation={"consistency": "none"})
    visitor = Visitor(place)

    assert (200, 200) == (visitor.take(), visitor.use())


@pytest.mark.parametrize(
    ("seconds", "consistency"), [(-60, "strict"), (0, "strict"), (60, "strict"), (0, "none"), (60, "none")], ids=str
)
def test_e7_a_token_of_the_stores_future_is_refused(begin, seconds, consistency):
    """Status, code and field as for any other; the application is not called."""
    place = begin(seconds, revocation={"consistency": consistency})
    assert 200 == Visitor(place).take()
    issued = int(place.clock()) + seconds + LEEWAY + 5
    answers = [
        place.ask("GET", "/me", [("authorization", f"Bearer {token}")])
        for token in [mint(iat=issued, iat_ms=issued * 1000, exp=issued + 900)] * 2
    ]

    assert [401, 401] == [answer.status for answer in answers]
    assert all(b"invalid_token" in answer.body for answer in answers)
    assert all('error="invalid_token"' in answer.values("www-authenticate")[0] for answer in answers)
    assert ["NotYetValidToken"] * 2 == [event.error for event in place.events if hasattr(event, "error")][-2:]
