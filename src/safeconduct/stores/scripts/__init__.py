"""The scripts that Redis and Valkey run, each one atomic step on one slot."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script and what a server that has it calls it."""

    text: str
    sha: str


def _load(*names: str) -> Script:
    folder = files(__name__)
    text = "".join(folder.joinpath(f"{name}.lua").read_text("utf-8") for name in names)
    # Redis names a script by this digest; nothing rests on its strength.
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ASK = _load("clock", "shard", "ask")
STAMP = _load("clock", "shard", "stamp")
REVOKE = _load("clock", "shard", "revoke")
BEGIN_EPOCH = _load("clock", "shard", "begin_epoch")
COUNT_TRY = _load("clock", "count_try")
GIVE_BACK = _load("clock", "give_back")
