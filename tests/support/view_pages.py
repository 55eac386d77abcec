"""Pages of a snapshot, made of keys and instants."""

from array import array

from safeconduct._core.revocation_query import REVOCATION_KEY_BYTES
from safeconduct.stores.view.packed_table import DIGEST_BYTES
from safeconduct.stores.view.snapshot_table import Page


def no_pause():
    """Let nobody else run."""


def page_of(entries, *, base, around=b""):
    """Make a page of keys and their instants, with other bytes between the keys."""
    octets = b"".join(around + key + around for key in entries)
    distances = array("I", [instant - base for instant in entries.values()])
    return Page(octets, len(around), REVOCATION_KEY_BYTES + 2 * len(around), distances)


def key_of(digest):
    """Make a session's key of the part of a digest that is packed."""
    return b"s" + digest + bytes(REVOCATION_KEY_BYTES - 1 - DIGEST_BYTES)
