"""Detect at the endpoints that a server lost data: ended sessions stay ended, and an event reports it."""

import pytest

from data_loss import DATA_LOSSES
from login_site import LoginClient, LoginSite, reopened
from safeconduct.events import StoreLost
from store_servers import KINDS, Server

# redis-py 5 leaves the socket open, until it is collected, where a Unix socket is gone.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(params=KINDS)
def server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture(params=DATA_LOSSES)
def accident(request, server):
    accident = DATA_LOSSES[request.param](server)
    yield accident
    accident.stop()


@pytest.fixture
def worker(server, world, moment):
    """Start workers over one server, each with its own connections and its own knowledge of the data."""
    made = []

    def start(**fields):
        site = LoginSite(world, clock=moment.clock, stores=reopened(server, moment, print), **fields)
        made.append(site)
        return site

    yield start
    for site in made:
        site.close()


def losses(site):
    return [event.witness for event in site.events if isinstance(event, StoreLost)]


def sign_out(client):
    assert 204 == client.ask("POST", "/auth/logout", bearer=client.tokens["access_token"], with_cookies=False)


def test_e1_what_was_signed_out_before_the_data_went_back_stays_out(worker, accident, clock, format_of_tokens):
    """A worker that knows of later data proves the loss, and nobody has to sign in twice."""
    site = worker(tokens={"format": format_of_tokens})
    client = LoginClient(site)
    client.take(remember=True)
    accident.begin()
    sign_out(client)
    accident.strike()
    clock.advance(seconds=60)

    assert (401, 401) == (client.use(), client.refresh())
    assert 1 == len(losses(site))
    assert (200, 200, 200) == (client.take(remember=True), client.use(), client.refresh())
    assert 1 == len(losses(site))


def test_e1_a_sign_in_may_be_the_first_to_see_it(worker, accident, clock, format_of_tokens):
    site = worker(tokens={"format": format_of_tokens})
    out, back = LoginClient(site), LoginClient(site)
    out.take(remember=True)
    accident.begin()
    sign_out(out)
    accident.strike()
    clock.advance(seconds=60)

    assert (200, 200) == (back.take(), back.use())
    assert (401, 401) == (out.use(), out.refresh())
    assert 1 == len(losses(site))


def test_e1_every_other_worker_follows_the_one_that_saw_it(worker, accident, clock, format_of_tokens):
    """This holds for a worker that was started since, too."""
    first, second = (worker(tokens={"format": format_of_tokens}) for _ in range(2))
    client, elsewhere = LoginClient(first), LoginClient(second)
    client.take(remember=True)
    elsewhere.take("bob", "builder")
    accident.begin()
    sign_out(client)
    accident.strike()
    clock.advance(seconds=60)
    client.use()

    for site in (second, worker(tokens={"format": format_of_tokens})):
        again = LoginClient(site)
        again.tokens = client.tokens
        assert (401, 401) == (again.use(), again.refresh())
        assert (200, 200) == (again.take(), again.use())
    assert 1 == len(losses(second))


def test_e2_a_fresh_worker_at_an_emptied_store_refuses_what_another_life_of_it_issued(
    worker, server, clock, format_of_tokens
):
    """No process knows the old epoch any more, but session ids carry its tag."""
    first = worker(tokens={"format": format_of_tokens})
    client = LoginClient(first)
    client.take(remember=True)
    sign_out(client)
    server.say("FLUSHALL")
    clock.advance(seconds=60)
    second = worker(tokens={"format": format_of_tokens})
    late = LoginClient(second)
    late.tokens = client.tokens

    assert (401, 401) == (late.use(), late.refresh())
    # The record of an opaque token is lost, so it proves nothing and does not pass.
    assert (["token"] if format_of_tokens == "jws" else []) == losses(second)
    assert (200, 200, 200) == (late.take(remember=True), late.use(), late.refresh())


def test_e2_what_a_later_state_issued_proves_that_the_data_went_back(worker, accident, clock):
    """A new worker knows nothing, but a token issued after the data's last change proves the loss."""
    first = worker()
    client, later = LoginClient(first), LoginClient(first)
    client.take(remember=True)
    accident.begin()
    sign_out(client)
    clock.advance(seconds=5)
    later.take("bob", "builder", remember=True)
    accident.strike()
    clock.advance(seconds=60)
    second = worker()
    late, seen = LoginClient(second), LoginClient(second)
    late.tokens, seen.tokens = client.tokens, later.tokens

    assert (401, 401) == (seen.use(), late.use())
    assert 1 == len(losses(second))
    assert 401 == late.refresh()
    assert (200, 200) == (late.take(), late.use())


def test_e2_a_refresh_token_ahead_of_its_record_proves_it_too(worker, accident, clock):
    first = worker()
    out, ahead = LoginClient(first), LoginClient(first)
    out.take(remember=True)
    ahead.take("bob", "builder", remember=True)
    accident.begin()
    sign_out(out)
    ahead.refresh()
    ahead.refresh()
    accident.strike()
    clock.advance(seconds=60)
    second = worker()
    late = LoginClient(second)
    late.tokens = ahead.tokens

    assert 401 == late.refresh()
    assert 1 == len(losses(second))
    late.tokens = out.tokens
    assert (401, 401) == (late.use(), late.refresh())
    assert (200, 200) == (late.take(), late.use())
