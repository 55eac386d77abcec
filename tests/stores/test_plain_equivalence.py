"""The plain commands and the script give the same answers, whatever happened before."""

import random
from dataclasses import replace

import pytest

from safeconduct._core.revocation_keys import epoch_tag
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import Revocation
from safeconduct.testing.store_contract.revocations import question
from worlds import Blocking

META, REV, CUT = (f"safeconduct:{{sc:00}}:{name}" for name in ("meta", "rev", "cut"))
STEPS = 150
MARKS = [b"t%016d" % number for number in range(4)]
CUTS = [b"u%016d" % number for number in range(4)]


class History:
    """Two processes at one server, tokens of different ages, and what may happen to them."""

    def __init__(self, world, other, server, draw):
        self.world, self.other, self.server, self.draw = world, other, server, draw
        world.run(world.store.begin_epoch(0, reason="new", seen=None))
        self.queries = [self.issued() for _ in range(3)]

    def issued(self):
        """Return the question about a new token."""
        iat_ms = self.world.run(self.world.store.issue_time(question(cuts=CUTS))).iat_ms
        ends_ms = self.draw.choice([1 << 52, iat_ms + 1_000])
        tag = self.draw.choice([None, epoch_tag(self.epoch().name)])
        marks, cuts = (tuple(self.draw.sample(keys, self.draw.randint(1, 3))) for keys in (MARKS, CUTS))
        return RevocationQuery(0, marks, cuts, iat_ms, ends_ms, tag)

    def epoch(self):
        return self.world.run(self.world.store.ask(question())).epoch

    def step(self):
        """Let one thing happen."""
        self.draw.choice([self.issue, self.revoke, self.lift, self.prune, self.draw_line, self.forge])()

    def issue(self):
        self.queries.append(self.issued())

    def revoke(self):
        kind, keys = self.draw.choice([("token", MARKS), ("subject", CUTS)])
        revocation = Revocation(kind, self.draw.choice(keys), (0,), 1 << 50)
        if self.draw.random() < 0.5:
            self.world.run(self.world.store.revoke(0, revocation))
        else:
            self.other.run(self.other.store.revoke(0, revocation))

    def lift(self):
        """Let an operator lift revocations by hand, so that not every token stays revoked."""
        self.server.say("ZREM", REV, *MARKS)
        self.server.say("ZREM", CUT, *CUTS)

    def prune(self):
        self.server.say("HSET", META, "pruned_s", str(self.draw.choice(self.queries).issued_ms // 1000))

    def draw_line(self):
        """Let another run of a server take the data over."""
        self.server.say("HSET", META, "run", f"run-{self.draw.random()}")

    def forge(self):
        """Show a token that is older than the data."""
        self.queries.append(replace(self.issued(), issued_ms=self.draw.randint(0, 5), instance=None))


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_is_that_of_the_script(enter, open_stores, server, seed):
    world, other = enter(open_stores(server.url)), Blocking(open_stores(server.url))
    history = History(world, other, server, random.Random(seed))  # noqa: S311 - a test's choice
    answers = set()

    for _ in range(STEPS):
        history.step()
        for query in history.draw.sample(history.queries, 3):
            plain = world.run(world.store.ask(query))
            script = world.run(world.store._ask_by_script(query))
            assert (script.epoch, script.is_revoked) == (plain.epoch, plain.is_revoked)
            answers.add((plain.now_ms is None, plain.is_revoked))

    # Both ways gave both answers.
    assert 4 == len(answers)
