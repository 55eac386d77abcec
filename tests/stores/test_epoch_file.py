"""Share what the processes of a machine know of a store in a file that outlives them."""

import fcntl
import json
import re
import threading
import time

import pytest

from safeconduct import Auth, Config
from safeconduct._core.store import Revocation
from safeconduct.errors import ConfigurationError, RevokedToken, Unavailable
from safeconduct.events import StoreLost
from safeconduct.stores.redis.watermarks import EpochFile, Watermark, Watermarks
from safeconduct.testing.store_contract.revocations import TOKEN, question
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY, mint

META, LOG = "safeconduct:{sc:00}:meta", "safeconduct:{sc:00}:log"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "epochs.json"


@pytest.fixture
def file(path):
    return EpochFile(path)


def mark(head=1, *, epoch="e", began=1, line=b"l"):
    return Watermark(epoch, began, line, b"%d-0" % head)


def revoke(world, revocation_key=TOKEN):
    return world.run(world.store.revoke(0, Revocation("token", revocation_key, (0,), 1 << 50)))


def ask(world):
    return world.run(world.store.ask(question())).epoch


def test_e1_a_file_proves_the_loss_where_every_process_has_ended(enter, open_stores, server, path):
    """A revocation is in the file before the next command, however the process ends."""
    old = enter(open_stores(server.url, epoch_file=path))
    old.run(old.store.begin_epoch(0, reason="new", seen=None))
    revoke(old)
    server.say("DEL", LOG)
    server.say("HDEL", META, "head")

    assert "new" == ask(enter(open_stores(server.url))).reason
    assert "mark" == ask(enter(open_stores(server.url, epoch_file=path))).witness


def test_e1_an_emptied_store_is_no_new_one_where_the_file_knows_another(server, path):
    """All processes have ended, and tokens without sessions prove no loss."""

    def begin():
        heard = []
        config = Config(
            issuer=ISSUER, audience=AUDIENCE, keys={"keys": [OWN_KEY, SECRETS_KEY]}, sources=["bearer"],
            store={"url": server.url, "deadline_ms": 5000}, revocation={"epoch_file": path, "consistency": "strict"},
        )  # fmt: skip
        return Auth(config, listeners=[heard.append]), heard

    now = int(time.time()) - 5
    token = mint(iat=now, iat_ms=now * 1000, exp=now + 600)
    first, _ = begin()
    assert "alice" == first.verify(token).subject
    first.sessions.revoke_subject("alice")
    first.close()
    server.say("FLUSHALL")
    second, heard = begin()

    with pytest.raises(Unavailable):
        second.verify(token)
    with pytest.raises(RevokedToken):
        second.verify(token)
    assert [StoreLost(shard=0, witness="empty")] == [event for event in heard if isinstance(event, StoreLost)]
    second.close()


def test_e1_what_others_did_is_written_once_a_second_and_at_the_end(enter, open_stores, server, path, monotonic, file):
    stores = open_stores(server.url, epoch_file=path)
    writer, reader = enter(open_stores(server.url)), enter(stores)
    writer.run(writer.store.begin_epoch(0, reason="new", seen=None))
    ask(reader)
    first = file.read()[0]
    revoke(writer)
    ask(reader)
    assert first == file.read()[0]

    monotonic.seconds += 1
    ask(reader)
    second = file.read()[0]
    revoke(writer, b"t" + b"x" * 16)
    ask(reader)
    stores.end()

    assert first.order < second.order < file.read()[0].order


def test_e1_a_question_without_a_script_writes_the_file_too(enter, open_stores, server, path, monotonic, file):
    """A process that dies leaves what it knew, whichever way it asked last."""
    writer, reader = enter(open_stores(server.url)), enter(open_stores(server.url, epoch_file=path))
    writer.run(writer.store.begin_epoch(0, reason="new", seen=None))
    iat_ms = writer.run(writer.store.issue_time(question())).iat_ms
    token = question(marks=[b"t" + b"y" * 16], issued_ms=iat_ms)
    reader.run(reader.store.ask(token))
    first = file.read()[0]
    revoke(writer)
    reader.run(reader.store.ask(token))
    assert first == file.read()[0]
    monotonic.seconds += 1

    status = reader.run(reader.store.ask(token))

    assert status.now_ms is None
    assert first.order < file.read()[0].order


def test_e1_processes_that_share_a_file_lose_nothing_of_each_other(path):
    """Each merges under the lock; the largest entry of each shard remains, and the file is never half-written."""
    files = [EpochFile(path) for _ in range(4)]

    def write(number):
        for head in range(10):
            while not files[number].merge({number: mark(head), 9: mark(10 * head + number)}):
                """Another one is writing."""

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {**{number: mark(9) for number in range(4)}, 9: mark(93)} == files[0].read()
    assert {"epochs.json", "epochs.json.lock"} == {one.name for one in path.parent.iterdir()}


def test_e1_a_process_that_is_writing_is_not_waited_for(file, path):
    """Waiting for the lock could block an event loop, so a failed write is repeated with the next one."""
    with path.with_name("epochs.json.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not file.merge({0: mark()})
        assert {} == file.read()

    assert file.merge({0: mark()})
    assert {0: mark()} == file.read()


def test_e1_an_older_mark_does_not_replace_a_later_one(file):
    for one in (mark(5), mark(4), mark(9, epoch="older", began=0)):
        assert file.merge({0: one})

    assert {0: mark(5)} == file.read()
    assert file.merge({0: mark(1, epoch="younger", began=2)})
    assert {0: mark(1, epoch="younger", began=2)} == file.read()


def written(**changed):
    fields = {"epoch": "e", "epoch_ms": 1, "line": "", "head": "1-0"} | changed
    return json.dumps({"version": 1, "shards": {"0": fields}})


BROKEN = {
    "no JSON": "{",
    "nothing": "",
    "another version": json.dumps({"version": 2, "shards": {}}),
    "no object": "[]",
    "no number": written(epoch_ms="x"),
    "no head": written(head="x"),
    "no line": written(line=7),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_e1_a_file_that_cannot_be_read_stops_the_start(open_stores, server, path, text):
    """Otherwise its knowledge would be lost without notice."""
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=re.escape(f"revocation.epoch_file: {path} cannot be read")):
        open_stores(server.url, epoch_file=path)


def test_e1_a_folder_in_its_place_stops_the_start_too(open_stores, server, path):
    path.mkdir()

    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_stores(server.url, epoch_file=path)
    with pytest.raises(ConfigurationError, match="is not a folder"):
        open_stores(server.url, epoch_file=path / "missing" / "epochs.json")


def test_e1_what_could_not_be_written_is_reported_once_and_written_later(file, path, caplog):
    marks = Watermarks(file, monotonic=iter(range(100)).__next__)
    blocked = path.with_name("epochs.json.lock")
    blocked.mkdir()
    for head in (1, 2):
        marks.keep(0, mark(head), is_own=True)
    assert 1 == len([record for record in caplog.records if "epoch_file" in record.getMessage()])
    assert not path.exists()

    blocked.rmdir()
    marks.flush()
    marks.flush()

    assert {0: mark(2)} == file.read()
