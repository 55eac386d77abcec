"""Load the scripts that Redis and Valkey run, each of them one atomic step on one slot."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which a server knows it."""

    text: str
    sha: str


def _load(*names: str) -> Script:
    folder = files(__name__)
    text = "".join(folder.joinpath(f"{name}.lua").read_text("utf-8") for name in names)
    # Redis identifies a script by this digest; no security depends on it.
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


_SHARD = ("clock", "shard", "history")

ASK = _load(*_SHARD, "ask")
ASK_ALL = _load(*_SHARD, "ask_all")
ISSUE_TIME = _load(*_SHARD, "pruning", "issue_time")
REVOKE = _load(*_SHARD, "pruning", "cut_off", "revoke")
MARK_USED = _load(*_SHARD, "pruning", "cut_off", "mark_used")
CLAIM_SHARDS = _load("claim_shards")
BEGIN_EPOCH = _load(*_SHARD, "begin_epoch")
COUNT_TRY = _load("clock", "count_try")
FAIL_TRY = _load("clock", "fail_try")
GIVE_BACK = _load("clock", "give_back")

_SESSION = (*_SHARD, "pruning", "cut_off", "session_age", "session")
SESSION_OPEN = _load(*_SESSION, "session_open")
SESSION_ROTATE = _load(*_SESSION, "rotate_chain", "session_rotate")
SESSION_RENEW = _load(*_SESSION, "session_renew")
SESSION_STEP_UP = _load(*_SESSION, "rotate_chain", "session_step_up")
SESSION_FAIL = _load(*_SESSION, "session_fail")
SESSION_TOUCH = _load(*_SESSION, "session_touch")
SESSION_END = _load(*_SESSION, "session_end")
SESSION_END_ALL = _load(*_SHARD, "pruning", "cut_off", "session_end_all")
SESSION_CONFIRM = _load(*_SHARD, "session_confirm")
SESSION_READ = _load(*_SHARD, "session_age", "session_read")
SESSION_INDEX = _load(*_SHARD, "session_index")

OPAQUE_KEEP = _load(*_SHARD, "opaque_keep")
OPAQUE_RESOLVE = _load(*_SHARD, "opaque_resolve")

_API_KEY = (*_SHARD, "session_age", "api_key")
API_KEY_CREATE = _load(*_SHARD, "pruning", "session_age", "api_key", "api_key_create")
API_KEY_USE = _load(*_API_KEY, "api_key_use")
API_KEY_LIST = _load(*_API_KEY, "api_key_list")

VIEW_STATE = _load(*_SHARD, "view_state")
BEAT = _load("clock", "beat")
LEASE = _load("clock", "lease")
WRITE_BACK = _load(*_SHARD, "pruning", "cut_off", "write_back")
