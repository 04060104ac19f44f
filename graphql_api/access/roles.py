"""Roles: what a client may use."""

from enum import IntEnum


class Role(IntEnum):
    """A role. A higher role may use everything that a lower one may."""

    PUBLIC = 0
    """Anybody, without a key: queries on published books."""

    EDITOR = 1
    """Writes books, offers, authors and categories."""

    MANAGER = 2
    """Deletes and merges."""
