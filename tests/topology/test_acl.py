"""The user of the documentation can do everything, and each of its permissions is needed."""

import re
import time
from contextlib import suppress

import pytest

from project_files import PROJECT
from safeconduct import Account
from safeconduct.cli.doctor.store_checks import check_store
from safeconduct.errors import AuthError, TooEarly
from safeconduct.events import StoreUnavailable
from store_servers import KINDS, Server
from topology_sites import Site

PAGE = (PROJECT / "docs/how-to/run-with-sentinel-or-a-cluster.md").read_text("utf-8")
#: Of a server, of a cluster beside that, and of the sentinels.
FULL, OF_CLUSTER, OF_SENTINELS = (
    line.split() for line in re.findall(r"<!-- the tests create this user -->\n```text\n(.*)\n```", PAGE)
)
COMMANDS = [word for word in FULL if word.startswith("+")]
OLDER_THAN_WAITAOF = "redis"


@pytest.fixture(scope="module", params=KINDS)
def durable(request):
    """Provide a primary with a replica that keeps every change on its disk."""
    primary, replica = (Server(request.param, "--repl-diskless-sync-delay", "0") for _ in range(2))
    primary.keep_changes("always")
    replica.say("REPLICAOF", "127.0.0.1", primary.port)
    while replica.statistic("replication", "master_link_status") != "up":
        time.sleep(0.02)
    yield primary
    replica.stop()
    primary.stop()


def create_user(server, *more):
    words = [word for word in FULL if word != "+waitaof" or server.kind != OLDER_THAN_WAITAOF]
    assert "OK" in server.say("ACL", "DELUSER", "safeconduct") + "OK"
    assert "+OK" in server.say(*words, *more)
    return f"redis://safeconduct:password@127.0.0.1:{server.port}/1"


def use(url):
    """Do everything that needs the store, and return what did not go well."""
    seen, events = [], []
    for options in ({}, {"consistency": "bounded"}, {"tokens": {"format": "opaque"}}):
        site = Site(url, "wsgi", options.pop("consistency", "strict"), min_replicas=1, **options)
        try:
            seen += _live(site)
        except AuthError as error:
            seen.append(type(error).__name__)
        finally:
            site.close()
        events += [event.reason for event in site.events if isinstance(event, StoreUnavailable)]
        if seen or events:
            break
    return seen + events + [finding.text for finding in check_store(site.config) if finding.verdict != "ok"]


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
    sessions.sign_out(ended)
    seen += [] if 401 == site.status(ended) else ["not refused"]
    sessions.sign_out_everywhere("alice")
    return seen + ([] if 401 == site.status(kept) else ["not refused"])


def test_the_user_can_do_everything(durable):
    assert [] == use(create_user(durable))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_needed(durable, command):
    """Without it something fails, or an event or ``doctor`` says so."""
    if durable.kind == OLDER_THAN_WAITAOF:
        pytest.skip("once is enough")

    assert [] != use(create_user(durable, f"-{command[1:]}"))
