"""What clients of several servers do at the edges: configuration, forks, closing, and the reports of doctor."""

import pytest

from safeconduct._core.budget import current_budget, within_one_budget
from safeconduct._core.run_sync import run_sync
from safeconduct.cli.doctor.store_checks import adopt_epoch, check_store
from safeconduct.cli.output import CommandFailed
from safeconduct.errors import Unavailable
from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis.cluster import ShardClient
from safeconduct.stores.redis.connection import ServerError
from server_groups import SERVICE
from store_servers import free_port
from topology_sites import Site

SHARDS = 8


def reasons(site):
    return " ".join(event.reason for event in site.events if isinstance(event, StoreUnavailable))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace(f"/{SERVICE}", "/other"), "other: no sentinel has a primary of the service"),
        (
            lambda url: f"{url}?sentinel_username=safeconduct&sentinel_password=wrong",
            "sentinels refuse user or password",
        ),
        (lambda _: f"redis+sentinel://127.0.0.1:{free_port()}/{SERVICE}", f"{SERVICE}: no sentinel answers"),
    ],
    ids=["service", "password", "address"],
)
def test_a_wrong_name_of_the_sentinels_is_reported(group, open_site, change, reason):
    site = open_site(change(group.url), "wsgi", "strict")

    assert [None] * 3 == [site.tokens() for _ in range(3)]

    assert reason in reasons(site)
    assert "wrong" not in reasons(site)


def test_a_user_of_the_sentinels_who_may_not_ask_them_is_reported(group, open_site):
    for sentinel in group.sentinels:
        sentinel.say("ACL", "SETUSER", "idle", "on", ">pw", "-@all", "+ping")
    site = open_site(f"{group.url}?sentinel_username=idle&sentinel_password=pw", "wsgi", "strict")

    assert [None] * 3 == [site.tokens() for _ in range(3)]

    assert "sentinels refuse user or password" in reasons(site)


def test_where_one_sentinel_is_away_another_one_is_asked(group, open_site):
    site = open_site(group.url.replace("://", f"://127.0.0.1:{free_port()},"), "wsgi", "strict")

    assert 200 == site.status(site.sign_in())


@pytest.mark.parametrize("consistency", ["strict", "bounded"])
def test_a_forked_child_asks_the_sentinels_anew(group, open_site, consistency):
    begin_anew(open_site(group.url, "wsgi", consistency))


@pytest.mark.parametrize("consistency", ["strict", "bounded"])
def test_a_forked_child_asks_a_cluster_anew(cluster, open_site, consistency):
    begin_anew(open_site(cluster.url, "wsgi", consistency, shards=SHARDS))


def begin_anew(site):
    """Do in this process what a forked child does."""
    kept = site.sign_in()
    assert 200 == site.status(kept)

    site.stores.begin_process()

    assert 200 == site.status(kept)


def test_a_client_of_a_cluster_whose_loop_is_closed_drops_every_connection(cluster, open_site):
    site = open_site(cluster.url, "wsgi", "strict", shards=SHARDS)
    site.status(site.sign_in())
    client = site.stores._threads.client()
    assert any(node._pool._connections for node in client._clients.values())

    client.abandon()

    assert not any(node._pool._connections for node in client._clients.values())


def test_a_request_that_has_used_its_deadline_asks_no_node(cluster, open_site):
    site = open_site(cluster.url, "wsgi", "strict", shards=SHARDS)

    @within_one_budget
    async def late():
        current_budget().spent_seconds = 3600.0
        await site.stores.blocking().begin_epoch(0, reason="new", seen=None)

    with pytest.raises(Unavailable, match="deadline"):
        run_sync(late())


def test_a_cluster_of_which_no_node_answers_is_unavailable(open_site):
    site = open_site(f"redis+cluster://127.0.0.1:{free_port()}", "wsgi", "strict")

    assert site.tokens() is None


def test_a_server_that_is_no_cluster_is_asked_as_one_node(group, open_site):
    """It names no slots, and has all of them."""
    site = open_site(f"redis+cluster://127.0.0.1:{group.primary.port}", "wsgi", "strict")

    assert 200 == site.status(site.sign_in())


def test_a_shard_that_has_moved_is_not_reported(cluster, open_site):
    """The next command goes to the right node."""
    site = open_site(cluster.url, "wsgi", "strict", shards=SHARDS)
    client = ShardClient(site.stores._threads.client(), b"{sc:00}")

    assert "moved" in str(client.refused(ServerError("MOVED")))
    run_sync(client.send([("PING",)], seconds=5))
    assert "NOPERM" in client.refused(ServerError("NOPERM")).reason
    client.close()


def test_doctor_names_the_primary_of_the_sentinels(group, open_site):
    site = open_site(group.url, "wsgi", "strict")
    site.sign_in()

    texts = {f"{each.verdict} {each.subject}: {each.text}" for each in check_store(site.config)}

    subject = f"store 127.0.0.1:{group.primary.port}"
    assert f"ok {subject}: 3 sentinels; this is the primary of {SERVICE}" in texts
    assert f"ok {subject}: it is a primary" in texts
    assert f"ok {subject}: 1 replicas; a revocation waits for 0" in texts
    assert f"warn {subject}: a partitioned primary is believed until its clients fail over" in texts


def test_doctor_names_the_nodes_of_a_cluster(cluster, open_site):
    url = cluster.url.replace("://", f"://127.0.0.1:{free_port()},")
    site = open_site(url, "wsgi", "strict", shards=SHARDS)
    site.sign_in()

    findings = list(check_store(site.config))
    adopted = [each.text for each in adopt_epoch(site.config)]

    named = [each.text for each in findings if "a node of a cluster" in each.text]
    assert 3 == len(named)
    assert SHARDS == sum(int(text.split("with ")[1].split()[0]) for text in named)
    assert not [each for each in findings if each.verdict == "fail"]
    assert ["adopted on" in text or "nothing to adopt" in text for text in adopted] == [True]


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_doctor_says_that_no_primary_is_found(kind):
    rest = f"/{SERVICE}" if kind == "sentinel" else ""
    site = Site(f"redis+{kind}://127.0.0.1:{free_port()}{rest}")

    assert ["fail"] == [each.verdict for each in check_store(site.config)]
    with pytest.raises(CommandFailed):
        list(adopt_epoch(site.config))
    site.close()
