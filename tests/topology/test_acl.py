"""The user of the documentation can do everything, and each of its permissions is needed."""

import re
import time
from contextlib import suppress

import pytest
from redis.crc import key_slot

from project_files import PROJECT
from safeconduct import Account
from safeconduct.cli.doctor.store_checks import check_store
from safeconduct.errors import AuthError, TooEarly
from safeconduct.events import RevocationsRestored, StoreUnavailable
from server_groups import SERVICE, Sentinel, until
from store_servers import KINDS, Server
from topology_sites import Site

PAGE = (PROJECT / "docs/how-to/run-with-sentinel-or-a-cluster.md").read_text("utf-8")
#: Of a server, of a cluster beside that, and of the sentinels.
FULL, OF_CLUSTER, OF_SENTINELS = (
    line.split() for line in re.findall(r"<!-- the tests create this user -->\n```text\n(.*)\n```", PAGE)
)
#: Where this one is refused, the script answers instead.
OPTIONAL = "+zmscore"
COMMANDS = [word for word in FULL if word.startswith("+") and word != OPTIONAL]
OLDER_THAN_WAITAOF = "redis"
OPAQUE = {"tokens": {"format": "opaque"}}
SHORT_GRACE = {"sessions": {"refresh_grace_seconds": 1}}


@pytest.fixture(scope="module", params=KINDS)
def durable(request):
    """Provide a primary with a replica that keeps every change on its disk."""
    options = ("--repl-diskless-sync-delay", "0", "--min-replicas-to-write", "1")
    primary, replica = (Server(request.param, *options) for _ in range(2))
    primary.keep_changes("always")
    replica.say("REPLICAOF", "127.0.0.1", primary.port)
    # The primary counts it once the replica has acknowledged something.
    while primary.statistic("replication", "min_slaves_good_slaves") != "1":
        time.sleep(0.02)
    primary.sentinel = Sentinel(request.param, primary.port)
    primary.sentinel.say(*OF_SENTINELS)
    yield primary
    for each in (primary.sentinel, replica, primary):
        each.stop()


def create_user(server, *more):
    words = [word for word in FULL if word != "+waitaof" or server.kind != OLDER_THAN_WAITAOF]
    server.say("ACL", "DELUSER", "safeconduct")
    server.say("FLUSHALL")
    server.say("SCRIPT", "FLUSH")
    assert "+OK" in server.say(*words, *more)
    login = "sentinel_username=safeconduct&sentinel_password=password"
    return f"redis+sentinel://safeconduct:password@127.0.0.1:{server.sentinel.port}/{SERVICE}/1?{login}"


def use(server, url):
    """Do everything that needs the store, and return what did not go well."""
    seen, events = [], []
    for consistency, options in (("strict", SHORT_GRACE), ("strict", OPAQUE), ("bounded", {})):
        site = Site(url, "wsgi", consistency, min_replicas=1, **options)
        try:
            seen += _live(site)
            if options is SHORT_GRACE and not seen:
                _refresh_later(site.auth.sessions)
            if consistency == "bounded" and not seen:
                seen += [finding.text for finding in check_store(site.config) if finding.verdict != "ok"]
                seen += _lose_data(server, site)
        except AuthError as error:
            seen.append(type(error).__name__)
        finally:
            site.close()
        events += [event.reason for event in site.events if isinstance(event, StoreUnavailable)]
        if seen or events:
            break
    return seen + events


def _refresh_later(sessions):
    """Refresh, and once more when the token before can no longer be presented."""
    first = sessions.sign_in(Account("alice"), username="alice", remember=True)
    second = sessions.refresh(first.refresh_token.value)
    later = time.monotonic() + 1.1
    until(lambda: time.monotonic() > later, "the end of the grace")
    sessions.refresh(second.refresh_token.value)


def _lose_data(server, site):
    """Revoke a key, empty the server, and say whether the key is revoked again."""
    assert site.auth.sessions.revoke_key("stolen").shards
    site.becomes_current(site.sign_in())
    server.say("FLUSHALL")
    try:
        until(lambda: any(isinstance(event, RevocationsRestored) for event in site.events), "what was lost", seconds=3)
    except AssertionError:
        return ["not written back"]
    return []


def _live(site):
    sessions = site.auth.sessions
    seen = [] if site.log_in() else ["no sign-in"]
    tokens = sessions.sign_in(Account("alice"), username="alice", remember=True)
    tokens = sessions.refresh(tokens.refresh_token.value)
    with suppress(TooEarly):
        sessions.renew(tokens.access_token)
    kept, ended = tokens.access_token, sessions.sign_in(Account("alice")).access_token
    if site.consistency == "bounded" and not site.becomes_current(kept):
        seen.append("no view")
    seen += [] if 200 == site.status(kept) else ["not served"]
    sessions.sign_in(Account("bob"))
    receipt = sessions.end(sessions.list("bob")[0].session_id)
    seen += [] if (1, "durable") == (receipt.replicas, receipt.durability) else ["not durable"]
    other = Site(site.config.store.url)
    other.sign_in()
    other.auth.sessions.revoke_subject("bob")
    other.close()
    sessions.sign_out(ended)
    seen += [] if 401 == site.status(ended) else ["not refused"]
    sessions.sign_out_everywhere("alice")
    return seen + ([] if 401 == site.status(kept) else ["not refused"])


def test_the_user_can_do_everything(durable):
    assert [] == use(durable, create_user(durable))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_needed(durable, command):
    """Without it something fails, or an event or ``doctor`` says so."""
    if durable.kind == OLDER_THAN_WAITAOF:
        pytest.skip("once is enough")

    assert [] != use(durable, create_user(durable, f"-{command[1:]}"))


@pytest.fixture
def user_of_cluster(cluster):
    """Create the user on every node, without the commands in *but*, and return the URL."""

    def create(but=()):
        for node in cluster.nodes:
            node.say("ACL", "DELUSER", "safeconduct")
            assert "+OK" in node.say(*(word for word in FULL if word != "+waitaof"))
            assert "+OK" in node.say(*(word for word in OF_CLUSTER if word not in but))
        # A node that is a replica by now would not be believed.
        primaries = [cluster.owner(slot) for slot in (100, 8000)]
        return "redis+cluster://safeconduct:password@" + ",".join(f"127.0.0.1:{each.port}" for each in primaries)

    return create


def test_the_user_can_do_everything_in_a_cluster(user_of_cluster, open_site):
    site = open_site(user_of_cluster(), "wsgi", "strict", shards=8)

    kept, ended = site.pair_on(3)

    assert (200, 401) == (site.status(kept), site.status(ended))
    assert not any(isinstance(event, StoreUnavailable) for event in site.events)


def test_a_cluster_whose_slots_cannot_be_read_is_reported(user_of_cluster, open_site):
    """It is served all the same: any node says where a slot is."""
    site = open_site(user_of_cluster(but={"+cluster|slots"}), "wsgi", "strict", shards=8)

    kept, ended = site.pair_on(3)

    assert (200, 401) == (site.status(kept), site.status(ended))
    assert any("NOPERM" in event.reason for event in site.events if isinstance(event, StoreUnavailable))


def test_without_asking_a_slot_on_its_way_is_not_served(user_of_cluster, open_site, cluster):
    site = open_site(user_of_cluster(but={"+asking"}), "wsgi", "strict", shards=8)
    _, ended = site.pair_on(3)
    slot = key_slot(b"{sc:03}")
    source = cluster.owner(slot)
    target = next(
        node for node in {cluster.owner(100), cluster.owner(8000), cluster.owner(16000)} if node is not source
    )

    cluster.begin_move(slot, target)
    for key in cluster.keys_in(source, slot):
        cluster.move_key(source, target, key)
    on_its_way = site.status(ended)
    cluster.end_move(slot, source, target)

    assert (503, 401) == (on_its_way, site.status(ended))
