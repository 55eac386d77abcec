"""Start a server before its store (fault 32)."""

import pytest

from store_servers import Server
from worker_processes import ServedWorkers, fresh, wait_for


@pytest.fixture
def late(valkey):
    """Return a server that does not run yet."""
    server = Server(valkey.kind)
    server.kill()
    yield server
    server.stop()


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn sync", "gunicorn gthread"])
def test_b32_a_server_starts_before_its_store_and_serves_once_it_is_there(kind, late, consistency):
    """Until then what is public is served, and everything else is 503 and asks to come back."""
    served = ServedWorkers(kind, store_url=late.url, consistency=consistency, workers=1)
    try:
        token = fresh()
        public = [served.ask("/open", each) for each in (token, None)]
        closed = [served.ask("/me", token) for _ in range(3)]
        without = served.ask("/me")
        late.start()
        wait_for(lambda: served.ask("/me", token).status == 200)

        assert [200, 200] == [response.status for response in public]
        assert {(503, ())} == {(response.status, response.values("www-authenticate")) for response in closed}
        assert all(response.values("retry-after") for response in closed)
        assert 1 == len({response.body for response in closed})
        assert 401 == without.status
        assert 200 == served.ask("/me", fresh()).status
    finally:
        served.close()
