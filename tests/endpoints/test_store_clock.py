"""Accept tokens that a store with another clock has stamped."""

import pytest

from login_site import ACCESS, LoginClient, LoginSite, stores_of
from login_stack import ManualTime
from safeconduct.events import ClockSkewed
from store_servers import KINDS
from table_tokens import mint

LEEWAY = 10


class Apart(ManualTime):
    """A store's clock that is a number of seconds ahead of the process's."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def shift_ms(self):
        return super().shift_ms() + self.seconds * 1000


@pytest.fixture(params=KINDS)
def begin(request, servers, world):
    made = []

    def site(seconds, **fields):
        moment = Apart(seconds)
        stores = stores_of(request.param, servers(request.param), moment, print)
        made.append(LoginSite(world, clock=moment.clock, stores=stores, **fields))
        return made[-1]

    yield site
    for one in made:
        one.close()


def skews(site):
    return [event.skew_ms // 1000 for event in site.events if isinstance(event, ClockSkewed)]


@pytest.mark.parametrize("seconds", [-60, 60, 600], ids=str)
def test_e7_each_new_token_counts_by_the_stores_clock(begin, seconds, format_of_tokens):
    """A store that is ahead by more than the leeway must not make every token 401."""
    site = begin(seconds, tokens={"format": format_of_tokens})
    client, page = LoginClient(site), LoginClient(site)

    assert (200, 200, 200, 200) == (client.get_tokens(remember=True), client.use(), client.refresh(), client.use())
    assert (200, 200) == (page.sign_in(), page.request("GET", "/me"))
    assert ACCESS in page.cookies
    # The two readings may be half a millisecond apart.
    assert 1 == len(skews(site))
    assert abs(skews(site)[0] + seconds) <= 2


@pytest.mark.parametrize("seconds", [0, 60], ids=str)
def test_e7_a_rule_that_asks_nothing_learns_the_time_all_the_same(begin, seconds):
    site = begin(seconds, revocation={"consistency": "none"})
    client = LoginClient(site)

    assert (200, 200) == (client.get_tokens(), client.use())


@pytest.mark.parametrize(
    ("seconds", "consistency"), [(-60, "strict"), (0, "strict"), (60, "strict"), (0, "none"), (60, "none")], ids=str
)
def test_e7_a_token_of_the_stores_future_is_refused(begin, seconds, consistency):
    """Status, code and field are as for any other; the application is not called."""
    site = begin(seconds, revocation={"consistency": consistency})
    assert 200 == LoginClient(site).get_tokens()
    issued = int(site.clock()) + seconds + LEEWAY + 5
    answers = [
        site.request("GET", "/me", [("authorization", f"Bearer {token}")])
        for token in [mint(iat=issued, iat_ms=issued * 1000, exp=issued + 900)] * 2
    ]

    assert [401, 401] == [answer.status for answer in answers]
    assert all(b"invalid_token" in answer.body for answer in answers)
    assert all('error="invalid_token"' in answer.values("www-authenticate")[0] for answer in answers)
    assert ["NotYetValidToken"] * 2 == [event.error for event in site.events if hasattr(event, "error")][-2:]
