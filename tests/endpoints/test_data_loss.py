"""Detect at the endpoints that a server lost data: ended sessions stay ended, and an event reports it."""

import pytest

from data_loss import DATA_LOSSES
from login_site import LoginClient, LoginSite, reopened
from safeconduct.events import StoreLost
from store_servers import KINDS, Server

# redis-py 5 leaves a lost Unix socket open until it is garbage-collected.
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
def data_loss(request, server):
    data_loss = DATA_LOSSES[request.param](server)
    yield data_loss
    data_loss.stop()


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
    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"], with_cookies=False)


def test_e1_what_was_signed_out_before_the_data_went_back_stays_out(worker, data_loss, clock, format_of_tokens):
    """A worker that knows of later data proves the loss, and nobody has to sign in twice."""
    site = worker(tokens={"format": format_of_tokens})
    client = LoginClient(site)
    client.get_tokens(remember=True)
    data_loss.begin()
    sign_out(client)
    data_loss.lose_data()
    clock.advance(seconds=60)

    assert (401, 401) == (client.use(), client.refresh())
    assert 1 == len(losses(site))
    assert (200, 200, 200) == (client.get_tokens(remember=True), client.use(), client.refresh())
    assert 1 == len(losses(site))


def test_e1_a_sign_in_may_be_the_first_to_see_it(worker, data_loss, clock, format_of_tokens):
    site = worker(tokens={"format": format_of_tokens})
    out, back = LoginClient(site), LoginClient(site)
    out.get_tokens(remember=True)
    data_loss.begin()
    sign_out(out)
    data_loss.lose_data()
    clock.advance(seconds=60)

    assert (200, 200) == (back.get_tokens(), back.use())
    assert (401, 401) == (out.use(), out.refresh())
    assert 1 == len(losses(site))


def test_e1_every_other_worker_follows_the_one_that_saw_it(worker, data_loss, clock, format_of_tokens):
    """This holds for a worker that was started since, too."""
    first, second = (worker(tokens={"format": format_of_tokens}) for _ in range(2))
    client, elsewhere = LoginClient(first), LoginClient(second)
    client.get_tokens(remember=True)
    elsewhere.get_tokens("bob", "builder")
    data_loss.begin()
    sign_out(client)
    data_loss.lose_data()
    clock.advance(seconds=60)
    client.use()

    for site in (second, worker(tokens={"format": format_of_tokens})):
        again = LoginClient(site)
        again.tokens = client.tokens
        assert (401, 401) == (again.use(), again.refresh())
        assert (200, 200) == (again.get_tokens(), again.use())
    assert 1 == len(losses(second))


def test_e2_a_fresh_worker_at_an_emptied_store_refuses_what_another_life_of_it_issued(
    worker, server, clock, format_of_tokens
):
    """No process knows the old epoch any more, but session ids carry its tag."""
    first = worker(tokens={"format": format_of_tokens})
    client = LoginClient(first)
    client.get_tokens(remember=True)
    sign_out(client)
    server.say("FLUSHALL")
    clock.advance(seconds=60)
    second = worker(tokens={"format": format_of_tokens})
    late = LoginClient(second)
    late.tokens = client.tokens

    assert (401, 401) == (late.use(), late.refresh())
    # The record of an opaque token is lost, so it proves nothing and does not pass.
    assert (["token"] if format_of_tokens == "jws" else []) == losses(second)
    assert (200, 200, 200) == (late.get_tokens(remember=True), late.use(), late.refresh())


def test_e2_what_a_later_state_issued_proves_that_the_data_went_back(worker, data_loss, clock):
    """A new worker knows nothing, but a token issued after the data's last change proves the loss."""
    first = worker()
    client, later = LoginClient(first), LoginClient(first)
    client.get_tokens(remember=True)
    data_loss.begin()
    sign_out(client)
    clock.advance(seconds=5)
    later.get_tokens("bob", "builder", remember=True)
    data_loss.lose_data()
    clock.advance(seconds=60)
    second = worker()
    late, seen = LoginClient(second), LoginClient(second)
    late.tokens, seen.tokens = client.tokens, later.tokens

    assert (401, 401) == (seen.use(), late.use())
    assert 1 == len(losses(second))
    assert 401 == late.refresh()
    assert (200, 200) == (late.get_tokens(), late.use())


def test_e2_a_refresh_token_ahead_of_its_record_proves_it_too(worker, data_loss, clock):
    first = worker()
    out, ahead = LoginClient(first), LoginClient(first)
    out.get_tokens(remember=True)
    ahead.get_tokens("bob", "builder", remember=True)
    data_loss.begin()
    sign_out(out)
    ahead.refresh()
    ahead.refresh()
    data_loss.lose_data()
    clock.advance(seconds=60)
    second = worker()
    late = LoginClient(second)
    late.tokens = ahead.tokens

    assert 401 == late.refresh()
    assert 1 == len(losses(second))
    late.tokens = out.tokens
    assert (401, 401) == (late.use(), late.refresh())
    assert (200, 200) == (late.get_tokens(), late.use())
