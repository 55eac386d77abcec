"""Check a real store with ``safeconduct doctor``."""

from dataclasses import replace

import pytest

from command_line import finding_texts, findings, run, write_configuration
from safeconduct.cli.doctor import store_checks, view_checks
from safeconduct.cli.doctor.primaries import find_primaries
from safeconduct.config import Config
from safeconduct.stores.redis.connection import ConnectionBroken, ServerError
from safeconduct.stores.redis.watermarks import EpochFile, Watermark


@pytest.mark.usefixtures("shared")
def test_a_healthy_installation_fails_nothing():
    """The status is 0, and every finding that is not ok says what to do."""
    ended = run("doctor")

    assert 0 == ended.code
    assert "ok    store: it is a primary" in ended.out
    assert "ok    store: it evicts nothing (noeviction)" in ended.out
    assert all(remedy for verdict, _, _, remedy in findings() if verdict != "ok")
    assert "" == finding_texts("fail")


def test_without_a_configuration_it_fails():
    """There is only this finding."""
    ended = run("doctor", "--json")

    assert 1 == ended.code
    assert ["configuration"] == [each["subject"] for each in ended.json]


@pytest.mark.usefixtures("shared")
def test_evicting_is_a_failure(server):
    """The remedy is an exact command."""
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    ended = run("doctor")

    assert 1 == ended.code
    assert "fail  store: it may evict revocations (allkeys-lru)" in ended.out
    assert "→ CONFIG SET maxmemory-policy noeviction" in ended.out


def test_accepted_eviction_is_a_warning(shared, server):
    """An accepted eviction policy is still reported."""
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    write_configuration(shared, store=server.url, more="[safeconduct.revocation]\naccept_eviction = true")

    text = finding_texts("warn")

    assert "revocation.accept_eviction" in text
    assert "which revocation.accept_eviction allows" in text


def test_a_store_that_is_away_is_a_failure(folder):
    """A missing answer is a finding and not a traceback."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    assert "store: it does not answer: ConnectionError" in finding_texts("fail")


@pytest.mark.parametrize(
    ("store", "message"),
    [("memory://", "one process's own memory"), ("none", "nothing can be revoked")],
)
def test_a_store_of_ones_own_is_a_warning(folder, store, message):
    """The memory is right for one process and wrong for two."""
    write_configuration(folder, store=store)

    assert message in finding_texts("warn")


@pytest.mark.usefixtures("shared")
def test_a_lost_epoch_is_reported_and_adopted(server):
    """The operator must adopt it by hand, and learns what that costs."""
    run("token", "issue", "--subject", "alice")
    assert "has all data since" in finding_texts("ok")
    server.say("HSET", "safeconduct:{sc:00}:meta", "reason", "lost")
    assert "shard 0 lost data" in finding_texts("warn")

    adopted = finding_texts("ok", "--adopt-epoch")

    assert "adopted on 1 shards" in adopted
    assert "shard 0 was adopted" in adopted
    assert "nothing to adopt" in finding_texts("ok", "--adopt-epoch")


@pytest.mark.usefixtures("configured")
def test_there_is_nothing_to_adopt_in_memory():
    """Only a shared store can be adopted."""
    ended = run("doctor", "--adopt-epoch")

    assert 2 == ended.code
    assert "--adopt-epoch needs a store" in ended.err


def test_nothing_is_adopted_without_a_configuration():
    """The command does not claim success."""
    assert 2 == run("doctor", "--adopt-epoch").code


def test_nothing_is_adopted_while_the_store_is_away(folder):
    """The command fails while the server refuses writes."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "The store does not answer" in ended.err


@pytest.mark.usefixtures("shared")
def test_nothing_is_adopted_where_the_store_refuses(server):
    """A refused command is not a success."""
    server.say("SET", "safeconduct:{sc:00}:meta", "no hash")

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "The store refuses" in ended.err
    assert "epoch: shard 0 cannot be read" in finding_texts("fail")


def test_a_password_and_a_database_go_first(folder, server):
    """The password is used as by requests; a wrong one is reported without being shown."""
    server.say("ACL", "SETUSER", "app", "on", ">right", "~*", "+@all")
    address = f"127.0.0.1:{server.port}/1"

    write_configuration(folder, store=f"redis://app:right@{address}")
    assert "" == finding_texts("fail")
    write_configuration(folder, store=f"redis://app:wrong@{address}")
    text = "the store refuses user or password (NOAUTH, WRONGPASS)"
    assert ("fail", "store", text, "Correct them in store.url.") in findings()
    write_configuration(folder, store=f"redis://app:right@127.0.0.1:{server.port}/99")
    assert ("fail", "store", "the store refuses user, password or database", "Correct store.url.") in findings()
    write_configuration(folder, store=f"redis://:wrong@{address}")
    assert "wrong" not in run("doctor").out


def test_a_server_that_tells_little_is_reported(folder, server):
    """A forbidden command is a finding of its own."""
    server.say("ACL", "SETUSER", "mute", "on", "nopass", "~*", "+@all", "-config", "-info", "-role", "-time")
    write_configuration(folder, store=f"redis://mute:x@127.0.0.1:{server.port}/0")

    text = " ".join((finding_texts("warn"), finding_texts("fail")))

    assert "its role cannot be read" in text
    assert "its maxmemory-policy cannot be read" in text
    assert "the time of the store cannot be read" in text


def test_durability_is_reported(folder, server):
    """The store has an append-only file and waits for replicas."""
    write_configuration(folder, store=server.url, more="[safeconduct.revocation]\nmin_replicas = 2")
    server.say("CONFIG", "SET", "appendonly", "yes")

    text, failed = finding_texts("ok"), finding_texts("fail")
    server.say("CONFIG", "SET", "appendonly", "no")

    assert "append-only file" in text
    assert "0 replicas, and revocation.min_replicas is 2" in failed


@pytest.mark.parametrize(
    ("finding", "verdict", "message"),
    [
        (store_checks._role([b"slave", b"10.0.0.1"]), "fail", "it is a slave"),
        (store_checks._speed(10_000, Config(store="memory://", sources=["basic"])), "warn", "10000 ms"),
        (store_checks._clock([b"0", b"0"], Config(store="memory://", sources=["basic"])), "warn", "ahead of"),
        (
            store_checks._clock([b"99999999999", b"0"], Config(store="memory://", sources=["basic"])),
            "warn",
            "behind",
        ),
        (
            store_checks._policy(
                ServerError("NOPERM"), {"maxmemory_policy": "noeviction"}, Config(store="memory://", sources=["basic"])
            ),
            "ok",
            "noeviction",
        ),
    ],
    ids=["replica", "slow", "ahead", "behind", "policy"],
)
def test_what_a_test_server_does_not_do(finding, verdict, message):
    """A replica, a slow server and a clock that is off are findings."""
    assert verdict == finding.verdict
    assert message in finding.text


def test_a_link_that_breaks_is_dropped(folder, server):
    """No connection is left open."""
    write_configuration(folder, store=server.url)
    [primary] = find_primaries(Config.load().store, 1.0)
    server.pause()
    try:
        with pytest.raises(ConnectionBroken):
            primary.send([("TIME",)], 0.0)
    finally:
        server.resume()


@pytest.mark.usefixtures("shared")
def test_slots_that_no_node_has_are_a_failure(monkeypatch):
    """A cluster may serve the others all the same."""

    def of_no_shard(config, seconds):
        return [replace(primary, shards=()) for primary in find_primaries(config, seconds)]

    monkeypatch.setattr(store_checks, "find_primaries", of_no_shard)

    assert "no node has the slots of 1 shards" in finding_texts("fail")


@pytest.mark.usefixtures("shared")
def test_the_local_view_is_loaded_once(server):
    """The operator learns how much memory and time it takes, and a store without an epoch stays as it is."""
    assert "view" not in {subject for _, subject, _, _ in findings()}
    assert "meta" not in server.say("KEYS", "*")
    run("token", "issue", "--subject", "alice")
    assert 0 == run("revoke", "key", "stolen").code

    assert "view: a process loads 1 revocations in " in run("doctor").out


def test_a_local_view_that_takes_too_long_is_a_warning(shared, server, monkeypatch):
    """As that of a user who may not read the revocations."""
    run("token", "issue", "--subject", "alice")
    server.say("ACL", "SETUSER", "blind", "on", "nopass", "~*", "+@all", "-zrangebyscore")
    write_configuration(shared, store=f"redis://blind:any@127.0.0.1:{server.port}/0")
    monkeypatch.setattr(view_checks, "_TIMEOUT_SECONDS", 0)

    assert "it was not loaded within 0 seconds" in finding_texts("warn")
    server.say("ACL", "DELUSER", "blind")


def test_a_local_view_that_cannot_be_opened_is_a_warning(shared, server):
    run("token", "issue", "--subject", "alice")
    write_configuration(shared, store=server.url, more='[safeconduct.revocation]\nepoch_file = "/missing/file"')

    assert "it cannot be loaded: revocation.epoch_file" in finding_texts("warn")


def test_where_every_request_asks_there_is_no_local_view(shared, server):
    run("token", "issue", "--subject", "alice")
    write_configuration(shared, store=server.url, more='[safeconduct.revocation]\nconsistency = "strict"')

    assert "view" not in {subject for _, subject, _, _ in findings()}


def test_e1_a_planned_move_is_adopted_before_it(shared, server, tmp_path):
    """An adopted empty store is trusted, and the epoch file of the old one is replaced."""
    file = tmp_path / "epochs.json"
    EpochFile(file).merge({0: Watermark("another", 1 << 50, b"line", b"5-0")})
    write_configuration(shared, store=server.url, more=f'[safeconduct.revocation]\nepoch_file = "{file}"')
    server.say("FLUSHALL")

    assert "adopted on 1 shards" in finding_texts("ok", "--adopt-epoch")
    assert "shard 0 was adopted" in finding_texts("ok")
    [mark] = EpochFile(file).read().values()
    assert mark.epoch in server.say("HGET", "safeconduct:{sc:00}:meta", "epoch")
    assert "nothing to adopt" in finding_texts("ok", "--adopt-epoch")


def test_e1_what_cannot_be_written_into_the_file_is_reported(shared, server, tmp_path):
    file = tmp_path / "epochs.json"
    write_configuration(shared, store=server.url, more=f'[safeconduct.revocation]\nepoch_file = "{file}"')
    (tmp_path / "epochs.json.lock").mkdir()

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "revocation.epoch_file cannot be written" in ended.err


def test_another_number_of_shards_is_a_failure_and_not_adopted(shared, server):
    """Empty shards would be adopted as if nothing had ever been revoked in them."""
    run("token", "issue", "--subject", "alice")
    configuration = shared / "safeconduct.toml"
    table = f'store = {{ url = "{server.url}", shards = 4 }}'
    configuration.write_text(configuration.read_text().replace(f'store = "{server.url}"', table))
    keys = server.say("KEYS", "*")

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "The data are spread over 1 shards, and store.shards is 4" in ended.err
    assert keys == server.say("KEYS", "*")
    assert "shard 0 belongs to data that are spread over 1 shards, and store.shards is 4" in finding_texts("fail")
