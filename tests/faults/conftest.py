"""Fixtures of the fault runs, and the table that they print: one line for each test of a row of the fault list."""

import contextlib
import gc
import re
import shutil
from collections import defaultdict

import pytest

from faulty_connections import Proxy
from proxied_site import MODES, OtherProcess, ProxiedSite, descriptors, watch_connections
from store_servers import KINDS, Server

_HEADINGS = ("row", "fault", "worlds", "consistency", "answers", "longest", "sent", "back after", "seen")
_seen = defaultdict(list)


@pytest.fixture(scope="session", params=zip(("asgi", "wsgi"), KINDS, strict=True), ids="-".join)
def pair(request):
    """Return a world and a kind of server: each of both is in one half of the runs."""
    return request.param


@pytest.fixture(scope="session", autouse=True)
def few_objects():
    """Let the garbage collector pass over what was there before, since it is called twice for each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def world(pair):
    return pair[0]


@pytest.fixture(scope="session")
def kind(pair):
    # Where there is no Redis, the other half of the runs uses Valkey too.
    return pair[1] if shutil.which("redis-server") else "valkey"


@pytest.fixture(scope="session")
def living_server(kind):
    server = Server(kind)
    yield server
    server.stop()


@pytest.fixture
def server(living_server):
    """Return an emptied server as it is configured by default."""
    for words in (
        ("FLUSHALL",),
        ("SCRIPT", "FLUSH"),
        ("CONFIG", "SET", "maxmemory", "0"),
        ("CONFIG", "SET", "maxmemory-policy", "noeviction"),
    ):
        living_server.say(*words)
    return living_server


@pytest.fixture
def fresh_server(kind):
    """Return a server that a test may kill."""
    server = Server(kind)
    yield server
    server.stop()


@pytest.fixture
def open_proxy():
    """Open proxies to a port."""
    with contextlib.ExitStack() as opened:

        def make(port):
            proxy = Proxy(port)
            opened.callback(proxy.stop)
            return proxy

        yield make


@pytest.fixture
def proxy(server, open_proxy):
    return open_proxy(server.port)


@pytest.fixture
def other(server):
    """Return another process, which is not behind the proxy."""
    process = OtherProcess(server.url)
    yield process
    process.close()


@pytest.fixture
def opened_by(open_proxy):
    """Open a proxy to a server, and another process that shares its store."""
    with contextlib.ExitStack() as opened:

        def make(server):
            process = OtherProcess(server.url)
            opened.callback(process.close)
            return open_proxy(server.port), process

        yield make


@pytest.fixture(params=MODES, ids=str)
def mode(request):
    return request.param


@pytest.fixture
def open_site(request, world, mode, monkeypatch):
    """Open applications, check the invariants of every run at the end, and note what was seen."""
    watch_connections(monkeypatch)
    gc.collect()
    before, sites = descriptors(), []

    def make(url, **options):
        site = ProxiedSite(options.pop("world", world), options.pop("mode", mode), url, **options)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()
        if site.view is not None and site.stores._follower.is_started:
            site.stores._follower._thread.join()
    gc.collect()
    assert descriptors() <= before
    decisions = [decision for site in sites for decision in site.decisions]
    # At most one wait to the end of the deadline, and none that was allowed to be longer.
    assert all(decision.longest_grant <= decision.deadline_seconds for decision in decisions)
    assert all(decision.timeouts <= 1 for decision in decisions)
    _seen[request.node.originalname].append((world, str(mode), sites, getattr(request.node, "note", "")))


@pytest.fixture
def site(open_site, proxy):
    return open_site(proxy.url)


@pytest.fixture
def note(request):
    """Add what a test saw to the table."""

    def add(text):
        request.node.note = text

    return add


def pytest_terminal_summary(terminalreporter):
    """Print the table."""
    if not _seen:
        return
    rows = [_HEADINGS, *sorted((_row(name, runs) for name, runs in _seen.items()), key=_order)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    terminalreporter.section("faults")
    for row in rows:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def _order(row):
    return int(row[0][1:]) if row[0][1:].isdigit() else 99, row[1]


def _row(name, runs):
    number, fault = re.fullmatch(r"test_(?:a(\d+)_)?(.*)", name).groups()
    sites = [site for _, _, opened, _ in runs for site in opened]
    decisions = [decision for site in sites for decision in site.decisions]
    counts = defaultdict(int)
    for decision in decisions:
        counts[str(decision.status or "cut")] += 1
    longest = max((decision.seconds / decision.deadline_seconds for decision in decisions), default=0)
    return (
        f"A{number}" if number else "-",
        fault.replace("_", " "),
        "+".join(sorted({world for world, *_ in runs})),
        "; ".join(dict.fromkeys(mode for _, mode, *_ in runs)),
        ", ".join(f"{count} of {status}" for status, count in sorted(counts.items())),
        f"{longest:.2f} deadlines",
        str(sum(decision.exchanges for decision in decisions)),
        str(max((site.recovered_after for site in sites), default=0)),
        "; ".join(dict.fromkeys(note for *_, note in runs if note)),
    )
