"""The format of access keys, and their hashes, by which they are stored."""

import re
import secrets
from hashlib import sha256

KEY_PREFIX = "bsk_"
"""The prefix by which people and secret scanners recognize a key."""

_RANDOM_BYTES = 32

_KEY = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_-]{{43}}")
"""A key: the prefix and the base64url of its random bytes."""


def generate_key() -> str:
    """Return a new random key."""
    return KEY_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def is_key(text: str) -> bool:
    """Return whether a text has the format of a key."""
    return _KEY.fullmatch(text) is not None


def hash_key(key: str) -> bytes:
    """Return the hash of a key, 32 bytes.

    A key is as random as its hash is long, so a slow hash with a salt would add nothing. Keys are looked up
    by their hashes, so the time of a comparison says nothing about a key.
    """
    return sha256(key.encode()).digest()
