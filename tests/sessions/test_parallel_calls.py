"""Send a hundred parallel calls from four processes: one wins, and all get what the winner got."""

import pytest

from racing_processes import RacingClient, RacingProcesses
from store_servers import KINDS

ROUNDS = 3


@pytest.fixture(params=KINDS)
def url(request, servers):
    server = servers(request.param)
    server.say("FLUSHALL")
    return server.socket_url


@pytest.fixture
def runner(url):
    runner = RacingClient(url)
    yield runner
    runner.world.close()


@pytest.fixture
def racers(url):
    racers = RacingProcesses(url)
    yield racers
    racers.stop()


def test_a_hundred_parallel_refreshes_get_one_successor(runner, racers):
    """One chain stays valid (CVE-2026-1035), and an honest client with many tabs is not signed out."""
    value = runner.sign_in().refresh_token.value
    for _ in range(ROUNDS):
        results = racers.race("refresh", value)

        assert 100 == len(results)
        assert 1 == len(set(results)), set(results)
        assert value not in results
        value = results[0]

    assert runner.refresh(value)


def test_a_hundred_parallel_renewals_get_one_token(runner, racers):
    tokens = runner.sign_in()
    given = runner.name_of(tokens)[:4]
    for number in range(ROUNDS):
        results = racers.race("renew", given)

        assert 100 == len(results)
        assert 1 == len({tuple(one) for one in results}), results
        assert number + 1 == results[0][3]
        given = results[0][:4]
