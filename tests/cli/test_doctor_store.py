"""What the doctor finds about the store, a real one."""

import pytest

from command_line import finding_texts, findings, run, write_configuration
from safeconduct.cli.doctor import store_checks
from safeconduct.config import Config
from safeconduct.stores.redis.connection import ConnectionBroken, ServerError
from safeconduct.stores.redis.epoch_file import EpochFile
from safeconduct.stores.redis.marks import Mark


@pytest.mark.usefixtures("shared")
def test_a_healthy_installation_fails_nothing():
    """Status 0, and every finding that is not ok says what to do."""
    ended = run("doctor")

    assert 0 == ended.code
    assert "ok    store: it is a primary" in ended.out
    assert "ok    store: it evicts nothing (noeviction)" in ended.out
    assert all(remedy for verdict, _, _, remedy in findings() if verdict != "ok")
    assert "" == finding_texts("fail")


def test_without_a_configuration_it_fails():
    """The first finding is the only one."""
    ended = run("doctor", "--json")

    assert 1 == ended.code
    assert ["configuration"] == [each["subject"] for each in ended.json]


@pytest.mark.usefixtures("shared")
def test_evicting_is_a_failure(server):
    """The remedy is the exact command."""
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    ended = run("doctor")

    assert 1 == ended.code
    assert "fail  store: it may evict revocations (allkeys-lru)" in ended.out
    assert "→ CONFIG SET maxmemory-policy noeviction" in ended.out


def test_accepted_eviction_is_a_warning(shared, server):
    """By name, and still told."""
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    write_configuration(shared, store=server.url, more="[safeconduct.revocation]\naccept_eviction = true")

    said = finding_texts("warn")

    assert "revocation.accept_eviction" in said
    assert "which revocation.accept_eviction allows" in said


def test_a_store_that_is_away_is_a_failure(folder):
    """No answer is a finding, not a traceback."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    assert "store: it does not answer: ConnectionError" in finding_texts("fail")


@pytest.mark.parametrize(
    ("store", "told"),
    [("memory://", "one process's own memory"), ("none", "nothing can be revoked")],
)
def test_a_store_of_ones_own_is_a_warning(folder, store, told):
    """Right for one process, wrong for two."""
    write_configuration(folder, store=store)

    assert told in finding_texts("warn")


@pytest.mark.usefixtures("shared")
def test_a_lost_epoch_is_told_and_adopted(server):
    """By hand only, and what it costs is said."""
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
    """A shared store only."""
    ended = run("doctor", "--adopt-epoch")

    assert 2 == ended.code
    assert "--adopt-epoch needs a store" in ended.err


def test_nothing_is_adopted_without_a_configuration():
    """Not even said to be."""
    assert 2 == run("doctor", "--adopt-epoch").code


def test_nothing_is_adopted_while_the_store_is_away(folder):
    """Nor while it refuses to write."""
    write_configuration(folder, store="redis://127.0.0.1:1/0")

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "The store does not answer" in ended.err


@pytest.mark.usefixtures("shared")
def test_nothing_is_adopted_where_the_store_refuses(server):
    """A refusal is not a success."""
    server.say("SET", "safeconduct:{sc:00}:meta", "no hash")

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "The store refuses" in ended.err
    assert "epoch: shard 0 cannot be read" in finding_texts("fail")


def test_a_password_and_a_database_go_first(folder, server):
    """As a request's connection has it; a wrong password is told without it."""
    server.say("ACL", "SETUSER", "app", "on", ">right", "~*", "+@all")
    address = f"127.0.0.1:{server.port}/1"

    write_configuration(folder, store=f"redis://app:right@{address}")
    assert "" == finding_texts("fail")
    write_configuration(folder, store=f"redis://app:wrong@{address}")
    assert "store: it does not answer: AuthenticationError" in finding_texts("fail")
    write_configuration(folder, store=f"redis://app:right@127.0.0.1:{server.port}/99")
    assert "store: it does not answer: it refuses user, password or database" in finding_texts("fail")
    write_configuration(folder, store=f"redis://:wrong@{address}")
    assert "wrong" not in run("doctor").out


def test_a_server_that_tells_little_is_told(folder, server):
    """What may not be asked is a finding of its own."""
    server.say("ACL", "SETUSER", "mute", "on", "nopass", "~*", "+@all", "-config", "-info", "-role", "-time")
    write_configuration(folder, store=f"redis://mute:x@127.0.0.1:{server.port}/0")

    said = " ".join((finding_texts("warn"), finding_texts("fail")))

    assert "its role cannot be read" in said
    assert "its maxmemory-policy cannot be read" in said
    assert "the time of the store cannot be read" in said


def test_durability_is_told(folder, server):
    """An append-only file, and replicas that are waited for."""
    write_configuration(folder, store=server.url, more="[safeconduct.revocation]\nmin_replicas = 2")
    server.say("CONFIG", "SET", "appendonly", "yes")

    said, failed = finding_texts("ok"), finding_texts("fail")
    server.say("CONFIG", "SET", "appendonly", "no")

    assert "append-only file" in said
    assert "0 replicas, and revocation.min_replicas is 2" in failed


@pytest.mark.parametrize(
    ("finding", "verdict", "told"),
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
def test_what_a_test_server_does_not_do(finding, verdict, told):
    """A replica, a slow server, a clock that runs away."""
    assert verdict == finding.verdict
    assert told in finding.text


def test_a_link_that_breaks_is_dropped(folder, server, monkeypatch):
    """Nothing is left open."""
    write_configuration(folder, store=server.url)
    monkeypatch.setattr(store_checks, "_TIMEOUT_SECONDS", 0.0)
    server.pause()
    try:
        with pytest.raises(ConnectionBroken):
            store_checks.send(Config.load(), [("TIME",)])
    finally:
        server.resume()


def test_e1_a_planned_move_is_adopted_before_it(shared, server, tmp_path):
    """An empty store is believed on what it never knew, and the file of the old one is written anew."""
    file = tmp_path / "epochs.json"
    EpochFile(file).merge({0: Mark("another", 1 << 50, b"line", b"5-0")})
    write_configuration(shared, store=server.url, more=f'[safeconduct.revocation]\nepoch_file = "{file}"')
    server.say("FLUSHALL")

    assert "adopted on 1 shards" in finding_texts("ok", "--adopt-epoch")
    assert "shard 0 was adopted" in finding_texts("ok")
    [mark] = EpochFile(file).read().values()
    assert mark.epoch in server.say("HGET", "safeconduct:{sc:00}:meta", "epoch")
    assert "nothing to adopt" in finding_texts("ok", "--adopt-epoch")


def test_e1_what_cannot_be_written_into_the_file_is_told(shared, server, tmp_path):
    file = tmp_path / "epochs.json"
    write_configuration(shared, store=server.url, more=f'[safeconduct.revocation]\nepoch_file = "{file}"')
    (tmp_path / "epochs.json.lock").mkdir()

    ended = run("doctor", "--adopt-epoch")

    assert 1 == ended.code
    assert "revocation.epoch_file cannot be written" in ended.err
