"""A server whose data went back in time, through the endpoints: what was ended stays ended, and an event tells."""

import pytest

from accidents import ACCIDENTS
from safeconduct.events import StoreLost
from servers import KINDS, Server
from visiting import Place, Visitor, reopened

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


@pytest.fixture(params=ACCIDENTS)
def accident(request, server):
    accident = ACCIDENTS[request.param](server)
    yield accident
    accident.stop()


@pytest.fixture
def worker(server, world, moment):
    """Start workers over one server, each with its own connections and knowledge."""
    made = []

    def start(**fields):
        place = Place(world, clock=moment.clock, stores=reopened(server, moment, print), **fields)
        made.append(place)
        return place

    yield start
    for place in made:
        place.close()


def losses(place):
    return [event.witness for event in place.events if isinstance(event, StoreLost)]


def sign_out(visitor):
    assert 204 == visitor.ask("POST", "/auth/logout", bearer=visitor.held["access_token"], with_jar=False)


def test_e1_what_was_signed_out_before_the_data_went_back_stays_out(worker, accident, clock, format_of_tokens):
    """The worker that knows of it proves the loss by its mark; nobody has to sign in twice."""
    place = worker(tokens={"format": format_of_tokens})
    visitor = Visitor(place)
    visitor.take(remember=True)
    accident.begin()
    sign_out(visitor)
    accident.strike()
    clock.advance(seconds=60)

    assert (401, 401) == (visitor.use(), visitor.refresh())
    assert 1 == len(losses(place))
    assert (200, 200, 200) == (visitor.take(remember=True), visitor.use(), visitor.refresh())
    assert 1 == len(losses(place))


def test_e1_a_sign_in_may_be_the_first_to_see_it(worker, accident, clock, format_of_tokens):
    place = worker(tokens={"format": format_of_tokens})
    out, back = Visitor(place), Visitor(place)
    out.take(remember=True)
    accident.begin()
    sign_out(out)
    accident.strike()
    clock.advance(seconds=60)

    assert (200, 200) == (back.take(), back.use())
    assert (401, 401) == (out.use(), out.refresh())
    assert 1 == len(losses(place))


def test_e1_every_other_worker_follows_the_one_that_saw_it(worker, accident, clock, format_of_tokens):
    """Also one that was started since, and would have believed the old copy."""
    first, second = (worker(tokens={"format": format_of_tokens}) for _ in range(2))
    visitor, elsewhere = Visitor(first), Visitor(second)
    visitor.take(remember=True)
    elsewhere.take("bob", "builder")
    accident.begin()
    sign_out(visitor)
    accident.strike()
    clock.advance(seconds=60)
    visitor.use()

    for place in (second, worker(tokens={"format": format_of_tokens})):
        again = Visitor(place)
        again.held = visitor.held
        assert (401, 401) == (again.use(), again.refresh())
        assert (200, 200) == (again.take(), again.use())
    assert 1 == len(losses(second))


def test_e2_a_fresh_worker_at_an_emptied_store_refuses_what_another_life_of_it_issued(
    worker, server, clock, format_of_tokens
):
    """Nobody is left who knew the old epoch, but the token does: the ids of sessions bear its tag."""
    first = worker(tokens={"format": format_of_tokens})
    visitor = Visitor(first)
    visitor.take(remember=True)
    sign_out(visitor)
    server.say("FLUSHALL")
    clock.advance(seconds=60)
    second = worker(tokens={"format": format_of_tokens})
    late = Visitor(second)
    late.held = visitor.held

    assert (401, 401) == (late.use(), late.refresh())
    # Of an opaque token nothing is left that could prove anything, and nothing that could pass.
    assert (["token"] if format_of_tokens == "jws" else []) == losses(second)
    assert (200, 200, 200) == (late.take(remember=True), late.use(), late.refresh())


def test_e2_what_a_later_state_issued_proves_that_the_data_went_back(worker, accident, clock):
    """A fresh worker has no mark; a token that the data has not stamped is as good."""
    first = worker()
    visitor, later = Visitor(first), Visitor(first)
    visitor.take(remember=True)
    accident.begin()
    sign_out(visitor)
    clock.advance(seconds=5)
    later.take("bob", "builder", remember=True)
    accident.strike()
    clock.advance(seconds=60)
    second = worker()
    late, seen = Visitor(second), Visitor(second)
    late.held, seen.held = visitor.held, later.held

    assert (401, 401) == (seen.use(), late.use())
    assert 1 == len(losses(second))
    assert 401 == late.refresh()
    assert (200, 200) == (late.take(), late.use())


def test_e2_a_refresh_token_ahead_of_its_record_proves_it_too(worker, accident, clock):
    first = worker()
    out, ahead = Visitor(first), Visitor(first)
    out.take(remember=True)
    ahead.take("bob", "builder", remember=True)
    accident.begin()
    sign_out(out)
    ahead.refresh()
    ahead.refresh()
    accident.strike()
    clock.advance(seconds=60)
    second = worker()
    late = Visitor(second)
    late.held = ahead.held

    assert 401 == late.refresh()
    assert 1 == len(losses(second))
    late.held = out.held
    assert (401, 401) == (late.use(), late.refresh())
    assert (200, 200) == (late.take(), late.use())
