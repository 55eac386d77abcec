"""
Why a shared secret could be guessed although it is long enough (RFC 8725 §3.5, ASVS 11.2.3).

Random bytes are printable text once in 10^13 or less, so a secret that is text was typed, or is the text form of
something shorter; text must carry at least the 128 bits that a small random key would.  Beyond that, secrets that have
been published are refused by the digests in ``published.py``.
"""

import math
import re
from collections import Counter
from hashlib import sha256
from typing import Final

from safeconduct._tokens.published import PREFIX_BYTES, PUBLISHED

_LEAST_BITS: Final = 128
_LEAST_DISTINCT_BYTES: Final = 8
# How a public key begins as text; whoever knows the key could sign with such a "secret" (CVE-2022-29217).
_KEY_MARKS: Final = (b"-----BEGIN ", b"---- BEGIN ", b"ssh-rsa ", b"ssh-dss ", b"ssh-ed25519 ", b"ecdsa-sha2-")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Three fifths of a text in runs of four and more letters of one case are words; random text has next to none of them.
_WORD: Final = re.compile(r"[a-z]{4,}|[A-Z]{4,}")


def why_guessable(secret: bytes) -> str | None:
    """Return why *secret* must not be trusted, in words that do not tell it, or None."""
    if len(set(secret)) < _LEAST_DISTINCT_BYTES or secret in (secret + secret)[1:-1]:
        return "a secret that repeats itself"
    if sha256(secret).digest()[:PREFIX_BYTES] in PUBLISHED:
        return "a secret that was published"
    if any(mark in secret for mark in _KEY_MARKS):
        return "a secret that is the text of a public key"
    return _why_guessable_text(secret)


def _why_guessable_text(secret: bytes) -> str | None:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return None
    if not text.isprintable():
        return None
    if _UUID.fullmatch(text):
        return "a secret that is a UUID"
    if _entropy_bits(text) < _LEAST_BITS:
        return "a secret of too little entropy"
    if sum(map(len, _WORD.findall(text))) * 5 >= len(text) * 3:
        return "a secret made of words"
    return None


def _entropy_bits(text: str) -> float:
    size = len(text)
    return -sum(count * math.log2(count / size) for count in Counter(text).values())
