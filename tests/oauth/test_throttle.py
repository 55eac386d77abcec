"""Wrong secrets and assertions are counted by network, and by client and network, never by client alone."""

import pytest

from memory_directory import run
from oauth_site import SECRETS, OAuthClient, assertion, basic
from safeconduct._http.forwarded import UNKNOWN
from safeconduct.errors import TooManyAttempts
from safeconduct.events import Throttled, UnknownPeer
from table_tokens import OWN_KEY
from throttles import HOME, MemoryThrottle

PER_CLIENT, PER_NETWORK = 4 * 5, 4 * 50
PROXIES = {"proxies": {"trusted": ["192.0.2.1"]}, "login": {}}
HERE, ELSEWHERE = (("x-forwarded-for", f"198.51.100.{last}") for last in (1, 2))


def ask(client, header, *, where=HERE):
    return client.token(headers=[header, where])


@pytest.fixture
def client(make):
    return OAuthClient(make(**PROXIES))


def test_wrong_secrets_are_refused_from_a_limit_on(client):
    """429 with Retry-After, in the form of OAuth; then the right one is refused too."""
    statuses = [ask(client, basic("reports", "wrong")) for _ in range(PER_CLIENT)]

    assert [401] * PER_CLIENT == statuses
    assert 429 == ask(client, basic("reports", SECRETS["reports"]))
    assert "temporarily_unavailable" == client.json["error"]
    assert 0 < int(client.response.values("retry-after")[0]) <= 900
    assert 1 == len([event for event in client.site.events if isinstance(event, Throttled)])


def test_a_service_is_not_locked_out_from_another_network(client):
    for _ in range(PER_CLIENT + 1):
        ask(client, basic("reports", "wrong"), where=ELSEWHERE)

    assert 429 == ask(client, basic("reports", SECRETS["reports"]), where=ELSEWHERE)
    assert 200 == ask(client, basic("reports", SECRETS["reports"]))


def test_another_client_of_the_same_network_goes_on(client):
    for _ in range(PER_CLIENT):
        ask(client, basic("reports", "wrong"))

    assert 200 == ask(client, basic("nightly", SECRETS["nightly"]))


def test_a_network_has_a_limit_of_its_own(client):
    """Whatever names it invents."""
    statuses = [ask(client, basic(f"guess-{number}", "wrong")) for number in range(PER_NETWORK)]

    assert {401} == set(statuses)
    assert 429 == ask(client, basic("reports", SECRETS["reports"]))
    assert 200 == ask(client, basic("reports", SECRETS["reports"]), where=ELSEWHERE)


def test_a_limit_opens_again(client):
    for _ in range(PER_CLIENT):
        ask(client, basic("reports", "wrong"))

    client.site.clock.advance(seconds=901)

    assert 200 == ask(client, basic("reports", SECRETS["reports"]))


def test_a_right_secret_clears_what_failed_before(client):
    for _ in range(2):
        for _ in range(PER_CLIENT - 1):
            ask(client, basic("reports", "wrong"))
        assert 200 == ask(client, basic("reports", SECRETS["reports"]))


def test_assertions_are_counted_alike(client):
    wrong = assertion(key=OWN_KEY)
    form = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}

    for _ in range(PER_CLIENT):
        client.token(headers=[HERE], client_assertion=wrong, **form)

    assert 429 == client.token(headers=[HERE], client_assertion=assertion(), **form)
    assert 200 == client.token(headers=[ELSEWHERE], client_assertion=assertion(), **form)


def test_many_tokens_are_no_attempts(client):
    """What succeeds is given back."""
    assert {200} == {ask(client, basic("reports", SECRETS["reports"])) for _ in range(PER_CLIENT + 1)}


def test_passwords_and_secrets_have_counters_of_their_own(client):
    """A user with the name of a client does not lock it out, nor the reverse."""
    for _ in range(PER_CLIENT):
        ask(client, basic("alice", "wrong"))

    response = client.site.request(
        "POST", "/auth/login", [("content-type", "application/json"), HERE], b'{"username":"alice","password":"wonder"}'
    )

    assert 200 == response.status


def test_clients_whose_network_is_unknown_share_one_limit(world):
    """Behind a proxy that is not configured, no client has a limit that another could use up."""
    counters = MemoryThrottle(world, failures_per_network=1, failures_per_account_and_network=1)
    begin = counters.throttle.begin_client

    for _ in range(4 * 20):
        attempt = run(world, begin("reports", network=UNKNOWN))
        run(world, counters.throttle.fail(attempt))

    with pytest.raises(TooManyAttempts):
        run(world, begin("nightly", network=UNKNOWN))
    assert isinstance(counters.events[0], UnknownPeer)
    run(world, begin("nightly", network=HOME))
